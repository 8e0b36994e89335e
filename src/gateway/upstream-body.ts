/**
 * The body of an answer for application code: read it whole, iterate it, or take it as a stream.
 *
 * A broken body never looks whole: reading it rejects with a `GatewayError` that names what broke
 * it.
 */
import { Readable } from "node:stream";
import type { FailureCode } from "../catalog/failures.js";
import { GatewayError } from "../core/failure.js";
import type { ResponseBody } from "../core/response-body.js";

export interface UpstreamBody extends AsyncIterable<Uint8Array> {
  /** The body as a Node stream; exactly one way of reading may be used. */
  stream(): Readable;
  bytes(): Promise<Buffer>;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

export function upstreamBody(body: ResponseBody): UpstreamBody {
  let stream: Readable | null = null;
  const read = (): Readable => {
    stream ??= readableOver(body);
    return stream;
  };
  const bytes = async (): Promise<Buffer> => {
    const whole = stream === null ? body.takeWhole() : null;
    if (whole !== null) return whole;
    const chunks: Buffer[] = [];
    for await (const chunk of read()) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  return {
    stream: read,
    bytes,
    text: async () => (await bytes()).toString("utf8"),
    json: async () => JSON.parse((await bytes()).toString("utf8")) as unknown,
    [Symbol.asyncIterator]: () => read()[Symbol.asyncIterator](),
  };
}

/** A Node stream over a body, with its backpressure. */
export function readableOver(body: ResponseBody): Readable {
  const stream = new Readable({ read: () => body.resume() });
  body.pipeTo({
    data: (chunk) => stream.push(chunk),
    end: () => stream.push(null),
    broken: (code) => stream.destroy(brokenBody(code)),
  });
  return stream;
}

function brokenBody(code: FailureCode): GatewayError {
  return new GatewayError("terminated", { code }, 1);
}
