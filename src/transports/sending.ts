/**
 * One exchange on its way to a connection: asks the pool, sends, and asks again for another
 * connection when the one it got had died before a byte was written.
 *
 * Guarantee: it settles once, with the outcome of the exchange.
 */
import type { Dispatcher } from "undici";
import { afterPoll, turnsMayBeHeld } from "../base/clock.js";
import { LIMITS } from "../catalog/defaults.js";
import { REFUSALS_OF_UNDICI } from "../catalog/error-codes.js";
import { classifyError } from "../core/classify.js";
import { detailsOf } from "../core/failure-details.js";
import { NamedError } from "../core/named-error.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import { isSafeUnsent } from "../core/repeat.js";
import type { GatewayRequest } from "../core/request.js";
import type { ResponseBody } from "../core/response-body.js";
import type { Exchange } from "../targets/exchange.js";
import { type Amendment, amendHead, BODIES } from "./amend-head.js";
import { sendAsking } from "./asking-run.js";
import type { Connection, SocketConnection } from "./connection.js";
import { type ConnectionPool, CUT } from "./connection-pool.js";
import { ExchangeRun, type RunContext, type RunEnd } from "./exchange-run.js";

/** What undici is asked to send for an exchange. */
export type Wording = (exchange: Exchange) => Dispatcher.DispatchOptions;

/** undici reads it, and does not say so in its types. */
type Words = Dispatcher.DispatchOptions & { servername?: string };

export class Sending extends Pending<ResponseBody> implements RunEnd {
  readonly #exchange: Exchange;
  readonly #wording: Wording;
  readonly #pool: ConnectionPool;
  readonly #context: RunContext;
  #left: number = LIMITS.deadConnectionsMax;
  #connection: Connection | null = null;
  #fresh = false;
  #letHeadBe: (() => void) | null = null;

  constructor(exchange: Exchange, wording: Wording, pool: ConnectionPool, context: RunContext) {
    super();
    this.#exchange = exchange;
    this.#wording = wording;
    this.#pool = pool;
    this.#context = context;
  }

  begin(): void {
    // Sent as one piece behind its head, a body costs half of what it costs as a stream.
    if (this.#exchange.request.body?.maybeReceived === true) this.#acquireSoon();
    else this.#acquire();
  }

  // By itself, since a function that makes a closure prepares for it in every call.
  #acquireSoon(): void {
    queueMicrotask(() => this.#acquire());
  }

  #acquire(): void {
    this.#pool.acquire(this.#exchange, (error, connection) => {
      if (connection === null) this.settle(unconnected(this.#exchange, error));
      else this.#send(connection);
    });
  }

  #send(connection: Connection): void {
    this.#connection = connection;
    this.#fresh = connection.served === 0;
    let words: Words;
    try {
      words = this.#wording(this.#exchange);
    } catch (error) {
      // A bug of ours, and no word has been sent: the connection is as good as before.
      this.#pool.release(connection);
      this.settle(unconnected(this.#exchange, error));
      return;
    }
    if (this.#exchange.request.body?.asksFirst === true) {
      sendAsking(this.#exchange, connection, words, this.#context, this);
      return;
    }
    const run = new ExchangeRun(this.#exchange, connection, this.#context, this);
    if (run.over) return;
    // Whose name the certificate has was settled when the connection was opened. Left to undici, it
    // would be looked for in the Host of each request, and another one would end the connection.
    words.servername = this.#exchange.target.hostname;
    const emptiness = emptinessOf(this.#exchange.request);
    if (emptiness !== null && isSocket(connection)) {
      this.#letHeadBe = amendHead(connection.socket, emptiness);
    }
    if (!this.#fresh && isSocket(connection)) this.#pool.resting.began(this.#exchange, connection);
    connection.client.dispatch(words, run);
    if (!this.#fresh && turnsMayBeHeld()) this.#seeStart(run, connection);
  }

  /**
   * undici lets a turn pass before it writes to a kept connection. Where the fake timers of a test
   * runner hold that back, a new connection, which waits for nothing, takes its place.
   */
  #seeStart(run: ExchangeRun, connection: Connection): void {
    afterPoll(this.#context.clock, () => {
      if (!run.hasStarted) connection.destroy();
    });
  }

  released(connection: Connection): void {
    this.#letHeadBe?.();
    if (isSocket(connection)) this.#pool.resting.ended(this.#exchange);
    this.#pool.release(connection);
  }

  neverStarted(error: unknown): void {
    this.#letHeadBe?.();
    // What cannot be sent cannot be sent on any connection; this one is as good as before.
    const unsendable = unsendableIn(error);
    if (unsendable !== null) {
      if (this.#connection !== null) this.#pool.release(this.#connection);
      this.settle(unconnected(this.#exchange, unsendable));
      return;
    }
    this.#connection?.destroy();
    // A new connection that dies at once speaks of the target; an old one only of its own age.
    if (this.#fresh || this.#left === 0) this.settle(unconnected(this.#exchange, error));
    else {
      this.#left -= 1;
      this.begin();
    }
  }
}

/**
 * How the head of a request without a body is to be changed; null where undici words it as the
 * client did. It says `Content-Length: 0` of methods that come with a body, and of no other; a
 * client may have signed the one or the other.
 */
export function emptinessOf({ method, body, emptiness }: GatewayRequest): Amendment | null {
  if (body !== null || emptiness === undefined || emptiness === null) return null;
  const said = BODIES.has(method);
  if (said === (emptiness === "said")) return null;
  return said ? (lines) => lines : (lines) => `${lines}content-length: 0\r\n`;
}

function isSocket(connection: Connection): connection is SocketConnection {
  return "socket" in connection;
}

/** Why a request is sent on no connection; null for what another one may do better. */
function unsendableIn(error: unknown): NamedError | null {
  if (error instanceof NamedError) {
    return error.failureCode === "proxy_internal_error" ? error : null;
  }
  const isRefused = REFUSALS_OF_UNDICI.has((error as { code?: unknown }).code);
  return isRefused ? new NamedError("bad_request", undefined, error) : null;
}

function unconnected(exchange: Exchange, error: unknown): Outcome<never> {
  exchange.end();
  const { timeline, cancellation, target } = exchange;
  // What it waited for in line, while this machine had no file left, says more than that it waited.
  const starved = timeline.phase === "queue" && cancellation.by === "timeout" && error !== CUT;
  const code = classifyError(timeline, starved ? null : cancellation.by, error);
  const details = detailsOf(code, error);
  return noResponse({
    code,
    target: target.id,
    cause: error,
    ...(details === undefined ? {} : { details }),
    // RFC 9110 §9.2.2: nothing was sent, whatever the method.
    ...(isSafeUnsent(code) ? { repeat: "safe" as const } : {}),
  });
}
