/**
 * The transport of everything that the gateway sends itself: HTTP/1.1 through undici's `dispatch`,
 * and HTTP/2 where it is allowed, over connections of our own keeping.
 *
 * Guarantee: one outcome per exchange, and the exchange ends exactly once. A connection at rest
 * that turns out dead before a byte was written is replaced by another one without
 * notice.
 */
import type { Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import { withLayerFields } from "../core/layers.js";
import type { Outcome } from "../core/outcome.js";
import type { Pending } from "../core/pending.js";
import { pathBelow } from "../core/request.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange, RecordedExchange } from "../targets/exchange.js";
import type { Target } from "../targets/target.js";
import type { ConnectionLimits } from "./connection.js";
import { type ConnectionPool, connectionPool, loopPulse } from "./connection-pool.js";
import type { RunTerms } from "./engine-run.js";
import type { RunContext } from "./exchange-run.js";
import { http2Pool } from "./http2-pool.js";
import { Sending, type Wording } from "./sending.js";
import { standIn } from "./stand-in.js";
import { throughFetch, throughMockAgent } from "./stood-in.js";

export interface UndiciTransportOptions extends ConnectionLimits {
  /** HTTP/2 where TLS agrees on it (ALPN), or with `h2c` without TLS, too. */
  readonly allowH2: boolean | "h2c";
  readonly connectionsMax: number;
  readonly connectionAgeMsMax?: number;
  /** Infinity for no limit. */
  readonly responseBodyBytesMax: number;
  /** How long `Expect: 100-continue` may go unanswered. */
  readonly continueMs: number;
}

export interface UndiciTransport {
  perform(exchange: RecordedExchange): Promise<Outcome<ResponseBody>>;
  /**
   * The same for a request that a fetch function has worded; asked again for another connection.
   */
  performWorded(exchange: Exchange, wording: Wording): Promise<Outcome<ResponseBody>>;
  /** What every exchange with this upstream keeps to, whatever engine carries it. */
  readonly terms: RunTerms;
  /** Fields that this attempt is sent with beside those of its request. */
  readonly fieldsOf: AttemptFields;
  /** Ends connections at rest; those in use end with their exchange. */
  close(): void;
  /** The target goes: ends its connections, each as soon as its exchange is over. */
  retire(target: Target): void;
  /** Nothing is under way there any more. */
  forget(target: Target): void;
  stats(target: Target): ConnectionPool["stats"];
}

/** Fields of one attempt, names and values in turn; null, the usual case, for none. */
export type AttemptFields = (exchange: Exchange) => readonly string[] | null;

export function undiciTransport(
  clock: Clock,
  options: UndiciTransportOptions,
  fieldsOf: AttemptFields = () => null,
): UndiciTransport {
  const pools = new Map<Target, ConnectionPool>();
  const poolOf = poolFinder(clock, options, pools);
  const ownWording: Wording = (exchange) => wordsOf(exchange, fieldsOf(exchange));
  const context: RunContext = {
    bodyBytesMax: options.responseBodyBytesMax,
    limits: options,
    wallNow: () => clock.wallNow(),
    clock,
    continueMs: options.continueMs,
  };

  const sendOwn = (exchange: Exchange, wording: Wording): Pending<ResponseBody> => {
    const sending = new Sending(exchange, wording, poolOf(exchange.target), context);
    sending.begin();
    return sending;
  };
  /** In the place of the network, in tests; null in production. */
  const byStandIn = (exchange: Exchange, wording: Wording): Pending<ResponseBody> | null => {
    const found = standIn();
    if (found === null) return null;
    if (found !== "fetch") return throughMockAgent(found, exchange, context, wording);
    if (exchange.request.viaFetch === true) return null;
    return throughFetch(exchange, context, wording, (words) => sendOwn(exchange, () => words));
  };

  return {
    fieldsOf,
    terms: context,
    perform(exchange) {
      const stoodIn = byStandIn(exchange, ownWording);
      if (stoodIn !== null) return stoodIn;
      const sending = new Sending(exchange, ownWording, poolOf(exchange.target), context);
      // A small body is parsed together with its head, before a microtask runs; it is then sent
      // whole.
      if (exchange.request.body === null) sending.begin();
      else queueMicrotask(() => sending.begin());
      return sending;
    },
    performWorded: (exchange, wording) =>
      byStandIn(exchange, wording) ?? sendOwn(exchange, wording),
    close() {
      for (const pool of pools.values()) pool.close();
    },
    retire: (target) => pools.get(target)?.close(),
    forget(target) {
      pools.get(target)?.close();
      pools.delete(target);
    },
    stats: (target) => pools.get(target)?.stats ?? { open: 0, idle: 0, waiting: 0 },
  };
}

/** Finds the pool of a target, and makes it when it is asked for first. */
function poolFinder(
  clock: Clock,
  options: UndiciTransportOptions,
  pools: Map<Target, ConnectionPool>,
): (target: Target) => ConnectionPool {
  const pulse = loopPulse(clock);
  return (target) => {
    const known = pools.get(target);
    if (known !== undefined) return known;
    const { connectionsMax, connectionAgeMsMax = Number.POSITIVE_INFINITY } = options;
    const bounds = { connectionsMax, connectionAgeMsMax, limits: options };
    const http1 = connectionPool(clock, pulse, target, bounds);
    const pool = mayHttp2(target, options) ? http2Pool(clock, target, bounds, http1) : http1;
    pools.set(target, pool);
    return pool;
  };
}

function mayHttp2({ protocol }: Target, { allowH2 }: UndiciTransportOptions): boolean {
  return protocol === "https:" ? allowH2 !== false : allowH2 === "h2c";
}

function wordsOf(
  { request, target }: Exchange,
  added: readonly string[] | null,
): Dispatcher.DispatchOptions {
  const { method, contentLength, emptiness, upgrade } = request;
  const asksFirst = request.body?.asksFirst === true;
  const headers = added === null ? request.headers : withLayerFields(request.headers, added);
  const body = request.body === null || asksFirst ? null : request.body.open();
  // undici counts the bytes that it has; a stream of known length is announced, not chunked.
  const announced =
    emptiness === "said" || (body !== null && contentLength !== null && !Buffer.isBuffer(body));
  return {
    method: method as "GET",
    path: target.pathPrefix === "" ? request.path : pathBelow(target.pathPrefix, request),
    headers: announced
      ? [...headers, "content-length", String(contentLength)]
      : (headers as string[]),
    body,
    upgrade,
    // It keeps others from being sent behind a request on one connection; we send one at a time.
    blocking: false,
  };
}
