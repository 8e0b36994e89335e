/**
 * One request of a fetch function on its way through our own connections: the first of an exchange,
 * or one more that a redirect asks for.
 *
 * The hop has an exchange of its own below that of the pipe, since the pipe's must end once and a
 * fetch may send several requests. Phases and progress go up, so the timeouts watch every hop; a
 * cut comes down. Guarantee: the receiver hears of one end, and a hop that is given up frees its
 * connection.
 */
import type { Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import type { FailureCode, Phase } from "../catalog/failures.js";
import { Call } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import { type Failure, GatewayError } from "../core/failure.js";
import { type EndListener, type Outcome, tellEnd } from "../core/outcome.js";
import { type Listening, Pending } from "../core/pending.js";
import type { BodySink, ResponseBody } from "../core/response-body.js";
import { Exchange, type ExchangeWatch } from "../targets/exchange.js";
import { FetchDelivery } from "./fetch-delivery.js";
import { type FetchHandler, fetchHandler } from "./fetch-handler.js";
import type { UndiciTransport } from "./undici.js";

/** What a fetch function asks its dispatcher to send. */
export interface FetchDispatch {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
}

export interface FetchHop {
  /** Null until the head of an answer is here, or there will be none. */
  readonly outcome: Outcome<ResponseBody> | null;
  /** What broke the body; null while it is on its way, or when it was whole. */
  readonly brokenBy: FailureCode | null;
  /** Calls when it is over, body included; at once when it is. */
  onOver(listener: EndListener): void;
  cut(by: CutBy): void;
  /** Nobody reads the answer any more: its rest is read, within bounds, and thrown away. */
  discard(): void;
}

/** Sends what was asked over the connections of the exchange's target. */
export function beginHop(
  clock: Clock,
  wire: Pick<UndiciTransport, "performWorded">,
  outer: Exchange,
  asked: FetchDispatch,
  handler: object,
  first: boolean,
): FetchHop {
  const call = first ? outer.call : hopCall(outer.call, asked);
  const inner = new Exchange(clock, { ...outer.attempt, call }, outer.target);
  const relay = new Relay(outer, inner, fetchHandler(handler));
  relay.start();
  const words = (): Dispatcher.DispatchOptions => wordsOf(outer, asked, first);
  Pending.of(wire.performWorded(inner, words)).inform(relay);
  return relay;
}

/** A call in the words of a redirect, which may have changed the method and dropped the body. */
function hopCall(call: Call, { method, path }: FetchDispatch): Call {
  const request = { ...call.request, method, path, body: null, contentLength: null };
  return new Call(request, call.startedAt, call.id, call.overrides);
}

function wordsOf(
  { request }: Exchange,
  { method, path, headers, body }: FetchDispatch,
  first: boolean,
): Dispatcher.DispatchOptions {
  // A body that we keep is sent from here, so that a further attempt can send it too.
  const own = first && request.body !== null;
  return {
    method: method as "GET",
    path,
    headers: headers as Record<string, string>,
    body: (own ? request.body.open() : (body ?? null)) as Dispatcher.DispatchOptions["body"] & null,
  };
}

/**
 * Between our own exchange and the receiver of the fetch function. What the record and the timeouts
 * see of the exchange of the pipe is its latest hop, which this one watches.
 */
class Relay implements FetchHop, BodySink, ExchangeWatch, Listening<ResponseBody> {
  next: Listening<ResponseBody> | null = null;
  outcome: Outcome<ResponseBody> | null = null;
  brokenBy: FailureCode | null = null;
  readonly #outer: Exchange;
  readonly #inner: Exchange;
  readonly #delivery: FetchDelivery;
  #listeners: EndListener[] = [];
  #over = false;
  /** Bytes that are still read of an answer nobody wants; null while somebody does. */
  #discardLeft: number | null = null;

  constructor(outer: Exchange, inner: Exchange, receiver: FetchHandler) {
    this.#outer = outer;
    this.#inner = inner;
    inner.watch = this;
    this.#delivery = new FetchDelivery(receiver, () => inner.cancellation.cut("client"));
  }

  start(): void {
    this.#delivery.start();
  }

  told(outcome: Outcome<ResponseBody>): null {
    this.outcome = outcome;
    if (outcome.kind === "no_response") {
      this.#finish(outcome.failure.code);
      this.#fail("fetch failed", outcome.failure);
      return null;
    }
    const { response } = outcome;
    response.onFinished((broken) => this.#finish(broken));
    this.#delivery.answer(response, this);
    return null;
  }

  onOver(listener: EndListener): void {
    if (this.#over) tellEnd(listener, this.brokenBy);
    else this.#listeners.push(listener);
  }

  cut(by: CutBy): void {
    // What a timeout has noted decides about its name.
    const { stalledMs, waitsForClient } = this.#outer.timeline;
    Object.assign(this.#inner.timeline, { stalledMs, waitsForClient });
    this.#inner.cancellation.cut(by);
  }

  discard(): void {
    if (this.#over) return;
    this.#discardLeft ??= LIMITS.discardBytesMax;
    this.#delivery.resume();
  }

  // --- what the exchange of the pipe sees ---

  phase(phase: Phase, now: number): void {
    this.#outer.timeline.follow(this.#inner.timeline);
    this.#outer.watch?.phase(phase, now);
  }

  progress(): void {
    this.#outer.progress();
  }

  // Application code reads as fast as it likes.
  clientBehind(): void {}

  ended(): void {
    this.#outer.timeline.follow(this.#inner.timeline);
  }

  // --- the body of the answer ---

  data(chunk: Buffer): boolean {
    if (this.#discardLeft !== null) {
      this.#discardLeft -= chunk.byteLength;
      if (this.#discardLeft < 0) this.#inner.cancellation.cut("client");
      return true;
    }
    return this.#delivery.data(chunk);
  }

  end(trailers: readonly string[]): void {
    if (this.#discardLeft === null) this.#delivery.end(trailers);
  }

  broken(code: FailureCode): void {
    if (this.#discardLeft !== null) return;
    const target = this.#inner.target.id;
    this.#fail("terminated", { code: this.brokenBy ?? code, target, written: true });
  }

  // --- how it ends ---

  #finish(broken: FailureCode | null): void {
    this.#over = true;
    this.brokenBy = broken === null ? null : this.#nameOf(broken);
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) tellEnd(listener, this.brokenBy);
  }

  /** A fetch that gives up since the body cannot be decoded blames the upstream, not its caller. */
  #nameOf(broken: FailureCode): FailureCode {
    const { aborted } = this.#delivery;
    if (aborted === null || broken !== "client_closed_request") return broken;
    const code = classifyError(this.#inner.timeline, null, aborted.reason);
    return code === "http_response_content_coding" ? code : broken;
  }

  #fail(message: string, failure: Failure): void {
    const { number } = this.#inner.attempt;
    this.#delivery.fail(() => new GatewayError(message, failure, number));
  }
}
