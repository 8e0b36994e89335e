/**
 * Answers → `ServerResponse`: those of an upstream and those of our own.
 *
 * Guarantee: a body that breaks after its head was sent cuts the client's connection and is never
 * ended as if it were whole; the client's speed is the upstream's speed; nothing is written twice,
 * and where the head is out already the connection is cut instead.
 */
import type { ServerResponse } from "node:http";
import { Socket } from "node:net";
import { POOL } from "../catalog/defaults.js";
import { fieldsOverHttp2 } from "../core/fields.js";
import type { BodySink } from "../core/response-body.js";
import { HeldAnswer, type HeldTerms } from "./held-answer.js";
import { isHttp2, resetStream, streamOf } from "./http2.js";
import type { PassedAnswer } from "./passed-answer.js";
import type { SyntheticAnswer } from "./synthetic-answer.js";
import { writeHead } from "./write-head.js";

export interface WriteResponseOptions extends HeldTerms {
  /** The answer is now written to the response directly. */
  beforeWriting(): void;
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
    options.beforeWriting();
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
  #flushes = false;
  #full = false;
  #listens = false;

  constructor(res: ServerResponse, answer: PassedAnswer, options: WriteResponseOptions) {
    super(answer, options);
    this.#res = res;
    this.#options = options;
  }

  protected head(alone: boolean): void {
    const { status, reason, fields } = this.answer;
    this.#options.beforeWriting();
    writeHead(this.#res, status, reason, fields);
    const live = isLive(fields);
    this.#flushes = live && typeof (this.#res as Flushed).flush === "function";
    // Between two parts nothing else tells that the client has vanished.
    if (live) watchPeer(this.#res);
    if (alone) this.#res.flushHeaders();
  }

  protected write(chunk: Buffer): boolean {
    // Some of what wraps a response says nothing, and never tells of a drain then.
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

/** A session of HTTP/2 lets nobody have its socket. */
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
