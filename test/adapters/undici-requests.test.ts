/**
 * What goes up through `gatewayInterceptor` is what was asked for, in its own form; what undici
 * refuses is refused in undici's words, and counts against no target.
 */
import { PassThrough, Readable } from "node:stream";
import { type CallRecord, createGateway } from "good-gateway";
import { gatewayInterceptor } from "good-gateway/undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { echo, type Served, same, wordsOf } from "./undici-compared.js";
import { UNDICIS, type Undici, type UndiciAgent } from "./undici-versions.js";

let server: Served;
beforeAll(async () => {
  server = await echo();
});
afterAll(() => server.close());

/** By `dispatch` itself, which takes options as they are. */
function dispatched(agent: UndiciAgent, options: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = "";
    let status = 0;
    const handler = {
      onRequestStart() {},
      onResponseStart(_controller: unknown, code: number) {
        status = code;
      },
      onResponseData(_controller: unknown, chunk: Buffer) {
        text += chunk.toString();
      },
      onResponseEnd: () => resolve([status, text]),
      onResponseError: (_controller: unknown, error: unknown) => reject(error),
    };
    agent.dispatch(options as object, handler);
  });
}

const asked = (options: object) => (agent: UndiciAgent) =>
  dispatched(agent, { origin: server.origin, path: "/", method: "GET", ...options });

const requested =
  (undici: Undici, options: () => object) =>
  async (agent: UndiciAgent): Promise<unknown> => {
    const made = { method: "PUT", ...options(), dispatcher: agent };
    const { statusCode, body } = await undici.request(`${server.origin}/put`, made);
    return [statusCode, await body.text()];
  };

const PATHS = [
  ...["//evil.test/x", "/\\evil.test", "\\\\evil.test/", "/a/../b", "/../x", "/%2e%2e/x", "/@evil"],
  ...["@evil.test", "http://evil.test/x", "https://evil.test", "HTTP://x/", "*", "", "x", "?a"],
  ...[" /", "/é", "/\u2603", "/a b", "/a#b", "/?x=1", "/\n", "///", undefined, null, 5, ["/a"]],
] as const;

const FIELDS: readonly (readonly [string, () => unknown])[] = [
  ["a record", () => ({ "X-A": "1", "x-b": ["2", "3"], "x-n": 5, "x-none": undefined })],
  ["odd values", () => ({ "x-null": null, "x-b": true, "x-l": [1, null, true], "x-e": "" })],
  ["names and values in turn", () => ["X-A", "1", "x-b", "2", "X-A", "3"]],
  ["Headers", () => new Headers({ "x-a": "1" })],
  ["a Map", () => new Map([["x-a", "1"]])],
  ["a generator", () => pairs()],
  ["pairs of something iterable", () => ({ [Symbol.iterator]: pairs })],
  ["no prototype", () => Object.assign(Object.create(null), { "x-a": "1" })],
  ["none", () => null],
  ["another Host", () => ({ host: "other.test" })],
  ["close", () => ({ connection: "close" })],
  ["an object as value", () => ({ "x-a": { b: 1 } })],
  ["an odd list", () => ["x-a", "1", "x-b"]],
  ["a list of pairs", () => [["x-a", "1"]]],
  ["a name with a space", () => ({ "x a": "1" })],
  ["a line break", () => ({ "x-a": "a\r\nb: c" })],
  ["letters beyond bytes", () => ({ "x-a": "\u2603" })],
  ["Transfer-Encoding", () => ({ "transfer-encoding": "chunked" })],
  ["Expect", () => ({ expect: "100-continue" })],
  ["Upgrade", () => ({ upgrade: "h2c" })],
  ["two Hosts", () => ["host", "a", "host", "b"]],
  ["a Content-Length in words", () => ({ "content-length": "x" })],
  ["text", () => "x-a: 1"],
  ["a symbol", () => ({ "x-a": Symbol("x") })],
  ["half a pair", () => new Set(["x-a"])],
  ["an iterator that throws", () => ({ [Symbol.iterator]: failing })],
];

function* pairs(): Generator<readonly string[]> {
  yield ["x-a", "1"];
  yield ["x-b", "2"];
  yield ["x-a", "3"];
}

function* failing(): Generator<string[]> {
  yield ["x-a", "1"];
  throw new RangeError("the caller's own");
}

const BODIES: readonly (readonly [string, (undici: Undici) => unknown])[] = [
  ["text", () => "héllo"],
  ["empty text", () => ""],
  ["a Buffer", () => Buffer.from("bytes")],
  ["a view", () => new DataView(new Uint8Array([65, 66, 67, 68]).buffer, 1, 2)],
  ["an ArrayBuffer", () => new Uint8Array([65, 66]).buffer],
  ["a stream of objects", () => Readable.from(["a", Buffer.from("b")])],
  ["a stream that has ended", () => new PassThrough().end("all here")],
  ["a long stream", () => Readable.from(chunks(40))],
  ["a list", () => ["a", Buffer.from("b")]],
  ["a generator", () => chunks(3)],
  ["an async generator", () => Readable.from(chunks(3))[Symbol.asyncIterator]()],
  ["a web stream", () => new Blob(["web"]).stream()],
  ["a Blob", () => new Blob(["blob"], { type: "text/x" })],
  ["a form", ({ FormData }) => withField(new FormData())],
  ["an empty stream", () => Readable.from([])],
  ["a stream that was destroyed", () => Readable.from(["a"]).destroy()],
  ["a stream that fails", () => Readable.from(failingChunks())],
  ["a number", () => 5],
  ["an object", () => ({})],
  ["a SharedArrayBuffer", () => new SharedArrayBuffer(2)],
];

function* chunks(count: number): Generator<Buffer> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(65_536, 97 + (index % 26));
}

async function* failingChunks(): AsyncGenerator<Buffer> {
  yield Buffer.from("a");
  throw new RangeError("the caller's own");
}

function withField(form: FormData): FormData {
  form.set("a", "1");
  form.set("f", new Blob(["x"]), "name.txt");
  return form;
}

const OPTIONS: readonly object[] = [
  ...[{ bodyTimeout: -1 }, { headersTimeout: "x" }, { reset: 1 }, { reset: true }],
  ...[{ maxRedirections: 3 }, { throwOnError: true }, { expectContinue: "x" }, { upgrade: "" }],
  ...[{ method: "GE T" }, { method: "" }, { method: 5 }, { method: "PROPFIND" }, { method: "get" }],
  ...[{ query: { x: "1 2", y: ["a", "b"] } }, { query: 5 }, { origin: "http://" }, { origin: 5 }],
  ...[{ origin: "ftp://x" }, { origin: undefined }],
];

describe.each(UNDICIS)("%s", (_name, undici) => {
  const test = it.skipIf(undici === null);
  const own = undici as Undici;

  test.each(PATHS)("the path %s stays a path of its origin, or is refused", async (path) => {
    await same(own, server.origin, asked({ path }));
  });

  test.each(FIELDS)("fields: %s", async (_what, headers) => {
    await same(own, server.origin, (agent) => asked({ headers: headers() })(agent));
  });

  describe.each([{}, { retry: {} }])("bodies with %o", (settings) => {
    test.each(BODIES)("%s", async (_what, body) => {
      const run = requested(own, () => ({ body: body(own) }));
      await same(own, server.origin, run, { settings });
    });
  });

  test.each(OPTIONS)("options: %o", async (options) => {
    await same(own, server.origin, asked(options));
  });

  test.each([
    ["as announced", "3", "abc"],
    ["shorter", "3", "ab"],
    ["longer", "3", "abcd"],
  ])("a stream that is %s", async (_what, length, text) => {
    const headers = { "content-length": length };
    const body = () => Readable.from([Buffer.from(text)]);
    await same(
      own,
      server.origin,
      requested(own, () => ({ headers, body: body() })),
    );
  });

  test("an interceptor beneath sees fields and body as they came", async () => {
    const seen: Readonly<Record<string, unknown>>[] = [];
    const gateway = createGateway({ upstreams: { app: { targets: server.origin } } });
    const spy = (dispatch: UndiciAgent["dispatch"]) => (options: object, handler: object) => {
      seen.push(options as Record<string, unknown>);
      return dispatch(options, handler);
    };
    const agent = new own.Agent();
    const composed = agent.compose(spy).compose(gatewayInterceptor(gateway));
    const asIs = [{ "x-a": "1" }, ["x-a", "1"], new Headers({ "x-a": "1" })];
    const bodies = ["text", Buffer.from("b"), new Blob(["c"])];
    for (const [at, headers] of asIs.entries()) {
      const body = bodies[at];
      const opaque = { at };
      await dispatched(composed, {
        ...{ origin: server.origin, path: "/", method: "PUT", headers, body, opaque },
      });
      expect(seen[at]?.["headers"]).toBe(headers);
      expect(seen[at]?.["body"]).toBe(body);
      expect(seen[at]?.["opaque"]).toBe(opaque);
    }
    gateway.close();
    await agent.destroy();
  });

  test("what undici refuses is sent once at the most, and counts against no target", async () => {
    const records: CallRecord[] = [];
    const settings = { retry: { attemptsMax: 3 }, breaker: { consecutiveFailures: 1 } };
    const gateway = createGateway({
      upstreams: { app: { targets: server.origin, ...settings } },
    });
    gateway.on("call:end", (record) => void records.push(record));
    const agent = new own.Agent();
    const composed = agent.compose(gatewayInterceptor(gateway));
    const wrong = { headers: { "x-a": "a\r\nb: c" } };
    expect(await asked(wrong)(composed).catch(wordsOf)).toMatchObject({
      name: "InvalidArgumentError",
      code: "UND_ERR_INVALID_ARG",
    });
    expect(records).toMatchObject([{ code: "bad_request", attempts: [{ code: "bad_request" }] }]);
    expect(await asked({})(composed)).toMatchObject([200, expect.any(String)]);
    gateway.close();
    await agent.destroy();
  });
});
