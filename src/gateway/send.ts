/**
 * `upstream.send`: a call without HTTP around it, its outcome as a value, and the body of an answer
 * for application code.
 *
 * Guarantee: it rejects for nothing that the catalog names; when the body is over, the listener on
 * the caller's signal is gone, and a stream that was given and not read out is destroyed. A broken
 * body never looks whole: reading it rejects with a `GatewayError` that names what broke it.
 */
import { Readable } from "node:stream";
import type { FailureCode } from "../catalog/failures.js";
import { isPriority, PRIORITIES } from "../catalog/priorities.js";
import type { CallOverrides } from "../core/call.js";
import { GatewayError } from "../core/failure.js";
import { takeContentLength } from "../core/fields.js";
import { type Outcome, type UpstreamResponse, whenOver } from "../core/outcome.js";
import type { GatewayRequest } from "../core/request.js";
import type { ResponseBody } from "../core/response-body.js";
import { createFindings, shown } from "../options/findings.js";
import { readFallback } from "../options/read-fallback.js";
import { type FetchBody, fetchBody } from "../transports/fetch-body.js";
import { OwnScope } from "./call-scope.js";
import type { GatewayCore } from "./core.js";
import { keptBytesMax } from "./repeats.js";
import type { UpstreamCore } from "./upstream.js";

/** A request of application code. */
export interface SendRequest {
  /**
   * As it is sent: methods are case-sensitive.
   * @default "GET"
   */
  readonly method?: string;
  /** Path and query; the target's prefix comes before it. */
  readonly path: string;
  /** Fields of the request; a list becomes several lines. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Text, bytes, or a stream, which is read as it is sent. */
  readonly body?: string | Uint8Array | Readable | null;
  /** Ends the call; its outcome is then `client_closed_request`. */
  readonly signal?: AbortSignal;
  /** A promise that sending the request twice does no harm, whatever the method. */
  readonly replayable?: boolean;
}

export async function sendThrough(
  gateway: GatewayCore,
  core: UpstreamCore,
  request: SendRequest,
  overrides: CallOverrides | null,
): Promise<Outcome<UpstreamBody>> {
  if (overrides !== null) checkOverrides(overrides);
  const { request: sent, body } = read(core, request);
  const { signal } = request;
  const scope = new OwnScope({ gateway, core }, "send", sent, overrides, { signal });
  const { call } = scope;
  const outcome = await core.execute(call).asPromise();
  if (outcome.kind !== "no_response") call.answeredBy = "upstream";
  whenOver(outcome, () => {
    body?.close();
    scope.over();
  });
  if (outcome.kind === "no_response") return outcome;
  return { ...outcome, response: withReadableBody(outcome.response) };
}

function checkOverrides(overrides: CallOverrides): void {
  const findings = createFindings();
  readFallback(findings, "fallback", overrides.fallback);
  const [problem] = findings.problems;
  if (problem !== undefined) throw new TypeError(problem);
  const priority: unknown = overrides.priority;
  if (priority === undefined || isPriority(priority)) return;
  const names = PRIORITIES.join(", ");
  throw new TypeError(`priority: ${shown(priority)} is not a priority; write one of ${names}`);
}

interface SendAsked {
  readonly request: GatewayRequest;
  /** Null where there is none. */
  readonly body: FetchBody | null;
}

function read(core: UpstreamCore, asked: SendRequest): SendAsked {
  if (!asked.path.startsWith("/")) {
    throw new TypeError(`path: "${asked.path}" does not start with "/"`);
  }
  const fields = asked.headers ?? null;
  const headers = fields === null ? [] : flat(fields);
  const given = asked.body ?? null;
  const announced = given === null ? null : takeContentLength(headers);
  const body = given === null ? null : fetchBody(given, keptBytesMax(core.options), announced);
  const replay = body?.replay ?? null;
  if (given !== null && replay === null) {
    throw new TypeError(`body: ${shown(given)} is neither text nor bytes nor a stream`);
  }
  const whole = replay?.complete === true ? replay.bytesRead : null;
  if (whole !== null && announced !== null && announced !== whole) {
    throw new TypeError(`content-length: ${announced} is not the length of the body, ${whole}`);
  }
  const request = {
    method: asked.method ?? "GET",
    path: asked.path,
    headers,
    body: replay,
    contentLength: whole ?? announced,
    replayable: asked.replayable ?? (fields !== null && "idempotency-key" in lower(fields)),
    upgrade: null,
    onInformation: null,
  };
  return { request, body };
}

function flat(headers: NonNullable<SendRequest["headers"]>): string[] {
  const fields: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    for (const one of typeof value === "string" ? [value] : value) fields.push(name, one);
  }
  return fields;
}

function lower(headers: NonNullable<SendRequest["headers"]>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

function withReadableBody(
  response: UpstreamResponse<ResponseBody>,
): UpstreamResponse<UpstreamBody> {
  const body = upstreamBody(response.body);
  return {
    status: response.status,
    statusText: response.statusText,
    rawHeaders: response.rawHeaders,
    get headers() {
      return response.headers;
    },
    get finished() {
      return response.finished;
    },
    body,
    onFinished: (listener) => response.onFinished(listener),
    discard: () => response.discard(),
  };
}

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
