/**
 * An upstream of HTTP/2 that answers an upload before its end, and resets the stream with NO_ERROR
 * to be sent no more of it (RFC 9113 §8.1), or leaves the rest where it is: the answer is what it
 * is, and the stream is given back.
 */
import { Readable } from "node:stream";
import { createGateway, type Outcome, type Upstream, type UpstreamBody } from "good-gateway";
import { afterEach, expect, it } from "vitest";
import { data, type Fields, frame, head, type RawServer, rawServer } from "./http2/raw-http2.js";
import { eventually } from "./tools/world.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const OK: Fields = [[":status", "200"]];
const RESET = (stream: number): Buffer => frame(3, 0, stream, Buffer.alloc(4));
/** SETTINGS: one stream at a time. */
const ONE_STREAM = frame(4, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1]));

/** An upload that goes on for as long as it is read. */
const endless = (): Readable =>
  Readable.from(
    (async function* () {
      for (;;) {
        await new Promise((done) => setTimeout(done, 2));
        yield Buffer.alloc(10_000);
      }
    })(),
  );

/** The first window of a stream, RFC 9113 §6.9.2. */
const WINDOW_BYTES = 65_535;

/** An upload with an end that the first window has no room for. */
const long = (): Readable => Readable.from(Array.from({ length: 7 }, () => Buffer.alloc(10_000)));

function upstreamAt(port: number): Upstream {
  const app = {
    targets: `http://127.0.0.1:${port}`,
    allowH2: "h2c",
    retry: false,
    // A timeout would name what happened too late, and by another name.
    timeouts: { connectMs: 15_000, responseMs: 15_000, idleMs: 15_000, totalMs: 15_000 },
  } as const;
  const gateway = createGateway({ name: "edge", upstreams: { app }, onWarning: () => {} });
  cleanUps.push(() => gateway.close());
  return gateway.upstream("app");
}

async function cameTo(outcome: Outcome<UpstreamBody>): Promise<string> {
  if (outcome.kind !== "success") return outcome.failure.code;
  const { response } = outcome;
  return response.body.text().then(
    (text) => `${response.status} ${text}`,
    (error) => `${response.status} ${error.code}`,
  );
}

it.each<[string, (stream: number) => Buffer[], string]>([
  ["whole", (stream) => [head(stream, OK), data(stream, "early")], "200 early"],
  ["whole with its head", (stream) => [head(stream, OK, true)], "200 "],
  [
    "cut",
    (stream) => [head(stream, OK), data(stream, "ear", false)],
    "200 connection_reset_in_body",
  ],
  ["missing", () => [], "stream_reset"],
])("an early answer that is %s, and a reset within the upload", async (_what, frames, expected) => {
  const asked: number[] = [];
  const answer = (stream: number): readonly Buffer[] => {
    asked.push(stream);
    if (asked.length > 1) return [head(stream, OK, true)];
    return [ONE_STREAM, ...frames(stream), RESET(stream)];
  };
  const server: RawServer = await rawServer(answer);
  cleanUps.push(() => server.close());
  const upstream = upstreamAt(server.port);
  const upload = endless();
  const first = upstream.send({ method: "POST", path: "/", headers: {}, body: upload });
  expect(await cameTo(await first)).toBe(expected);
  await eventually("the upload is stopped", () => upload.destroyed);
  await eventually("the call is over", () => upstream.targets[0]?.pending === 0);
  const second = upstream.send({ method: "POST", path: "/", headers: {}, body: "x" });
  expect(await cameTo(await second)).toBe("200 ");
  // The connection allows one stream: it has been given back.
  expect(asked).toEqual([1, 3]);
});

it("an answer that is whole while the last part of the upload has no room", async () => {
  const answer = (stream: number): readonly Buffer[] => [head(stream, OK), data(stream, "enough")];
  const server = await rawServer(answer, WINDOW_BYTES);
  cleanUps.push(() => server.close());
  const upstream = upstreamAt(server.port);
  const outcome = await upstream.send({ method: "POST", path: "/", headers: {}, body: long() });
  expect(await cameTo(outcome)).toBe("200 enough");
  await eventually("the stream is given back", () => {
    const connections = upstream.targets[0]?.connections;
    return connections?.open === 1 && connections.idle === 1;
  });
});
