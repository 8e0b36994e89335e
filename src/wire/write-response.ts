/**
 * Answers → `ServerResponse`: those of an upstream and those of our own, beside what a framework or
 * an earlier handler has set on the response.
 *
 * Guarantee: a body that breaks after its head was sent cuts the client's connection and is never
 * ended as if it were whole; the client's speed is the upstream's speed; nothing is written twice,
 * and where the head is out already the connection is cut instead. No field is lost; what was set
 * before stays unless the answer says it itself; when Node refuses a head, the response is as it
 * was before.
 */
import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { POOL } from "../catalog/defaults.js";
import { fieldsOverHttp2, valueOverHttp2 } from "../core/fields.js";
import type { BodySink } from "../core/response-body.js";
import { isHttp2, resetStream, streamOf } from "./http2.js";
import type { PassedAnswer } from "./passed-answer.js";
import { HeldAnswer, type HeldTerms } from "./passed-answer.js";
import type { SyntheticAnswer } from "./synthetic-answer.js";

export interface WriteResponseOptions extends HeldTerms {
  /** The answer is now written to the response directly. */
  beforeWriting?(): void;
}

/** Writes head and body. A head that Node refuses becomes another answer. */
export function writeResponse(
  res: ServerResponse,
  answer: PassedAnswer,
  options: WriteResponseOptions,
): void {
  const { bodiless, response } = answer;
  const whole = bodiless ? null : response.body.takeWhole();
  if (!bodiless && whole === null) {
    new ServedAnswer(res, answer, options).begin();
    return;
  }
  try {
    options.beforeWriting?.();
    const empty = whole === null || whole.byteLength === 0;
    writeHead(res, answer.status, answer.reason, answer.fields, empty);
    if (bodiless) response.body.pipeTo(NOWHERE);
    res.end(whole ?? undefined);
  } catch (cause) {
    void response.discard();
    options.brokenUnsent({ code: "http_protocol_error", cause });
  }
}

const NOWHERE: BodySink = { data: () => true, end: () => {}, broken: () => {} };

/** Answers, or cuts when it is too late for an answer or the response takes none. */
export function writeSynthetic(
  method: string | undefined,
  res: ServerResponse,
  { status, reason, fields, body }: SyntheticAnswer,
): void {
  if (res.headersSent) {
    cutResponse(res);
    return;
  }
  try {
    writeHead(res, status, reason, fields);
    // Text is written together with the head.
    res.end(method === "HEAD" ? undefined : body);
  } catch {
    cutResponse(res);
  }
}

/** Cuts the connection so that the client cannot take what it got for the whole. */
export function cutResponse(res: ServerResponse): void {
  const stream = streamOf(res);
  if (stream !== null) {
    resetStream(stream);
    return;
  }
  const { socket } = res;
  // Where only the end of the connection delimits the body, a plain close would look like its end.
  if (socket !== null && endsWithConnection(res)) socket.resetAndDestroy();
  else res.destroy();
}

function endsWithConnection(res: ServerResponse): boolean {
  return !res.chunkedEncoding && !res.hasHeader("content-length") && res.req.httpVersion === "1.0";
}

function addTrailers(res: ServerResponse, trailers: readonly string[]): void {
  if (isHttp2(res.req)) res.addTrailers(fieldsOverHttp2(trailers) as never);
  else if (res.chunkedEncoding) {
    const pairs: [string, string][] = [];
    for (let index = 0; index < trailers.length; index += 2) {
      pairs.push([trailers[index] as string, trailers[index + 1] as string]);
    }
    res.addTrailers(pairs);
  }
}

/** What a middleware that compresses adds: it sends what it has kept back so far. */
type Flushed = { readonly flush?: unknown };

class ServedAnswer extends HeldAnswer {
  readonly #res: ServerResponse;
  readonly #options: WriteResponseOptions;
  /** Announced bytes that are still to come, where nothing can follow them; else null. */
  #left: number | null;
  #flushes = false;
  #full = false;
  #listens = false;

  constructor(res: ServerResponse, answer: PassedAnswer, options: WriteResponseOptions) {
    super(answer, options);
    this.#res = res;
    this.#options = options;
    this.#left = isHttp2(res.req) ? null : answer.response.body.contentLength;
  }

  protected head(alone: boolean): void {
    const { status, reason, fields } = this.answer;
    this.#options.beforeWriting?.();
    writeHead(this.#res, status, reason, fields);
    const live = isLive(fields);
    this.#flushes = live && typeof (this.#res as Flushed).flush === "function";
    // Between two parts nothing else shows that the client has vanished.
    if (live) watchPeer(this.#res);
    if (alone) flushHead(this.#res);
  }

  protected write(chunk: Buffer): boolean {
    if (this.#left !== null) this.#left -= chunk.length;
    if (this.#left === 0) {
      // Over HTTP/2 the upstream may say so later, and the client has all of it and may leave.
      this.#res.end(chunk);
      return true;
    }
    // Some of what wraps a response says nothing, and never emits a drain then.
    const full = this.#res.write(chunk) === false;
    if (this.#flushes) (this.#res as unknown as { flush(): void }).flush();
    if (full) this.#waitForDrain();
    return !full;
  }

  protected finish(trailers: readonly string[]): void {
    if (trailers.length > 0) addTrailers(this.#res, trailers);
    this.#res.end();
  }

  protected cut(): void {
    cutResponse(this.#res);
  }

  // One listener for the answer, and by `on`: what compresses takes it over for a stream of its
  // own, from which one that was added by `once` could never be removed.
  #waitForDrain(): void {
    this.#full = true;
    if (this.#listens) return;
    this.#listens = true;
    this.#res.on("drain", this.#onDrain);
  }

  readonly #onDrain = (): void => {
    if (!this.#full) return;
    this.#full = false;
    this.answer.response.body.resume();
  };
}

/** How Node itself sends a head; it keeps the order among pipelined answers. */
type HeadSender = { readonly _send?: (data: "", encoding: "latin1") => boolean };

/**
 * Sends a head before its body. RFC 9110 §5.5: bytes above ASCII stand for themselves, but
 * `flushHeaders` would write each as UTF-8 once more.
 */
function flushHead(res: ServerResponse): void {
  const { _send } = res as unknown as HeadSender;
  if (res.headersSent && _send !== undefined && !isHttp2(res.req)) _send.call(res, "", "latin1");
  else res.flushHeaders();
}

/** A session of HTTP/2 does not give its socket away. */
function watchPeer(res: ServerResponse): void {
  if (streamOf(res) !== null || !(res.socket instanceof Socket)) return;
  res.socket.setKeepAlive(true, POOL.tcpKeepAliveMs);
}

/** Each part of it is meant to arrive when it was sent: what keeps parts back must let them go. */
function isLive(fields: readonly string[]): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    const value = (fields[index + 1] as string).toLowerCase();
    const name = (fields[index] as string).toLowerCase();
    if (name === "content-type" && LIVE_TYPE.test(value)) return true;
    // What nginx reads, and applications set, to say the same of any other type.
    if (name === "x-accel-buffering" && value === "no") return true;
  }
  return false;
}

const LIVE_TYPE = /^\s*(?:text\/event-stream|application\/(?:x-ndjson|jsonl|stream\+json))\b/;

/** Writes status line and fields (names and values in turn). Throws when they cannot be sent. */
export function writeHead(
  res: ServerResponse,
  status: number,
  reason: string | undefined,
  given: readonly string[],
  ends = false,
): void {
  if (isUntouched(res)) {
    res.writeHead(status, reason, lengthLast(given) as string[]);
    return;
  }
  const before = { ...res.getHeaders() };
  try {
    mergeFields(res, given);
    if (isHttp2(res.req)) takeOneOfEach(res);
    // Without fields: what wraps writeHead (sessions, compression) reads them from the response,
    // and some of it takes a list of names and values for something else.
    if (isHttp2(res.req)) writeHead2(res, status, ends);
    else if (reason === undefined) res.writeHead(status);
    else res.writeHead(status, reason);
  } catch (error) {
    if (!res.headersSent) restore(res, before);
    throw error;
  }
}

/**
 * A Content-Length comes behind a Content-Disposition: one that comes before it makes Node read the
 * bytes above ASCII as UTF-8 and cut each character to its last byte, which may be a line break.
 */
function lengthLast(fields: readonly string[]): readonly string[] {
  const at = placeOf(fields, "content-length");
  if (at === -1 || placeOf(fields, "content-disposition") < at) return fields;
  return [...fields.slice(0, at), ...fields.slice(at + 2), ...fields.slice(at, at + 2)];
}

function placeOf(fields: readonly string[], wanted: string): number {
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    if (name.length === wanted.length && name.toLowerCase() === wanted) return index;
  }
  return -1;
}

/**
 * HTTP/2 has no reason phrase. An answer that ends with its head says so in the head: gRPC knows
 * trailers by that, and Node does it for an answer that is ended before its head is out.
 */
function writeHead2(res: ServerResponse, status: number, ends: boolean): void {
  // Node refuses some lists only while it sends, and an answer that has ended has no other answer.
  const lists = Object.entries(res.getHeaders()).some(
    ([name, value]) => Array.isArray(value) && name !== "set-cookie",
  );
  if (!ends || lists) res.writeHead(status);
  else {
    res.statusCode = status;
    res.end();
  }
}

function isUntouched(res: ServerResponse): boolean {
  // Given a list, Node 20 keeps the last of several fields with one name once any was set before.
  return !Object.hasOwn(res, "writeHead") && res.getHeaderNames().length === 0 && !isHttp2(res.req);
}

/** What a framework or an earlier handler may have set for an answer that did not come. */
const OF_ANOTHER_BODY: ReadonlySet<string> = new Set([
  "content-type",
  "content-length",
  "content-encoding",
  "content-range",
  "transfer-encoding",
  "trailer",
  "etag",
  "last-modified",
]);

/** What holds the fields of an answer until it is sent. */
export type FieldHolder = Pick<ServerResponse, "getHeader" | "getHeaderNames" | "removeHeader"> & {
  setHeader(name: string, value: string): unknown;
  /** Adds a value to those that are there. */
  appendHeader(name: string, value: string): unknown;
};

/** Sets the fields of an answer, names and values in turn, beside what was set before. */
export function mergeFields(to: FieldHolder, given: readonly string[]): void {
  for (const name of to.getHeaderNames()) if (OF_ANOTHER_BODY.has(name)) to.removeHeader(name);
  const ours = new Set<string>();
  const fields = lengthLast(given);
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    const lower = name.toLowerCase();
    if (lower === "vary") to.setHeader(name, varyWith(to, value));
    else if (ours.has(lower) || lower === "set-cookie") to.appendHeader(name, value);
    else to.setHeader(name, value);
    ours.add(lower);
  }
}

/** Node refuses some names in a list, wherever they were set, and only when they are to be sent. */
function takeOneOfEach(res: ServerResponse): void {
  for (const [name, value] of Object.entries(res.getHeaders())) {
    if (Array.isArray(value)) res.setHeader(name, valueOverHttp2(name, value));
  }
}

// RFC 9110 §12.5.5: each part says what it depended on, so none may replace the other.
function varyWith(to: FieldHolder, value: string): string {
  const names = new Map<string, string>();
  for (const name of `${String(to.getHeader("vary") ?? "")},${value}`.split(",")) {
    const trimmed = name.trim();
    if (trimmed !== "") names.set(trimmed.toLowerCase(), trimmed);
  }
  return names.has("*") ? "*" : [...names.values()].join(", ");
}

function restore(
  res: ServerResponse,
  before: Record<string, string | string[] | number | undefined>,
) {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
  for (const [name, value] of Object.entries(before)) {
    if (value !== undefined) res.setHeader(name, value);
  }
}
