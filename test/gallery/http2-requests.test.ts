/**
 * Requests of HTTP/2 that no library would send, on their way to an upstream of HTTP/1.1: it gets
 * one well-formed request or none, and nothing in a field or a body becomes a request of its own.
 */
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createGateway } from "good-gateway";
import { nodeProxy } from "good-gateway/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Became, data, type Fields, head, rawRequest } from "./http2/raw-http2.js";
import { readRequests } from "./smuggling/read-requests.js";
import { type Recorder, recorder } from "./smuggling/run-cases.js";
import { limiter } from "./tools/world.js";

/** Stands for the path of a case, by which what reaches the upstream is told apart. */
const PATH = "{path}";
const HIDDEN = `GET ${PATH}/hidden HTTP/1.1\r\nHost: h\r\n\r\n`;
const METHOD: Fields = [[":method", "GET"]];
const POST: Fields = [[":method", "POST"]];
const SCHEME: Fields = [[":scheme", "http"]];
const AUTHORITY: Fields = [[":authority", "edge.example"]];
const TARGET: Fields = [[":path", PATH]];
const GET = [...METHOD, ...SCHEME, ...AUTHORITY, ...TARGET];
const UPLOAD = [...POST, ...SCHEME, ...AUTHORITY, ...TARGET];

type Row = readonly [what: string, fields: Fields, body?: string, trailers?: Fields];

const paths = (...values: readonly (readonly [string, string])[]): readonly Row[] =>
  values.map(([what, value]) => [
    `a path with ${what}`,
    [...METHOD, ...SCHEME, ...AUTHORITY, [":path", value]],
  ]);
const methods = (...values: readonly (readonly [string, string])[]): readonly Row[] =>
  values.map(([what, value]) => [
    `a method ${what}`,
    [[":method", value], ...SCHEME, ...AUTHORITY, ...TARGET],
  ]);
const authorities = (...values: readonly (readonly [string, string])[]): readonly Row[] =>
  values.map(([what, value]) => [
    `an authority with ${what}`,
    [...METHOD, ...SCHEME, [":authority", value], ...TARGET],
  ]);

/** Nothing of these reaches the upstream. */
const REFUSED: readonly Row[] = [
  ...paths(
    ["a space", `${PATH} x`],
    ["a version behind it", `${PATH} HTTP/1.1`],
    ["a request behind it", `${PATH} HTTP/1.1\r\nHost: h\r\n\r\n${HIDDEN}`],
    ["a line feed", `${PATH}\nx-admin: 1`],
    ["a NUL", `${PATH}\0`],
    ["a tab", `${PATH}\tx`],
    ["a fragment", `${PATH}#x`],
    ["obs-text", `${PATH}\xe4`],
    ["no slash", `x${PATH}`],
    ["another host", `http://evil.example${PATH}`],
    ["a way above the root", `/../..${PATH}`],
  ),
  ["no path", [...METHOD, ...SCHEME, ...AUTHORITY]],
  ["an empty path", [...METHOD, ...SCHEME, ...AUTHORITY, [":path", ""]]],
  ["two paths", [...GET, [":path", `${PATH}/hidden`]]],
  ...methods(
    ["with a line break", `GET ${PATH} HTTP/1.1\r\nHost: h\r\n\r\nGET`],
    ["with a space", `GET ${PATH}/hidden`],
    ["with a colon", "GET:"],
    ["that is empty", ""],
    ["that is CONNECT", "CONNECT"],
  ),
  ["no method", [...SCHEME, ...AUTHORITY, ...TARGET]],
  ["two methods", [...METHOD, ...GET]],
  ...authorities(
    ["a line break", `h\r\n\r\n${HIDDEN}`],
    ["a path", "edge.example/x"],
    ["a user", "a@edge.example"],
    ["a space", "edge.example x"],
  ),
  ["two authorities", [...GET, [":authority", "evil.example"]]],
  ["a Host that differs", [...GET, ["host", "evil.example"]]],
  ["two Hosts", [...METHOD, ...SCHEME, ...TARGET, ["host", "a"], ["host", "b"]]],
  ["no authority and no Host", [...METHOD, ...SCHEME, ...TARGET]],
  ["no scheme", [...METHOD, ...AUTHORITY, ...TARGET]],
  ["a pseudo-field behind a field", [...METHOD, ...SCHEME, ["x", "1"], ...AUTHORITY, ...TARGET]],
  ["a pseudo-field that nobody knows", [...GET, [":x", "1"]]],
  ["a status", [...GET, [":status", "200"]]],
  ["WebSockets", [[":method", "CONNECT"], [":protocol", "websocket"], ...GET.slice(1)]],
  ["a name in capitals", [...GET, ["X-A", "1"]]],
  ["Transfer-Encoding", [...UPLOAD, ["transfer-encoding", "chunked"]], `0\r\n\r\n${HIDDEN}`],
  ["Connection", [...GET, ["connection", "upgrade"]]],
  ["Upgrade", [...GET, ["upgrade", "websocket"]]],
  ["Keep-Alive", [...GET, ["keep-alive", "timeout=5"]]],
  ["Proxy-Connection", [...GET, ["proxy-connection", "keep-alive"]]],
  ["TE", [...GET, ["te", "gzip, chunked"]]],
  ["two lengths", [...UPLOAD, ["content-length", "5"], ["content-length", "5"]], "hello"],
  ["a list of lengths", [...UPLOAD, ["content-length", "5, 5"]], "hello"],
  ["a length with a sign", [...UPLOAD, ["content-length", "+5"]], "hello"],
  ["a hexadecimal length", [...UPLOAD, ["content-length", "0x5"]], "hello"],
  ["a negative length", [...UPLOAD, ["content-length", "-5"]], "hello"],
  ["an empty length", [...UPLOAD, ["content-length", ""]], "hello"],
  ["a length of more than 64 bits", [...UPLOAD, ["content-length", "18446744073709551621"]], "hi"],
  ["a length and no body", [...UPLOAD, ["content-length", "5"]]],
];

/** The upstream gets one request, and it is a whole one. */
const PASSES: readonly Row[] = [
  ["nothing unusual", GET],
  ["a body", UPLOAD, "hello"],
  ["a body with a length", [...UPLOAD, ["content-length", "5"]], "hello"],
  ["a body that looks like a request", UPLOAD, HIDDEN],
  ["a body that looks like chunks", UPLOAD, `0\r\n\r\n${HIDDEN}`],
  ["a body on GET", GET, HIDDEN],
  ["a Host and no authority", [...METHOD, ...SCHEME, ...TARGET, ["host", "edge.example"]]],
  ["the same Host", [...GET, ["host", "edge.example"]]],
  ["TE: trailers", [...GET, ["te", "trailers"]]],
  ["a path with encoded line breaks", [...GET.slice(0, 3), [":path", `${PATH}%0d%0aHost:%20x`]]],
  ["Expect", [...UPLOAD, ["expect", "100-continue"]], "hello"],
  ["a line break in a value", [...GET, ["x", `1\r\n\r\n${HIDDEN}`]]],
  ["a line feed in a value", [...GET, ["x", "1\nx-admin: 1"]]],
  ["a NUL in a value", [...GET, ["x", "1\0"]]],
  ["a line break in a name", [...GET, ["x: 1\r\ny", "1"]]],
  ["a colon in a name", [...GET, ["transfer-encoding: chunked\r\nx", "1"]]],
  ["a space in a name", [...GET, ["transfer-encoding ", "chunked"]]],
  ["no name", [...GET, ["", "transfer-encoding: chunked"]]],
  ["a line break in X-Request-Id", [...GET, ["x-request-id", "1\r\nx-admin: 1"]]],
  ["a line break in X-Forwarded-For", [...GET, ["x-forwarded-for", "1\r\nx-admin: 1"]]],
  ["a line break in a cookie", [...GET, ["cookie", "a=1\r\nx-admin: 1"]]],
  ["cookies one by one", [...GET, ["cookie", "a=1"], ["cookie", "b=2"]]],
  ["HTTP2-Settings", [...GET, ["http2-settings", "AAMAAABkAAQAAP__"]]],
  ["a trailer", UPLOAD, "hello", [["x", "1"]]],
  ["a length as a trailer", UPLOAD, "hello", [["content-length", "5"]]],
];

/** The upstream may see the beginning of a request, and never the whole of one. */
const NEVER_WHOLE: readonly Row[] = [
  ["more than its length", [...UPLOAD, ["content-length", "5"]], `hello${HIDDEN}`],
  ["a length of 0 and a body", [...UPLOAD, ["content-length", "0"]], HIDDEN],
  ["less than its length", [...UPLOAD, ["content-length", "50"]], "hello"],
  ["a coding as a trailer", UPLOAD, "hello", [["transfer-encoding", "chunked"]]],
  ["a path as a trailer", UPLOAD, "hello", [[":path", `${PATH}/hidden`]]],
];

function framesOf([, fields, body, trailers]: Row, path: string): readonly Buffer[] {
  const placed = (list: Fields): Fields =>
    list.map(([name, value]) => [name, value.replaceAll(PATH, path)] as const);
  const frames = [head(1, placed(fields), body === undefined)];
  if (body !== undefined) frames.push(data(1, body.replaceAll(PATH, path), trailers === undefined));
  if (trailers !== undefined) frames.push(head(1, placed(trailers), true));
  return frames;
}

/** What is answered is waited for, however busy the machine is. */
const ANSWERED_MS = 20_000;
const QUIET_MS = 3_000;
const CASES = [...REFUSED, ...PASSES, ...NEVER_WHOLE];
const pathOf = (index: number) => `/case-${index}-`;
const became: Became[] = [];
let upstream: Recorder;
let close = async (): Promise<void> => {};

beforeAll(async () => {
  upstream = await recorder();
  const gateway = createGateway({
    name: "edge",
    upstreams: { app: { targets: `http://127.0.0.1:${upstream.port}`, breaker: false } },
    onWarning: () => {},
  });
  const server = createServer(nodeProxy(gateway.upstream("app")));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const limit = limiter(8);
  const all = CASES.map((row, index) =>
    limit(async () => {
      const quietMs = PASSES.includes(row) ? ANSWERED_MS : QUIET_MS;
      became[index] = await rawRequest(port, framesOf(row, pathOf(index)), quietMs);
    }),
  );
  await Promise.all(all);
  close = async () => {
    gateway.close();
    server.close();
    await upstream.close();
  };
});

afterAll(() => close());

/** What the upstream got of a case. */
function got(index: number) {
  const readings = upstream.of(pathOf(index).slice(1)).map(readRequests);
  return {
    whole: readings.flatMap(({ whole }) => whole),
    invalid: readings.flatMap(({ invalid }) => invalid ?? []),
    text: upstream.of(pathOf(index).slice(1)).join("\n"),
  };
}

describe("a request of HTTP/2 with", () => {
  it.each(CASES.map((row, index) => [row[0], row, index] as const))("%s", (_what, row, index) => {
    const { whole, invalid, text } = got(index);
    expect(invalid).toEqual([]);
    expect(whole.length).toBe(PASSES.includes(row) ? 1 : 0);
    expect(whole.join("\n")).not.toContain("/hidden");
    expect(text.split("\r\n\r\n")[0]).not.toMatch(/^(?:x-admin|upgrade|te|http2-settings):/im);
    if (PASSES.includes(row)) expect(became[index]).toBe("answered");
    else if (REFUSED.includes(row)) expect(text).toBe("");
  });

  it("none of them leaves anything that belongs to no case", () => {
    expect(upstream.strays()).toEqual([]);
  });
});
