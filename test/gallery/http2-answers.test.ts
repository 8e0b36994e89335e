/**
 * Answers of HTTP/2 that no library would send, through the real proxy: what the guard refuses in
 * HTTP/1.1 is refused here or never passes, and the limits that are set hold.
 */
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createGateway, type LimitOptions } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { describe, expect, it } from "vitest";
import { data, type Fields, head, rawServer } from "./http2/raw-http2.js";

interface Got {
  readonly status: number;
  /** Names and values in turn. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly whole: boolean;
  /** Of the failure, as the gateway recorded it. */
  readonly code: string | null;
}

const LIMITS: LimitOptions = {
  responseHeaderSectionBytesMax: 2_048,
  responseHeaderBytesMax: 512,
  responseHeadersCountMax: 16,
  trailerSectionBytesMax: 512,
  trailerBytesMax: 128,
};

/** What a client of HTTP/1.1 gets of these frames. */
async function through(
  frames: (stream: number) => readonly Buffer[],
  limits: LimitOptions = {},
  dripped = false,
): Promise<Got> {
  const upstream = await rawServer((stream, socket) => {
    if (!dripped) return frames(stream);
    void drip(socket, Buffer.concat([...frames(stream)]));
    return [];
  });
  const targets = `http://127.0.0.1:${upstream.port}`;
  const timeouts = { responseMs: 2_000, idleMs: 2_000 };
  const app = { targets, allowH2: "h2c", retry: false, timeouts, limits } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  const ended = new Promise<string | null>((resolve) => {
    gateway.once("call:end", ({ code }) => resolve(code));
  });
  const server = createServer(nodeProxy(gateway.upstream("app")));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  try {
    const got = await ask((server.address() as AddressInfo).port);
    return { ...got, code: await ended };
  } finally {
    gateway.close();
    server.closeAllConnections();
    server.close();
    upstream.close();
  }
}

async function drip(socket: Socket, bytes: Buffer): Promise<void> {
  socket.setNoDelay(true);
  for (const byte of bytes) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function ask(port: number): Promise<Omit<Got, "code">> {
  return new Promise((resolve, reject) => {
    const read = (answer: IncomingMessage): void => {
      let body = "";
      answer.setEncoding("latin1");
      answer.on("data", (text: string) => {
        body += text;
      });
      answer.on("error", () => {});
      answer.once("close", () => {
        const { statusCode = 0, rawHeaders, rawTrailers, complete } = answer;
        const fields = rawHeaders.map((text) => text.toLowerCase());
        resolve({ status: statusCode, fields, body, trailers: rawTrailers, whole: complete });
      });
    };
    request({ port, agent: false, maxHeaderSize: 262_144 }, read).on("error", reject).end();
  });
}

const OK: Fields = [[":status", "200"]];
const says = (fields: Fields) => (stream: number) => [head(stream, fields), data(stream, "hello")];
const many = (count: number, value: string): Fields =>
  Array.from({ length: count }, (_, index) => [`x-${index}`, value] as const);
const trailing = (trailers: Fields) => (stream: number) => [
  head(stream, OK),
  data(stream, "hello", false),
  head(stream, trailers, true),
];

describe("an answer of HTTP/2 that", () => {
  it.concurrent.each<[string, Fields]>([
    ["has no status", [["x", "1"]]],
    ["has a status that is none", [[":status", "abc"]]],
    ["has a status of two digits", [[":status", "99"]]],
    ["has a status of no class", [[":status", "600"]]],
    ["has a status of four digits", [[":status", "2000"]]],
    ["has a status with a sign", [[":status", "+20"]]],
    ["has two statuses", [...OK, [":status", "201"]]],
    ["has its status behind a field", [["x", "1"], ...OK]],
    ["has a field that belongs to requests", [...OK, [":path", "/"]]],
    ["has a pseudo-field that nobody knows", [...OK, [":x", "1"]]],
    ["has a name in capitals", [...OK, ["X-A", "1"]]],
    ["switches protocols", [[":status", "101"]]],
    ["says Connection", [...OK, ["connection", "close"]]],
    ["says Keep-Alive", [...OK, ["keep-alive", "timeout=5"]]],
    ["says Proxy-Connection", [...OK, ["proxy-connection", "keep-alive"]]],
    ["says Transfer-Encoding", [...OK, ["transfer-encoding", "chunked"]]],
    ["says Upgrade", [...OK, ["upgrade", "h2c"]]],
    ["says TE", [...OK, ["te", "gzip"]]],
    ["has two lengths", [...OK, ["content-length", "5"], ["content-length", "5"]]],
    ["has two lengths that differ", [...OK, ["content-length", "5"], ["content-length", "6"]]],
    ["has a list of lengths", [...OK, ["content-length", "5, 5"]]],
    ["has a length with a sign", [...OK, ["content-length", "+5"]]],
    ["has a hexadecimal length", [...OK, ["content-length", "0x5"]]],
    ["has an empty length", [...OK, ["content-length", ""]]],
    ["has a length of more than 64 bits", [...OK, ["content-length", "18446744073709551621"]]],
  ])("%s is a bad gateway, and nothing of it passes", async (_what, fields) => {
    const got = await through(says(fields));
    expect([got.status, got.whole]).toEqual([502, true]);
    expect(got.code).toMatch(/^(?:http_protocol_error|response_status_invalid)$/);
    expect(got.body).not.toContain("hello");
    expect(got.fields.join("\n")).toContain("error=http_protocol_error");
  });

  it.concurrent.each<[string, string, string]>([
    ["a line break in a value", "x", "1\r\nset-cookie: a=b"],
    ["a line feed in a value", "x", "1\nset-cookie: a=b"],
    ["a NUL in a value", "x", "1\0"],
    ["a control character in a value", "x", "1\x01"],
    ["a line break in a name", "x\r\nset-cookie", "a=b"],
    ["a space in a name", "x y", "1"],
    ["a colon in a name", "set-cookie:x", "1"],
    ["no name", "", "set-cookie: a=b"],
  ])("has %s passes without that field", async (_what, name, value) => {
    const got = await through(says([...OK, [name, value], ["y", "2"]]));
    expect([got.status, got.body, got.whole]).toEqual([200, "hello", true]);
    const names = got.fields.filter((_, index) => index % 2 === 0);
    expect(names).toContain("y");
    expect(names.filter((one) => /set-cookie|^x/.test(one))).toEqual([]);
  });

  it.concurrent.each<[string, Fields, number]>([
    ["less than its length", [...OK, ["content-length", "6"]], 200],
    ["more than its length", [...OK, ["content-length", "4"]], 502],
  ])("has %s is never whole", async (_what, fields, status) => {
    const got = await through(says(fields));
    expect(got.status).toBe(status);
    if (status === 200) expect(got.whole).toBe(false);
    else expect(got.body).not.toContain("hello");
    // Some versions of Node look at the length before we do.
    const codes = ["connection_reset_in_body", "http_response_incomplete", "http_protocol_error"];
    expect(codes).toContain(got.code);
  });

  it.concurrent.each<[string, (stream: number) => readonly Buffer[]]>([
    ["204", (stream) => [head(stream, [[":status", "204"]]), data(stream, "hello")]],
    ["304", (stream) => [head(stream, [[":status", "304"]]), data(stream, "hello")]],
  ])("has a body behind %s passes without it", async (_what, frames) => {
    const got = await through(frames);
    expect([got.body, got.whole]).toEqual(["", true]);
  });

  it.concurrent.each<[string, Fields]>([
    ["a length", [["content-length", "9"]]],
    ["a coding", [["transfer-encoding", "chunked"]]],
    ["a status", [[":status", "500"]]],
  ])("has %s as a trailer is cut", async (_what, trailers) => {
    const got = await through(trailing(trailers));
    expect([got.status, got.whole]).toEqual([200, false]);
  });

  it.concurrent("has a trailer with a line break passes without that trailer", async () => {
    const got = await through(
      trailing([
        ["x", "1\r\nset-cookie: a=b"],
        ["y", "2"],
      ]),
    );
    expect([got.whole, got.trailers]).toEqual([true, ["y", "2"]]);
  });

  it.concurrent("has interim answers without end is refused", async () => {
    const hint: Fields = [
      [":status", "103"],
      ["link", "</a>"],
    ];
    const got = await through((stream) => Array.from({ length: 40 }, () => head(stream, hint)));
    expect([got.status, got.code]).toEqual([502, "http_protocol_error"]);
  });

  // haproxy#1972, haproxy#2291
  it.concurrent.each<[string, (stream: number) => readonly Buffer[]]>([
    ["ends with an interim head", (stream) => [head(stream, [[":status", "103"]], true)]],
    [
      "has a body behind an interim head",
      (stream) => [head(stream, [[":status", "102"]]), data(stream, "hello")],
    ],
    ["begins with its body", (stream) => [data(stream, "hello")]],
  ])("%s is a bad gateway", async (_what, frames) => {
    const got = await through(frames);
    expect([got.status, got.whole, got.code]).toEqual([502, true, "http_protocol_error"]);
    expect(got.body).not.toContain("hello");
  });

  // curl#1130
  it.concurrent("comes byte by byte is whole", async () => {
    const got = await through((stream) => says([...OK, ["x", "connection"]])(stream), {}, true);
    expect([got.status, got.body, got.whole]).toEqual([200, "hello", true]);
  });

  it.concurrent("comes on a stream that nobody has opened ends the connection", async () => {
    const got = await through((stream) => [...says(OK)(stream + 2), ...says(OK)(stream)]);
    expect([got.status, got.code]).toEqual([502, "http_protocol_error"]);
  });
});

describe("a limit", () => {
  const SECTION = "http_response_header_section_size";

  it.concurrent.each<[string, (stream: number) => readonly Buffer[], number, string]>([
    ["a line", says([...OK, ["x", "a".repeat(600)]]), 502, "http_response_header_size"],
    ["lines", says([...OK, ...many(20, "1")]), 502, SECTION],
    ["a section", says([...OK, ...many(5, "a".repeat(500))]), 502, SECTION],
    ["a trailer", trailing([["x", "a".repeat(200)]]), 200, "http_response_trailer_size"],
    ["trailers", trailing(many(6, "a".repeat(100))), 200, "http_response_trailer_section_size"],
  ])("that is set bounds %s", async (_what, frames, status, code) => {
    const got = await through(frames, LIMITS);
    expect([got.status, got.code]).toEqual([status, code]);
    expect(got.whole).toBe(status === 502);
  });

  it.concurrent.each<[string, Fields, string]>([
    ["a line", [["x", "a".repeat(20_000)]], "http_response_header_size"],
    ["a section", many(10, "a".repeat(4_000)), SECTION],
    ["300 fields", many(300, "1"), SECTION],
    // Node would reset these by itself, with the code of a peer that is overloaded.
    ["4,000 fields", many(4_000, "1"), SECTION],
    ["a section of 140 KiB", many(36, "a".repeat(4_000)), SECTION],
  ])("that is not set bounds %s, too, and names it", async (_what, fields, code) => {
    const got = await through(says([...OK, ...fields]));
    expect([got.status, got.code]).toEqual([502, code]);
  });

  it.concurrent("that is raised lets more through", async () => {
    const limits = { responseHeaderSectionBytesMax: 131_072, responseHeadersCountMax: 1_000 };
    const got = await through(says([...OK, ...many(900, "a".repeat(100))]), limits);
    expect([got.status, got.body, got.fields.length > 1_800]).toEqual([200, "hello", true]);
  });
});
