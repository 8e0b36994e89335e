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
import type { Exchange } from "../targets/exchange.js";
import type { TargetAddress } from "../targets/target.js";
import { whenHandled } from "./fetch-handler.js";
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

export interface FetchHops {
  readonly dispatcher: FetchDispatcher;
  /** How many requests were asked for; none when the fetch function uses no dispatcher. */
  readonly count: number;
  /** The latest request to the target. */
  readonly last: FetchHop | null;
  /** The latest request went to another origin. */
  readonly elsewhere: boolean;
  /** Calls when the answer of another origin is over; at once when it is. */
  onElsewhereOver(listener: () => void): void;
  cut(by: CutBy): void;
}

/** Where the requests go that leave the upstream. */
export type Elsewhere = () => Pick<Dispatcher, "dispatch">;

export function fetchHops(
  clock: Clock,
  wire: Pick<UndiciTransport, "performWorded">,
  elsewhere: Elsewhere,
  exchange: Exchange,
): FetchHops {
  const origin = originOf(exchange.target);
  const state = { count: 0, last: null as FetchHop | null, elsewhere: false };
  const listeners: (() => void)[] = [];
  let elsewhereOver = false;

  const leave = (asked: FetchDispatch, handler: object): boolean => {
    state.elsewhere = true;
    // No timeout of the upstream speaks of another server; the deadline of the call still does.
    exchange.watch?.ended();
    elsewhereOver = false;
    const watched = whenHandled(handler, () => {
      elsewhereOver = true;
      for (const listener of listeners.splice(0)) listener();
    });
    return elsewhere().dispatch(asked as Dispatcher.DispatchOptions, watched);
  };

  const dispatch = (asked: FetchDispatch, handler: object): boolean => {
    state.count += 1;
    // Of a redirect that is followed nobody reads the body.
    state.last?.discard();
    if (!isOf(origin, asked.origin)) {
      return leave(asked, handler);
    }
    state.elsewhere = false;
    state.last = beginHop(clock, wire, exchange, asked, handler, state.count === 1);
    return true;
  };

  return {
    dispatcher: { [BRAND]: true, dispatch, close: settled, destroy: settled },
    get count() {
      return state.count;
    },
    get last() {
      return state.last;
    },
    get elsewhere() {
      return state.elsewhere;
    },
    onElsewhereOver(listener) {
      if (elsewhereOver) listener();
      else listeners.push(listener);
    },
    cut: (by) => state.last?.cut(by),
  };
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

function settled(): Promise<void> {
  return Promise.resolve();
}
