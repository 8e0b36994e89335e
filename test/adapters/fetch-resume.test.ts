/**
 * Downloads of `gatewayFetch` that go on where they broke: what the other side was asked for, the
 * bytes that came out, and every way in which a rest is not taken for one.
 */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import type { CallRecord } from "good-gateway";
import { type GatewayFetchOptions, gatewayFetch } from "good-gateway/fetch";
import { accept, type Script } from "good-gateway/testing";
import { describe, expect, it } from "vitest";
import { play, rejection, worldOf } from "./fetch-world.js";

const BYTES = Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * 7 + 3) % 251));
/** As docs/streams.md says. */
const TIMES_MAX = 5;
const TAG = '"v1"';
const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const head = (status: string, fields: Readonly<Record<string, string>>): string =>
  [`HTTP/1.1 ${status}`, ...Object.entries(fields).map((pair) => pair.join(": ")), "", ""].join(
    "\r\n",
  );

/** Sends this much of the whole, and resets. */
function whole(until: number, fields: Readonly<Record<string, string>> = {}): Script {
  const all = { "content-length": String(BYTES.length), etag: TAG, ...fields };
  const sent = accept().readHead().send(head("200 OK", all)).send(BYTES.subarray(0, until));
  return until === BYTES.length ? sent.close() : sent.reset();
}

function part(from: number, until: number, fields: Readonly<Record<string, string>> = {}): Script {
  const all = {
    "content-length": String(BYTES.length - from),
    "content-range": `bytes ${from}-${BYTES.length - 1}/${BYTES.length}`,
    etag: TAG,
    ...fields,
  };
  const sent = accept().readHead().send(head("206 Partial Content", all));
  const some = sent.send(BYTES.subarray(from, until));
  return until === BYTES.length ? some.close() : some.reset();
}

async function world(scripts: readonly Script[], options: GatewayFetchOptions = {}) {
  const upstream = await play(scripts);
  const { gateway, orders } = worldOf(upstream.origin, { retry: false, breaker: false });
  const records: CallRecord[] = [];
  gateway.on("call:end", (record) => void records.push(record));
  const fetch = gatewayFetch(orders, { resume: true, ...options });
  return { upstream, records, fetch };
}

/** Reads until it ends, and how. */
async function read(response: Response) {
  const parts: Uint8Array[] = [];
  let error: unknown = null;
  try {
    for await (const one of response.body as unknown as AsyncIterable<Uint8Array>) parts.push(one);
  } catch (broken) {
    error = broken;
  }
  return { bytes: Buffer.concat(parts), error };
}

/** How many bytes have come before the rest was asked for. */
const fromOf = (range: string | undefined): number =>
  Number(/^bytes=(\d+)-$/.exec(range ?? "")?.[1]);

describe("a body that breaks", () => {
  it("goes on with Range and If-Range, and is whole", async () => {
    const { upstream, records, fetch } = await world([
      whole(2_000),
      part(2_000, 3_500),
      part(3_500, BYTES.length),
    ]);
    const response = await fetch("/film", { headers: { authorization: "Bearer x" } });
    expect(response).toBeInstanceOf(Response);
    expect(response.url).toBe(`${upstream.origin}/film`);
    const { bytes, error } = await read(response);
    expect(error).toBeNull();
    expect(digest(bytes)).toBe(digest(BYTES));
    const asked = upstream.requests();
    expect(asked.map((one) => fromOf(one.header("range")))).toEqual([Number.NaN, 2_000, 3_500]);
    expect(asked.map((one) => one.header("if-range"))).toEqual([undefined, TAG, TAG]);
    for (const one of asked) {
      expect(one.path).toBe("/film");
      expect(one.header("authorization")).toBe("Bearer x");
      expect(one.header("accept-encoding")).toBe("identity");
    }
    await expect.poll(() => records.length).toBe(3);
    expect(records.map(({ kind }) => kind)).toEqual(["fetch", "resumed", "resumed"]);
    expect(new Set(records.map(({ id }) => id)).size).toBe(1);
    expect(records.map(({ code }) => code)).toEqual([records[0]?.code, records[1]?.code, null]);
    expect(records[0]?.attempts[0]?.code).toMatch(
      /^(?:connection_reset_in_body|http_response_inc)/,
    );
    await upstream.verify();
  });

  it.each<[string, Script]>([
    ["a whole answer", whole(BYTES.length)],
    ["another validator", part(2_000, BYTES.length, { etag: '"v2"' })],
    ["no validator", part(2_000, BYTES.length, { etag: "" })],
    ["another place", part(1_999, BYTES.length)],
    ["another length", part(2_000, BYTES.length, { "content-range": "bytes 2000-5000/5001" })],
    ["a part of the rest", part(2_000, BYTES.length, { "content-range": "bytes 2000-2999/5000" })],
    ["an encoding", part(2_000, BYTES.length, { "content-encoding": "gzip" })],
    [
      "an error",
      accept()
        .readHead()
        .send(head("503 No", { "content-length": "0" }))
        .close(),
    ],
    ["no answer", accept().readHead().reset()],
  ])("ends with what broke it where %s comes instead of the rest", async (_what, rest) => {
    const { upstream, fetch } = await world([whole(2_000), rest]);
    const { bytes, error } = await read(await fetch("/film"));
    expect(bytes.equals(BYTES.subarray(0, 2_000))).toBe(true);
    expect(error).toBeInstanceOf(TypeError);
    expect(upstream.requests()).toHaveLength(2);
  });

  it("goes on a few times at most", async () => {
    const steps = Array.from({ length: TIMES_MAX + 2 }, (_, index) => 500 * (index + 1));
    const { upstream, fetch } = await world(
      steps.map((until, index) => (index === 0 ? whole(until) : part(until - 500, until))),
    );
    const { bytes, error } = await read(await fetch("/film"));
    expect(error).toBeInstanceOf(TypeError);
    expect(bytes.length).toBe(500 * (TIMES_MAX + 1));
    expect(upstream.requests()).toHaveLength(TIMES_MAX + 1);
  });

  it.each<[string, Script, RequestInit, GatewayFetchOptions]>([
    ["it is not asked for", whole(2_000), {}, { resume: false }],
    ["its validator is weak", whole(2_000, { etag: 'W/"v1"' }), {}, {}],
    ["it has none", whole(2_000, { etag: "" }), {}, {}],
    ["ranges are refused", whole(2_000, { "accept-ranges": "none" }), {}, {}],
    ["the caller asked for a part", whole(2_000), { headers: { range: "bytes=0-" } }, {}],
    ["it answers a POST", whole(2_000), { method: "POST" }, {}],
  ])("does not go on where %s", async (_why, script, init, options) => {
    const { upstream, fetch } = await world([script], options);
    const { error } = await read(await fetch("/film", init));
    expect(error).toBeInstanceOf(TypeError);
    expect(upstream.requests()).toHaveLength(1);
  });

  it("is not asked for again by its reader's own cancel or abort", async () => {
    const { upstream, fetch } = await world([
      accept()
        .readHead()
        .send(head("200 OK", { "content-length": "5000", etag: TAG }))
        .send("x")
        .hang(),
      accept()
        .readHead()
        .send(head("200 OK", { "content-length": "5000", etag: TAG }))
        .send("x")
        .hang(),
    ]);
    const cancelled = await fetch("/film");
    await cancelled.body?.cancel();
    const controller = new AbortController();
    const aborted = await fetch("/film", { signal: controller.signal });
    const text = rejection(aborted.text());
    controller.abort(new Error("enough"));
    expect(await text).toMatchObject({ message: "enough" });
    expect(upstream.requests()).toHaveLength(2);
  });

  it("asks for no compression unless its caller does; then it does not go on", async () => {
    const zipped = gzipSync(BYTES);
    const fields = {
      "content-length": String(zipped.length),
      "content-encoding": "gzip",
      etag: TAG,
    };
    const { upstream, fetch } = await world([
      accept().readHead().send(head("200 OK", fields)).send(zipped.subarray(0, 100)).reset(),
    ]);
    const { error } = await read(await fetch("/film", { headers: { "accept-encoding": "gzip" } }));
    expect(error).toBeInstanceOf(TypeError);
    expect(upstream.requests()[0]?.header("accept-encoding")).toBe("gzip");
    expect(upstream.requests()).toHaveLength(1);
  });

  it("is set for one call as well, and refused where it is no flag", async () => {
    const { upstream, fetch } = await world([whole(2_000), part(2_000, BYTES.length)], {
      resume: false,
    });
    const { bytes } = await read(await fetch("/film", { gateway: { resume: true } }));
    expect(digest(bytes)).toBe(digest(BYTES));
    await upstream.verify();
    await expect(fetch("/", { gateway: { resume: 1 as never } })).rejects.toThrow(
      "gateway.resume: 1 is not true or false",
    );
  });
});
