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
import type { Clock } from "../base/clock.js";
import { CONNECT_SYSCALLS } from "../catalog/error-codes.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Call } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { classifyError } from "../core/classify.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome, type UpstreamResponse } from "../core/outcome.js";
import { receivedFailure } from "../core/received-failure.js";
import type { Exchange } from "../targets/exchange.js";
import { type Elsewhere, type FetchHops, fetchHops, originOf } from "./fetch-dispatcher.js";
import type { FetchHop } from "./fetch-hop.js";
import type { UndiciTransport } from "./undici.js";

export type FetchFunction = (url: string, init: RequestInit) => Promise<Response>;

/** What one call asks of its fetch function, the same in every attempt. */
export interface FetchAsk {
  readonly fetch: FetchFunction;
  /** The arguments of one attempt with further fields, but for what the transport adds. */
  init(added: readonly string[] | null): RequestInit;
  /** Set by the attempt under way: aborts its fetch with this reason. */
  abort: ((reason: unknown) => void) | null;
  /** Set when the function itself refused: its error, which belongs to the caller as it is. */
  refusedBy: { readonly error: unknown } | null;
}

/** A Response, and when nobody can read from it any more. */
export interface FetchAnswer {
  readonly response: Response;
  onBodyOver(listener: () => void): void;
}

/** What the calls of one fetch share. */
export interface FetchTransportParts {
  readonly clock: Clock;
  readonly wire: Pick<UndiciTransport, "performWorded" | "fieldsOf">;
  readonly elsewhere: Elsewhere;
  askOf(call: Call): FetchAsk;
}

export function fetchTransport(
  parts: FetchTransportParts,
): (exchange: Exchange) => Promise<Outcome<FetchAnswer>> {
  return async (exchange) => {
    const ask = parts.askOf(exchange.call);
    const hops = fetchHops(parts.clock, parts.wire, parts.elsewhere, exchange);
    // Until a dispatcher tells more, all that is known is that an answer is awaited.
    exchange.enter("wait");
    const { settled, stop } = callFetch(exchange, ask, hops, parts.wire.fieldsOf(exchange));
    let response: Response;
    try {
      response = await settled;
    } catch (error) {
      stop();
      const failure = failureOf(exchange, ask, hops, error);
      exchange.end();
      return noResponse(failure);
    }
    const { last } = hops;
    if (last === null || hops.elsewhere)
      return answeredUnseen(parts, exchange, hops, response, stop);
    return answered(exchange, last, response, stop);
  };
}

interface CalledFetch {
  readonly settled: Promise<Response>;
  /** Cuts of the exchange are no longer of interest. */
  stop(): void;
}

function callFetch(
  exchange: Exchange,
  ask: FetchAsk,
  hops: FetchHops,
  added: readonly string[] | null,
): CalledFetch {
  const { cancellation, target, request } = exchange;
  const controller = new AbortController();
  ask.abort = (reason) => controller.abort(reason);
  let onCut: (by: CutBy) => void = ignore;
  const settled = new Promise<Response>((resolve, reject) => {
    let givenUp = false;
    onCut = (by) => {
      hops.cut(by);
      if (hops.last !== null && !hops.elsewhere) return;
      // Nobody but the signal can stop it, and a function that ignores signals is not waited for.
      const error = new Error("cut");
      givenUp = true;
      controller.abort(error);
      reject(error);
    };
    cancellation.add(onCut);
    const url = originOf(target) + target.pathPrefix + request.path;
    const init = { ...ask.init(added), signal: controller.signal, dispatcher: hops.dispatcher };
    const call = async (): Promise<Response> => ask.fetch(url, init as unknown as RequestInit);
    call().then((response) => {
      resolve(response);
      if (givenUp) void response.body?.cancel().catch(ignore);
    }, reject);
  });
  return { settled, stop: () => cancellation.remove(onCut) };
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

/** An answer that came over our own connections. */
function answered(
  exchange: Exchange,
  hop: FetchHop,
  response: Response,
  stop: () => void,
): Outcome<FetchAnswer> {
  hop.onOver(() => {
    stop();
    exchange.end();
  });
  const { outcome } = hop;
  const received = outcome === null || outcome.kind === "no_response" ? null : outcome.response;
  const answer: FetchAnswer = {
    response,
    onBodyOver: (listener) => hop.onOver(() => listener()),
  };
  const upstream = upstreamResponse(response, received?.rawHeaders ?? null, answer, hop);
  return outcome?.kind === "error_response"
    ? { kind: "error_response", response: upstream, failure: outcome.failure }
    : { kind: "success", response: upstream };
}

/** An answer whose body we do not see; for the policies it ends with its head. */
function answeredUnseen(
  { clock }: FetchTransportParts,
  exchange: Exchange,
  hops: FetchHops,
  response: Response,
  stop: () => void,
): Outcome<FetchAnswer> {
  stop();
  exchange.timeline.written = true;
  if (!hops.elsewhere) exchange.enter("receive");
  exchange.end();
  const answer: FetchAnswer = {
    response,
    onBodyOver: (listener) => {
      if (hops.elsewhere) hops.onElsewhereOver(listener);
      else whenUnreachable(response, listener);
    },
  };
  const upstream = upstreamResponse(response, null, answer, null);
  // What another server says is no word of the target.
  if (hops.elsewhere) return { kind: "success", response: upstream };
  const { status, rawHeaders } = upstream;
  const failure = receivedFailure(status, rawHeaders, () => clock.wallNow(), exchange.target.id);
  if (failure === null) return { kind: "success", response: upstream };
  return { kind: "error_response", response: upstream, failure };
}

const unreachable = new FinalizationRegistry<() => void>((listener) => listener());

function whenUnreachable(response: Response, listener: () => void): void {
  if (response.body === null) listener();
  else unreachable.register(response.body, listener);
}

function upstreamResponse(
  response: Response,
  received: readonly string[] | null,
  answer: FetchAnswer,
  hop: FetchHop | null,
): UpstreamResponse<FetchAnswer> {
  const onFinished = (listener: (broken: FailureCode | null) => void): void => {
    if (hop === null) listener(null);
    else hop.onOver(listener);
  };
  return {
    status: response.status,
    statusText: response.statusText,
    get rawHeaders() {
      return received ?? [...response.headers].flat();
    },
    get headers() {
      return Object.fromEntries(response.headers);
    },
    body: answer,
    get finished() {
      return new Promise<FailureCode | null>(onFinished);
    },
    onFinished,
    async discard() {
      if (hop === null) await response.body?.cancel().catch(ignore);
      else hop.discard();
    },
  };
}

function ignore(): void {}
