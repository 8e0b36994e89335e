/**
 * Bodies that `gatewayFetch` is given, by what the upstream has taken: whole and once, or not at
 * all.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough, Readable } from "node:stream";
import * as fc from "fast-check";
import { isGatewayError } from "good-gateway";
import { type GatewayFetch, gatewayFetch } from "good-gateway/fetch";
import { fetch as undiciFetch } from "undici";
import { describe, expect, it } from "vitest";
import { afterwards, rejection, worldOf } from "./fetch-world.js";

const own: typeof fetch = (input, init) => {
  const { dispatcher: _, ...rest } = (init ?? {}) as Record<string, unknown>;
  return fetch(input, rest as RequestInit);
};
const FETCHES: readonly (readonly [string, typeof fetch | undefined])[] = [
  ["the built-in fetch", undefined],
  ["undici's fetch", undiciFetch as unknown as typeof fetch],
  ["a fetch around the built-in one", (input, init) => fetch(input, init)],
  ["a fetch that sends by itself", own],
];

interface Taken {
  readonly digest: string;
  readonly bytes: number;
  readonly whole: boolean;
  readonly fields: IncomingMessage["headers"];
}

const digestOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Writes down what it takes, by path; `/lose` loses its first request when it has read it. */
async function takingUpstream() {
  const taken = new Map<string, Taken[]>();
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on("data", (chunk: Buffer) => chunks.push(chunk)).on("error", () => {});
    const note = (whole: boolean): void => {
      const all = taken.get(req.url as string) ?? [];
      const body = Buffer.concat(chunks);
      all.push({ digest: digestOf(body), bytes: body.length, whole, fields: req.headers });
      taken.set(req.url as string, all);
      if (whole && req.url?.startsWith("/lose") && all.length === 1) req.socket.destroy();
      else res.end();
    };
    req.once("end", () => note(true));
    req.once("close", () => {
      if (!req.complete) note(false);
    });
  });
  await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
  afterwards(() => void server.close().closeAllConnections());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, taken: (path: string) => taken.get(path) ?? [] };
}

async function through(given: typeof fetch | undefined, settings = {}) {
  const upstream = await takingUpstream();
  const world = worldOf(upstream.origin, { retry: { backoffBaseMs: 1 }, ...settings });
  const call = gatewayFetch(world.orders, given === undefined ? {} : { fetch: given });
  return { ...upstream, ...world, call };
}

const MEBIBYTE = 1_048_576;
const bytesOf = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff);
const SOURCE = bytesOf(MEBIBYTE);

function chunked(sizes: readonly number[]): { stream: ReadableStream; whole: Uint8Array } {
  let at = 0;
  const chunks = sizes.map((size) => {
    const chunk = SOURCE.slice(at, at + size);
    at += size;
    return chunk;
  });
  const stream = new ReadableStream({
    async pull(controller) {
      const chunk = chunks.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
      // Some come at once, some a turn later.
      if (chunks.length % 2 === 0) await new Promise((turn) => setImmediate(turn));
    },
  });
  return { stream, whole: SOURCE.slice(0, at) };
}

const chunkings = fc.array(fc.oneof(fc.nat(200), fc.nat(70_000), fc.constant(65_536)), {
  maxLength: 8,
});

describe.each(FETCHES)("through %s", (_, given) => {
  it("a stream in any chunks arrives whole, once, and again only where it was kept", async () => {
    const { call, taken } = await through(given, { breaker: false });
    let marks = 0;
    await fc.assert(
      fc.asyncProperty(
        chunkings,
        fc.constantFrom("POST", "PUT"),
        // A connection that was lost may be another one's, where they are not ours.
        given === own ? fc.constant(false) : fc.boolean(),
        async (sizes, method, lost) => {
          marks += 1;
          const { stream, whole } = chunked(sizes);
          const path = `${lost ? "/lose" : "/take"}?${marks}`;
          const init = { method, body: stream, duplex: "half" } as const;
          const answer = await call(path, init).catch((error: unknown) => error);
          const all = taken(path);
          for (const one of all) expect(one).toMatchObject({ digest: digestOf(whole) });
          const repeats = lost && method === "PUT" && whole.length <= 65_536;
          expect(all).toHaveLength(repeats ? 2 : 1);
          if (!lost || repeats) expect(answer).toMatchObject({ status: 200 });
          else expect(isGatewayError(answer)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  it("what breaks in the caller's stream fails the call, and counts against nothing", async () => {
    const { call, orders, taken } = await through(given, { breaker: { consecutiveFailures: 1 } });
    const broken = new Error("no such file");
    for (const before of [0, 1, 100_000]) {
      const body = new ReadableStream({
        start: (controller) => void (before > 0 && controller.enqueue(bytesOf(before))),
        async pull(controller) {
          for (let turn = 0; turn < 5; turn += 1) await new Promise((go) => setImmediate(go));
          controller.error(broken);
        },
      });
      const init = { method: "POST", body, duplex: "half" } as const;
      const error = await rejection(call(`/broken?${before}`, init));
      expect(error).toMatchObject({ code: "request_body_failed", message: "fetch failed" });
      expect(taken(`/broken?${before}`).filter(({ whole }) => whole)).toEqual([]);
      expect(orders.targets[0]).toMatchObject({ breaker: "closed", pending: 0 });
    }
  });

  it("a stream that was read before, or is locked, is refused", async () => {
    const { call, taken } = await through(given);
    const locked = new Blob(["locked"]).stream();
    locked.getReader();
    const read = new Blob(["read"]).stream();
    for await (const _chunk of read.values({ preventCancel: true }));
    const nodes = Readable.from(["a", "b"]);
    nodes.once("data", () => nodes.pause());
    await new Promise((turn) => setImmediate(turn));
    for (const body of [locked, read, nodes as unknown as ReadableStream]) {
      const init = { method: "PUT", body, duplex: "half" } as const;
      expect(await rejection(call("/refused", init))).toBeInstanceOf(TypeError);
    }
    expect(taken("/refused")).toEqual([]);
  });

  it("a signal that has aborted cancels the stream with its reason", async () => {
    const { call } = await through(given);
    const signal = AbortSignal.abort(new Error("mine"));
    const reasons: unknown[] = [];
    const body = new ReadableStream({ cancel: (reason) => void reasons.push(reason) });
    const init = { method: "POST", body, duplex: "half", signal } as const;
    expect(await rejection(call("/", init))).toBe(signal.reason);
    expect(reasons).toEqual([signal.reason]);
  });
});

describe("bodies of classes that Node's fetch does not know", () => {
  const tagged = (tag: string, members: object): object =>
    Object.assign(Object.create({ [Symbol.toStringTag]: tag }), members);
  const foreignFile = tagged("File", {
    ...{ name: "f.bin", type: "", size: 3 },
    stream: () => Readable.from([Buffer.from("abc")]),
  });
  const oldForm = Object.assign(new PassThrough().end("--x\r\n\r\n--x--"), {
    getHeaders: () => ({ "content-type": "multipart/form-data; boundary=x" }),
    [Symbol.toStringTag]: "FormData",
  });
  const polyfilled = {
    locked: false,
    getReader() {
      const chunks = [bytesOf(3), bytesOf(70_000)];
      const read = async () => ({ done: chunks.length === 0, value: chunks.shift() });
      return { read, cancel: async () => {}, releaseLock() {} };
    },
  };
  const KINDS: readonly (readonly [string, unknown, string | RegExp, RegExp])[] = [
    [
      "a form",
      tagged("FormData", {
        *[Symbol.iterator]() {
          yield ['a "name"', "a\nvalue"];
          yield ["file", foreignFile];
        },
      }),
      /name="a %22name%22"\r\n\r\na\r\nvalue\r\n[\s\S]*filename="f.bin"\r\n[\s\S]*abc\r\n--/,
      /^multipart\/form-data; boundary=/,
    ],
    ["a Blob", foreignFile, "abc", /undefined/],
    ["a form of Node's oldest streams", oldForm, "--x\r\n\r\n--x--", /boundary=x$/],
    ["a query", tagged("URLSearchParams", { toString: () => "a=1" }), "a=1", /urlencoded/],
  ];

  it.each(KINDS)("%s is sent as what it is", async (_, body, sent, type) => {
    const upstream = await takingBodies();
    const call = gatewayFetch(worldOf(upstream.origin).orders);
    const init = { method: "POST", body: body as string, duplex: "half" } as const;
    expect((await call("/", init)).status).toBe(200);
    expect(upstream.body()).toMatch(sent);
    expect(String(upstream.fields()["content-type"])).toMatch(type);
    const { "content-length": length, "transfer-encoding": coding } = upstream.fields();
    if (body !== oldForm) expect(length).toBe(String(upstream.body().length));
    else expect(coding).toBe("chunked");
  });

  it("a polyfill's stream arrives whole", async () => {
    const { call, taken } = await through(undefined);
    const body = polyfilled as unknown as ReadableStream;
    await call("/poly", { method: "POST", body, duplex: "half" } as RequestInit);
    expect(taken("/poly")).toMatchObject([{ bytes: 70_003, whole: true }]);
  });

  async function takingBodies() {
    let text = "";
    let fields: IncomingMessage["headers"] = {};
    const server = createServer((req, res) => {
      fields = req.headers;
      req.on("data", (chunk: Buffer) => {
        text += chunk.toString("latin1");
      });
      req.once("end", () => res.end());
    });
    await new Promise<void>((listening) => void server.listen(0, "127.0.0.1", listening));
    afterwards(() => void server.close().closeAllConnections());
    const { port } = server.address() as AddressInfo;
    return { origin: `http://127.0.0.1:${port}`, body: () => text, fields: () => fields };
  }
});

describe("a length that is announced", () => {
  const wrong = [
    ["more", 3, "5"],
    ["less", 7, "5"],
  ] as const;

  it.each(wrong)("as %s than there is fails the call", async (_, size, length) => {
    const { call, orders, taken } = await through(undefined);
    const headers = { "content-length": length };
    const body = chunked([size]).stream;
    const init = { method: "POST", body, duplex: "half", headers } as const;
    expect(await rejection(call("/length", init))).toMatchObject({ code: "request_body_failed" });
    const sent = await orders.send({
      ...{ method: "POST", path: "/sent", headers },
      body: Readable.from([Buffer.alloc(size)]),
    });
    expect(sent).toMatchObject({ failure: { code: "request_body_failed" } });
    for (const path of ["/length", "/sent"]) {
      expect(taken(path).filter(({ whole }) => whole)).toEqual([]);
    }
  });

  it("of bytes goes out with them, also out of a Request", async () => {
    const { call, taken, origin } = await through(undefined);
    const body = "x".repeat(MEBIBYTE);
    await call(new Request(`${origin}/request`, { method: "POST", body }));
    await call("/text", { method: "POST", body });
    for (const path of ["/request", "/text"]) {
      expect(taken(path)).toMatchObject([
        { bytes: MEBIBYTE, fields: { "content-length": String(MEBIBYTE) } },
      ]);
    }
  });
});

it("an error names its caller in its stack", async () => {
  const { orders } = worldOf("http://127.0.0.1:9", { retry: false });
  const call: GatewayFetch = gatewayFetch(orders);
  async function theCaller(): Promise<unknown> {
    return await call("/");
  }
  expect(((await rejection(theCaller())) as Error).stack).toContain("theCaller");
});
