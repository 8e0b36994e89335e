/**
 * The transport that performs an exchange by calling a fetch function.
 *
 * The function gets the target's address and a dispatcher of ours, so that connections, phases,
 * timeouts and names are those of every other exchange, and the Response is the function's own. A
 * function that uses no dispatcher works too; then only the error codes tell what failed, and the
 * exchange ends with the head.
 *
 * Guarantee: one outcome per exchange, which ends exactly once. What a fetch function refuses for
 * reasons of its own (its arguments, `redirect: "error"`) counts against no target.
 */
import { fetch as undiciFetch } from "undici";
import { CONNECT_SYSCALLS } from "../catalog/error-codes.js";
import type { Call } from "../core/call.js";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import { receivedFailure } from "../core/received-failure.js";
import type { Exchange } from "../targets/exchange.js";
import { type FetchDispatcher, FetchHops, type HopParts, originOf } from "./fetch-dispatcher.js";
import type { FetchHop } from "./fetch-hop.js";
import { type FetchAnswer, FetchedResponse } from "./fetched-response.js";
import type { UndiciTransport } from "./undici.js";

export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** What one call asks of its fetch function, the same in every attempt. */
export interface FetchAsk {
  readonly fetch: FetchFunction;
  /** The arguments of one attempt, with further fields; without a signal none is needed. */
  init(
    fields: readonly string[] | null,
    dispatcher: FetchDispatcher,
    signal: AbortSignal | undefined,
  ): RequestInit;
  /** The caller has a signal of its own, by whose reason a fetch ends that it aborts. */
  readonly hasSignal: boolean;
  /** Set by the attempt under way: aborts its fetch with this reason. */
  abort: ((reason: unknown) => void) | null;
  /** Set when the function itself refused: its error, which belongs to the caller as it is. */
  refusedBy: { readonly error: unknown } | null;
}

/** What the calls of one fetch share. */
export interface FetchTransportParts extends HopParts {
  readonly wire: Pick<UndiciTransport, "performWorded" | "fieldsOf">;
  askOf(call: Call): FetchAsk;
}

export function fetchTransport(
  parts: FetchTransportParts,
): (exchange: Exchange) => Promise<Outcome<FetchAnswer>> {
  return (exchange) => new FetchRun(parts, exchange).begin();
}

/** Node's own fetch says so in its source, and nobody who replaces it can say the same. */
const OF_NODE = /\brequire\(.internal\/deps\/undici\/undici.\)/;
const known = new WeakMap<FetchFunction, boolean>();

/**
 * Whether a function is known to send all that it sends through the dispatcher that it is given:
 * Node's own fetch, and that of our undici. Our dispatcher ends what they do by itself, and a
 * signal is the dearest of all that they can be given.
 */
function dispatchesAlways(fetch: FetchFunction): boolean {
  let always = known.get(fetch);
  if (always === undefined) {
    const source = Function.prototype.toString.call(fetch);
    always = fetch === (undiciFetch as unknown) || OF_NODE.test(source);
    known.set(fetch, always);
  }
  return always;
}

class FetchRun extends Pending<FetchAnswer> implements Cuttable {
  readonly #parts: FetchTransportParts;
  readonly #exchange: Exchange;
  readonly #ask: FetchAsk;
  readonly #hops: FetchHops;
  #controller: AbortController | null = null;
  #givenUp = false;

  constructor(parts: FetchTransportParts, exchange: Exchange) {
    super();
    this.#parts = parts;
    this.#exchange = exchange;
    this.#ask = parts.askOf(exchange.call);
    this.#hops = new FetchHops(parts, exchange);
  }

  begin(): this {
    const exchange = this.#exchange;
    // Until a dispatcher tells more, all that is known is that an answer is awaited.
    exchange.enter("wait");
    exchange.cancellation.add(this);
    if (this.#givenUp) return this;
    this.#call().then(
      (response) => this.#answered(response),
      (error: unknown) => this.#fail(error),
    );
    return this;
  }

  cut(by: CutBy): void {
    this.#hops.cut(by);
    // Then its own end tells what became of it.
    if (this.#hops.areOurs) return;
    // Nobody but the signal can stop it, and a function that ignores signals is not waited for.
    const error = new Error("cut");
    this.#controller?.abort(error);
    this.#fail(error);
  }

  #call(): Promise<Response> {
    const { request, target } = this.#exchange;
    const ask = this.#ask;
    const url = originOf(target) + target.pathPrefix + request.path;
    try {
      const fields = this.#parts.wire.fieldsOf(this.#exchange);
      const init = ask.init(fields, this.#hops, this.#signal());
      return Promise.resolve(ask.fetch(url, init));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #signal(): AbortSignal | undefined {
    const ask = this.#ask;
    if (!ask.hasSignal && dispatchesAlways(ask.fetch)) return undefined;
    const controller = new AbortController();
    this.#controller = controller;
    ask.abort = (reason) => controller.abort(reason);
    return controller.signal;
  }

  #answered(response: Response): void {
    if (this.#givenUp) {
      void response.body?.cancel().catch(ignore);
      return;
    }
    const hops = this.#hops;
    this.settle(hops.areOurs ? this.#overOurs(response) : this.#unseen(response));
  }

  /** An answer that came over our own connections. */
  #overOurs(response: Response): Outcome<FetchAnswer> {
    const hop = this.#hops.last as FetchHop;
    hop.onOver(() => this.#end());
    const { outcome } = hop;
    const received = outcome === null || outcome.kind === "no_response" ? null : outcome.response;
    const answer = new FetchedResponse(response, received?.rawHeaders ?? null, this.#hops);
    return outcome?.kind === "error_response"
      ? { kind: "error_response", response: answer, failure: outcome.failure }
      : { kind: "success", response: answer };
  }

  /** An answer whose body we do not see; for the policies it ends with its head. */
  #unseen(response: Response): Outcome<FetchAnswer> {
    const exchange = this.#exchange;
    const { elsewhere } = this.#hops;
    exchange.timeline.written = true;
    if (!elsewhere) exchange.enter("receive");
    this.#end();
    const answer = new FetchedResponse(response, null, this.#hops);
    // What another server says is no word of the target; and to read fields is dear.
    if (elsewhere || response.ok) return { kind: "success", response: answer };
    const { clock } = this.#parts;
    const { status, rawHeaders } = answer;
    const wallNow = (): number => clock.wallNow();
    const failure = receivedFailure(status, rawHeaders, wallNow, exchange.target.id);
    if (failure === null) return { kind: "success", response: answer };
    return { kind: "error_response", response: answer, failure };
  }

  #fail(error: unknown): void {
    if (this.#givenUp) return;
    this.#givenUp = true;
    const failure = failureOf(this.#exchange, this.#ask, this.#hops, error);
    this.#end();
    this.settle(noResponse(failure));
  }

  #end(): void {
    this.#exchange.cancellation.remove(this);
    this.#exchange.end();
  }
}

/** Why there is no Response. */
function failureOf(exchange: Exchange, ask: FetchAsk, hops: FetchHops, error: unknown): Failure {
  const { cancellation, target } = exchange;
  const { last } = hops;
  if (hops.count === 0) return unseenFailure(exchange, ask, error);
  const failure = last?.outcome?.kind === "no_response" ? last.outcome.failure : null;
  if (failure !== null && !hops.elsewhere) {
    // Behind a redirect the first request was written, whatever became of the next one.
    return hops.count === 1 ? failure : { ...failure, written: true };
  }
  const written = true;
  const broken = hops.elsewhere ? null : (last?.brokenBy ?? null);
  if (broken !== null) return { code: broken, target: target.id, written, cause: error };
  last?.cut("client");
  if (cancellation.by === null) ask.refusedBy = { error };
  const code = classifyError(exchange.timeline, cancellation.by ?? "client", error);
  return { code, target: target.id, written, cause: error };
}

/** The same for a fetch function that used no dispatcher. */
function unseenFailure(exchange: Exchange, ask: FetchAsk, error: unknown): Failure {
  const { cancellation, timeline, target } = exchange;
  if (cancellation.by === null && isRefusal(error)) {
    ask.refusedBy = { error };
    return { code: "bad_request", target: target.id, cause: error };
  }
  timeline.written = !provesUnwritten(error);
  const code = classifyError(timeline, cancellation.by, error);
  const failure = { code, target: target.id, cause: error };
  return timeline.written ? { ...failure, written: true } : failure;
}

/** A fetch complains of its arguments with a bare TypeError; what a network does has a cause. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof TypeError)) return false;
  return error.cause === undefined && (error as { code?: unknown }).code === undefined;
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

function ignore(): void {}
