/**
 * The dispatcher that an exchange gives to its fetch function: what the function asks for is sent
 * to the target of the exchange, over our own connections.
 *
 * A fetch follows redirects by asking again. The same origin means the same target and our
 * policies; any other origin gets the plain behaviour of a fetch, outside of all policies, since it
 * is no target of the upstream.
 */
import type { Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import type { CutBy } from "../core/cancellation.js";
import { NamedError } from "../core/named-error.js";
import type { Exchange } from "../targets/exchange.js";
import type { TargetAddress } from "../targets/target.js";
import { FetchDelivery } from "./fetch-delivery.js";
import { fetchHandler, whenHandled } from "./fetch-handler.js";
import { beginHop, type FetchDispatch, type FetchHop } from "./fetch-hop.js";
import type { UndiciTransport } from "./undici.js";

const BRAND = Symbol.for("good-gateway.fetchDispatcher");

/** Whether a fetch function was called by a gateway, of this or any other copy of the package. */
export function isFetchDispatcher(value: unknown): boolean {
  return typeof value === "object" && value !== null && BRAND in value;
}

/** The part of undici's dispatchers that a fetch function uses, the same in all versions. */
export interface FetchDispatcher {
  readonly [BRAND]: true;
  dispatch(asked: FetchDispatch, handler: object): boolean;
  close(): Promise<void>;
  destroy(): Promise<void>;
}

/** Where the requests go that leave the upstream. */
export type Elsewhere = () => Pick<Dispatcher, "dispatch">;

/** What the hops of every exchange need. */
export interface HopParts {
  readonly clock: Clock;
  readonly wire: Pick<UndiciTransport, "performWorded">;
  readonly elsewhere: Elsewhere;
}

/** The requests of one exchange, as its fetch function asks for them. */
export class FetchHops implements FetchDispatcher {
  readonly [BRAND] = true;
  /** How many requests were asked for; none when the fetch function uses no dispatcher. */
  count = 0;
  /** The latest request to the target. */
  last: FetchHop | null = null;
  /** The latest request went to another origin. */
  elsewhere = false;
  readonly #parts: HopParts;
  readonly #exchange: Exchange;
  readonly #origin: string;
  /** Nothing is sent any more, whoever asks. */
  #isCut = false;
  #elsewhereOver = false;
  #abortElsewhere: ((reason: unknown) => void) | null = null;
  #listeners: (() => void)[] | null = null;

  constructor(parts: HopParts, exchange: Exchange) {
    this.#parts = parts;
    this.#exchange = exchange;
    this.#origin = originOf(exchange.target);
  }

  dispatch(asked: FetchDispatch, handler: object): boolean {
    if (this.#isCut) return refuse(handler);
    this.count += 1;
    // Of a redirect that is followed nobody reads the body.
    this.last?.discard();
    if (!isOf(this.#origin, asked.origin)) return this.#leave(asked, handler);
    this.elsewhere = false;
    const { clock, wire } = this.#parts;
    this.last = beginHop(clock, wire, this.#exchange, asked, handler, this.count === 1);
    return true;
  }

  /** Calls when the answer of another origin is over; at once when it is. */
  onElsewhereOver(listener: () => void): void {
    if (this.#elsewhereOver) listener();
    else if (this.#listeners === null) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  /** Whether what was asked for last goes over our own connections, and ends as they do. */
  get areOurs(): boolean {
    return this.last !== null && !this.elsewhere;
  }

  cut(by: CutBy): void {
    this.#isCut = true;
    this.last?.cut(by);
    if (this.elsewhere) this.#abortElsewhere?.(new NamedError("proxy_internal_error", by));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }

  #leave(asked: FetchDispatch, handler: object): boolean {
    this.elsewhere = true;
    // No timeout of the upstream speaks of another server; the deadline of the call still does.
    this.#exchange.watch?.ended();
    this.#elsewhereOver = false;
    this.#abortElsewhere = null;
    const over = (): void => {
      this.#elsewhereOver = true;
      this.#abortElsewhere = null;
      const listeners = this.#listeners ?? [];
      this.#listeners = null;
      for (const listener of listeners) listener();
    };
    const begun = (abort: (reason: unknown) => void): void => {
      if (this.#isCut) abort(new NamedError("proxy_internal_error"));
      else this.#abortElsewhere = abort;
    };
    const watched = whenHandled(handler, over, begun);
    const dispatcher = this.#parts.elsewhere();
    return dispatcher.dispatch(asked as Dispatcher.DispatchOptions, watched);
  }
}

/** Whoever asks has been given up, and hears no other answer. */
function refuse(handler: object): boolean {
  const delivery = new FetchDelivery(fetchHandler(handler), () => {});
  delivery.start();
  delivery.error(new NamedError("proxy_internal_error"));
  return true;
}

/**
 * The origin of a target as the URL of a fetch shows it; for a unix socket it is that of its Host.
 */
export function originOf({ protocol, authority }: TargetAddress): string {
  return `${protocol}//${authority}`;
}

/** Nearly always it is written as we write it, and reading an address is dear. */
function isOf(origin: string, asked: string | URL | undefined): boolean {
  return asked === origin || (asked !== undefined && new URL(asked).origin === origin);
}
