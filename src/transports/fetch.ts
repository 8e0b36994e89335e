/**
 * The transport that performs an exchange by calling a fetch function.
 *
 * The function is given a dispatcher. Once it has asked that to send the first request of a call,
 * the request is sent from here, in this attempt and in all that follow, over the connections of
 * the upstream: the function is called once, its Response is its own, and connections, phases,
 * timeouts and names are those of every other exchange. A function that uses no dispatcher is
 * called anew in each attempt; then only its errors show what failed.
 *
 * Guarantee: one outcome per exchange, which ends exactly once, with the body of its answer. What a
 * fetch function refuses for reasons of its own (its arguments) counts against no target.
 */
import { BLOCKED_PORTS } from "../catalog/blocked-ports.js";
import { CONNECT_SYSCALLS } from "../catalog/error-codes.js";
import type { Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import { NamedError } from "../core/named-error.js";
import type { Outcome, UpstreamResponse } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange, RecordedExchange } from "../targets/exchange.js";
import { EngineResponse, type Receiving } from "./engine-response.js";
import { EngineRun } from "./engine-run.js";
import { type FetchDispatch, FetchDispatcher, refuseDispatch } from "./fetch-handler.js";
import { ForeignAnswer, type ForeignReading, headOf } from "./foreign-answer.js";
import type { ResponseHead } from "./response-head.js";
import { soundHead } from "./response-head.js";
import { networkErrorOf } from "./stand-in.js";
import type { UndiciTransport } from "./undici.js";

/** What one call asks of its fetch function. */
export interface FetchAsk {
  /** The first request of the function is known, and is sent from here. */
  readonly isTaken: boolean;
  /** It sends all that it sends through its dispatcher, so what it throws before is a refusal. */
  readonly dispatchesAlways: boolean;
  /** Calls the function in this attempt, with further fields for one that sends by itself. */
  call(
    exchange: Exchange,
    fields: readonly string[] | null,
    dispatcher: FetchDispatcher,
  ): CalledFetch;
  /** The function asks for its first request. */
  take(asked: FetchDispatch, handler: object, exchange: Exchange): void;
  /** The function that was taken asks for one more, as a redirect says. */
  follow(asked: FetchDispatch, handler: object): void;
  /** What the function that was taken came to. */
  resolved(response: Response): void;
  rejected(error: unknown): void;
  /** What the reader of a body that was broken off is given. */
  errorOf(failure: Failure): unknown;
  /** Set when the function itself refused: its error, which belongs to the caller as it is. */
  refusedBy: { readonly error: unknown } | null;
}

/** A function that was called, and how to stop it. */
export interface CalledFetch {
  readonly coming: Promise<Response>;
  stop(reason: unknown): void;
}

/** The body of an answer: one that we read, or the Response of a function that reads by itself. */
export type FetchedBody = ResponseBody | ForeignAnswer;

/** What the calls of one fetch share. */
export interface FetchTransportParts {
  readonly wire: Pick<UndiciTransport, "perform" | "fieldsOf" | "terms">;
  askOf(call: Call): FetchAsk;
}

export function fetchTransport(
  parts: FetchTransportParts,
): (exchange: RecordedExchange) => Promise<Outcome<FetchedBody>> {
  return (exchange) => {
    const ask = parts.askOf(exchange.call);
    return ask.isTaken
      ? parts.wire.perform(exchange)
      : new FetchRun(parts.wire, exchange, ask).begin();
  };
}

/** One attempt that calls the fetch function. */
class FetchRun extends EngineRun<FetchedBody> implements ForeignReading, Receiving {
  readonly outcome = new Pending<FetchedBody>();
  readonly #wire: FetchTransportParts["wire"];
  readonly #ask: FetchAsk;
  readonly #dispatcher: FetchDispatcher;
  /** The function uses its dispatcher: this one was the first of the call, or came too late. */
  #dispatched: "no" | "first" | "late" = "no";
  #answer: ForeignAnswer | null = null;
  #stop: ((reason: unknown) => void) | null = null;

  constructor(wire: FetchTransportParts["wire"], exchange: Exchange, ask: FetchAsk) {
    super(exchange, wire.terms);
    this.#wire = wire;
    this.#ask = ask;
    this.#dispatcher = new FetchDispatcher((asked, handler) => this.#dispatch(asked, handler));
  }

  begin(): Pending<FetchedBody> {
    const { exchange } = this;
    // Until a dispatcher or an error shows more, all that is known is that an answer is awaited, to
    // a request that may have left.
    if (!this.#ask.dispatchesAlways) {
      exchange.enter("wait");
      exchange.timeline.written = true;
    }
    this.state = "waiting";
    exchange.cancellation.add(this);
    if (!this.over) {
      this.#call().then(
        (response) => this.#returned(response),
        (error: unknown) => this.#threw(error),
      );
    }
    return this.outcome;
  }

  #call(): Promise<Response> {
    try {
      const fields = this.#wire.fieldsOf(this.exchange);
      const { coming, stop } = this.#ask.call(this.exchange, fields, this.#dispatcher);
      this.#stop = stop;
      return Promise.resolve(coming);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #dispatch(asked: FetchDispatch, handler: object): void {
    if (this.#dispatched === "first") {
      this.#ask.follow(asked, handler);
      return;
    }
    if (this.over || this.#dispatched === "late" || this.#ask.isTaken) {
      // It was given up, or another attempt's function was faster; nothing is sent for it.
      refuseDispatch(handler, new NamedError("proxy_internal_error"));
      if (!this.over && this.#dispatched === "no") this.#handOver("late");
      return;
    }
    this.#ask.take(asked, handler, this.exchange);
    if (!this.over) this.#handOver("first");
  }

  /** From here on the exchange is one like any other. */
  #handOver(as: "first" | "late"): void {
    const { exchange } = this;
    this.#dispatched = as;
    exchange.cancellation.remove(this);
    this.state = "over";
    exchange.timeline.waitAt = -1;
    exchange.timeline.written = false;
    const sent = this.#wire.perform(exchange as RecordedExchange);
    Pending.of(sent).subscribe((outcome) => this.outcome.settle(outcome));
  }

  #returned(response: Response): void {
    if (this.#dispatched === "first") this.#ask.resolved(response);
    else if (this.over) ForeignAnswer.cancel(response);
    else this.#take(response);
  }

  /** The function has sent by itself, or has made the answer up. */
  #take(response: Response): void {
    try {
      const unanswered = networkErrorOf(response);
      if (unanswered !== null) throw unanswered;
      const { status, statusText, fields } = headOf(response);
      const head = soundHead(status, statusText, fields, this.terms.limits);
      this.exchange.timeline.written = true;
      this.#answer = new ForeignAnswer(response, this);
      this.receive();
      this.#answer.begin();
      this.settleAnswer(head);
    } catch (error) {
      this.fail(error);
      ForeignAnswer.cancel(response);
    }
  }

  #threw(error: unknown): void {
    if (this.#dispatched === "first") this.#ask.rejected(error);
    if (this.over) return;
    const { cancellation, timeline, target } = this.exchange;
    const isRefused = cancellation.by === null && isRefusal(error);
    if (!isRefused && cancellation.by === null && isOfBlockedPort(target.port, error)) {
      const details = `port=${target.port} is refused by fetch functions`;
      this.fail(new NamedError("proxy_configuration_error", details, error));
      return;
    }
    if (isRefused || (cancellation.by === null && this.#ask.dispatchesAlways)) {
      this.#ask.refusedBy = { error };
      this.fail(new NamedError("bad_request", undefined, error));
      return;
    }
    timeline.written = !provesUnwritten(error);
    this.fail(networkErrorOf(error) ?? (isNameless(error) ? terminated(error) : error));
  }

  // --- what the reading of a foreign answer reports ---

  read(bytes: number): boolean {
    return !this.over && this.count(bytes);
  }

  behind(isBehind: boolean): void {
    if (!this.over) this.exchange.clientBehind(isBehind);
  }

  whole(): void {
    this.finish();
  }

  broken(error: unknown): void {
    this.fail(error);
  }

  givenUp(): void {
    this.fail(new NamedError("client_closed_request"));
  }

  // --- what the exchange asks for ---

  protected responseOf(head: ResponseHead): UpstreamResponse<FetchedBody> {
    return new EngineResponse(head, this.#answer as ForeignAnswer, this);
  }

  /** The answer is not read. */
  discard(): void {
    this.#answer?.discard();
  }

  // A function that ignores its signal is not waited for.
  protected stop(error: Error): void {
    this.#stop?.(error);
  }

  protected ended(failure: Failure | null): void {
    this.#answer?.over(failure === null ? null : { reason: this.#ask.errorOf(failure) });
  }
}

/** What a network says has a code; a refusal of a port has none. */
function isOfBlockedPort(port: number | string, error: unknown): boolean {
  return BLOCKED_PORTS.has(Number(port)) && !hasCode(error);
}

function hasCode(error: unknown): boolean {
  if (error instanceof NamedError) return true;
  const { cause, code } = Object(error) as { readonly cause?: unknown; readonly code?: unknown };
  return code !== undefined || (cause !== undefined && hasCode(cause));
}

/** A fetch complains of its arguments with a bare TypeError; what a network does has a cause. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false;
  return error.cause === undefined && (error as { code?: unknown }).code === undefined;
}

/** The standard's network error, from a function that has no codes for what happened (Deno's). */
function isNameless(error: unknown): boolean {
  return error instanceof TypeError && error.cause !== undefined && !hasCode(error);
}

function terminated(error: unknown): NamedError {
  return new NamedError("connection_terminated", "the fetch function does not say why", error);
}

function provesUnwritten(error: unknown): boolean {
  const { cause, syscall, errors } = Object(error) as {
    readonly cause?: unknown;
    readonly syscall?: unknown;
    readonly errors?: unknown;
  };
  if (typeof syscall === "string") return CONNECT_SYSCALLS.some((name) => syscall.startsWith(name));
  if (Array.isArray(errors) && errors.length > 0) return errors.every(provesUnwritten);
  return cause !== undefined && cause !== error && provesUnwritten(cause);
}
