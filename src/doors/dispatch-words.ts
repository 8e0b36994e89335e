/**
 * What a dispatcher of undici is asked for, and how its handler is answered: fields in any form,
 * the body, and one end.
 *
 * Guarantee: nothing is repaired. What undici refuses comes to it as it was given, so that it
 * refuses it in its own words; what can be sent again is given on as it came, in every attempt, and
 * a stream is read once. An abort of the caller comes back as it is; any other failure is an error
 * with the code that undici gave and the failure's own name.
 */
import { Readable } from "node:stream";
import { hasTrait } from "../catalog/failures.js";
import type { Call } from "../core/call.js";
import { type Failure, GatewayError } from "../core/failure.js";
import { hasField } from "../core/fields.js";
import { NamedError } from "../core/named-error.js";
import type { Outcome, UpstreamResponse } from "../core/outcome.js";
import { ReplayBody } from "../core/replay-body.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import { isBlob, isForm } from "../transports/body-kinds.js";
import { decodedLimit } from "../transports/decoded-limit.js";
import { fetchBody } from "../transports/fetch-body.js";
import type { FetchHandler } from "../transports/fetch-handler.js";
import { FetchDelivery } from "../transports/fetch-handler.js";

type Pair = readonly [name: string, value: unknown];

/** Fields that can be read more than once: a generator gives its pairs only once. */
export function lastingFields(headers: unknown): unknown {
  if (!isIterable(headers) || Array.isArray(headers)) return headers;
  const pairs = headers[Symbol.iterator]();
  return (pairs as unknown) === headers ? iterableOf([...headers]) : headers;
}

/** Names and values in turn, of those that have a text; the policies read these. */
export function textFields(headers: unknown): readonly string[] {
  const fields: string[] = [];
  for (const [name, values] of pairsOf(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value === "string" || typeof value === "number") fields.push(name, `${value}`);
    }
  }
  return fields;
}

/** The same fields in the same form, with these in place of any of the same names. */
export function fieldsWith(headers: unknown, added: readonly string[]): unknown {
  if (added.length === 0) return headers;
  const isKept = (name: unknown): boolean =>
    typeof name !== "string" || !hasField(added, name.toLowerCase());
  if (Array.isArray(headers)) {
    // An odd one out is refused further down, and must not become a pair with ours.
    if (headers.length % 2 !== 0) return headers;
    const kept = headers.filter((_, index) => isKept(headers[index - (index % 2)]));
    return [...kept, ...added];
  }
  if (isHeaders(headers)) return headersWith(headers, added);
  if (isIterable(headers)) {
    const kept = [...headers].filter((pair) => !Array.isArray(pair) || isKept(pair[0]));
    return iterableOf([...kept, ...pairsOf(added)]);
  }
  if (typeof (headers ?? {}) !== "object") return headers;
  const kept = Object.entries(headers ?? {}).filter(([name]) => isKept(name));
  return Object.fromEntries([...kept, ...pairsOf(added)]);
}

function pairsOf(headers: unknown): readonly Pair[] {
  if (Array.isArray(headers)) return inTurn(headers);
  if (isIterable(headers)) return [...headers].filter(isPair);
  return typeof headers === "object" && headers !== null ? Object.entries(headers) : [];
}

function inTurn(headers: readonly unknown[]): readonly Pair[] {
  const pairs: unknown[] = [];
  for (let at = 0; at < headers.length; at += 2) pairs.push([headers[at], headers[at + 1]]);
  return pairs.filter(isPair);
}

function isPair(value: unknown): value is Pair {
  return Array.isArray(value) && typeof value[0] === "string";
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function iterableOf(pairs: readonly unknown[]): Iterable<unknown> {
  return { [Symbol.iterator]: () => pairs.values() };
}

/** Of any realm. */
function isHeaders(value: unknown): value is Headers {
  return Object.prototype.toString.call(value) === "[object Headers]" && isIterable(value);
}

function headersWith(headers: Headers, added: readonly string[]): Headers {
  const copy = new (headers.constructor as typeof Headers)(headers);
  for (const [name, value] of pairsOf(added)) copy.set(name, String(value));
  return copy;
}

export interface DispatchBody {
  /** What the policies know of it; null for none, and for one that only undici reads. */
  readonly replay: ReplayBody | null;
  /** What one attempt sends. */
  give(): unknown;
  /** It can be sent once at the most. */
  readonly once: boolean;
  /** What the caller's stream broke with; null while it has not. */
  readonly error: unknown;
  /** Nothing will be sent any more. */
  close(): void;
}

/** Reads what kind of body it is, and nothing of its bytes. */
export function dispatchBody(body: unknown, keptBytesMax: number): DispatchBody {
  const bytes = bytesOf(body);
  if (bytes !== null) return asItIs(body, ReplayBody.fromBuffer(bytes), false);
  if (body === undefined || body === null || isReadAnew(body)) return asItIs(body, null, false);
  // What is left is read by undici, if it takes it at all.
  if (!(Symbol.asyncIterator in Object(body)) || wasRead(body)) return asItIs(body, null, true);
  return streamed(body, keptBytesMax);
}

function streamed(body: unknown, keptBytesMax: number): DispatchBody {
  const source = body instanceof Readable && !body.readableObjectMode ? body : null;
  // What lies in a stream's buffer is here already.
  const read = fetchBody(body, Math.max(keptBytesMax, source?.readableLength ?? 0));
  return {
    replay: read.replay,
    give() {
      const opened = read.replay?.open();
      // While it connects a short body is read to its end, whose length undici sends.
      if (source !== null && opened instanceof Readable) opened.read(0);
      return opened;
    },
    once: false,
    get error() {
      return read.error;
    },
    close: () => read.close(),
  };
}

function asItIs(body: unknown, replay: ReplayBody | null, once: boolean): DispatchBody {
  return { replay, give: () => body, once, error: null, close: nothing };
}

function bytesOf(body: unknown): Buffer | null {
  if (typeof body === "string") return Buffer.from(body);
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return body instanceof ArrayBuffer ? Buffer.from(body) : null;
}

/** Lists of chunks, Blobs and forms begin anew each time that they are read. */
function isReadAnew(body: unknown): boolean {
  return Array.isArray(body) || isBlob(body) || isForm(body);
}

/** A stream that other code reads or has read from, or that has ended or failed. */
function wasRead(body: unknown): boolean {
  const { destroyed, locked } = body as { readonly destroyed?: unknown; readonly locked?: unknown };
  const isStream = body instanceof Readable || body instanceof ReadableStream;
  const isDisturbed = isStream && Readable.isDisturbed(body as Readable);
  return isDisturbed || destroyed === true || locked === true;
}

function nothing(): void {}

export class DispatchDelivery extends FetchDelivery implements BodySink {
  /** What the handler is given at its start; the dispatcher adds to it. */
  readonly context = {};
  readonly #sent: DispatchBody;
  readonly #bytesMax: number;
  #call: Call | null = null;

  /** `bytesMax`: of a body as a fetch gives it to its reader, decoded. */
  constructor(handler: FetchHandler, sent: DispatchBody, bytesMax: number) {
    super(handler, () => this.#call?.cancellation.cut("client"));
    this.#sent = sent;
    this.#bytesMax = bytesMax;
  }

  begin(call: Call): void {
    this.#call = call;
    this.start(this.context);
  }

  /** An interim answer of one of the attempts. */
  override information(status: number, rawHeaders: readonly string[]): void {
    if (this.body === null) super.information(status, rawHeaders);
  }

  deliver(outcome: Outcome<ResponseBody>): void {
    if (outcome.kind === "no_response") {
      this.fail(() => this.#errorOf(outcome.failure));
      return;
    }
    if (this.#call !== null) this.#call.answeredBy = "upstream";
    this.answer(outcome.response, this.#counted(outcome.response));
  }

  /** A fetch decodes it, and says of itself how it was called; for others it is as it came. */
  #counted(response: UpstreamResponse<ResponseBody>): BodySink {
    const request = this.#call?.request;
    if (request === undefined || !hasField(request.headers, "sec-fetch-mode")) return this;
    return decodedLimit({ method: request.method, response, bytesMax: this.#bytesMax, to: this });
  }

  broken(code: Failure["code"]): void {
    const target = this.#call?.attempts.at(-1)?.target ?? null;
    const cause = this.body?.brokenCause;
    const failure = { code, written: true, cause, ...(target === null ? {} : { target }) } as const;
    this.breakOff(() => this.#errorOf(failure));
  }

  #errorOf(failure: Failure): unknown {
    const attempts = this.#call?.attempts.length ?? 0;
    return this.#sent.error ?? refusalIn(failure) ?? errorOf(failure, attempts);
  }
}

/** What was thrown for a reason that lies with the request or this process; null for all else. */
function refusalIn({ code, cause }: Failure): unknown {
  if (!(cause instanceof Error)) return null;
  if (cause instanceof NamedError) return code === "bad_request" ? (cause.cause ?? null) : null;
  return hasTrait(code, "own_fault") ? cause : null;
}

/** With the code that undici would have given, since that is what people compare. */
function errorOf(failure: Failure, attempts: number): GatewayError {
  const error = new GatewayError(`the call failed: ${failure.code}`, failure, attempts);
  const { code } = Object(failure.cause) as { readonly code?: unknown };
  const known = typeof code === "string" && !(failure.cause instanceof NamedError);
  return known ? Object.defineProperty(error, "code", { value: code, enumerable: true }) : error;
}
