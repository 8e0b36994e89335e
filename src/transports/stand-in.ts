/**
 * What stands in for the network in the tests of an application: undici's MockAgent as the global
 * dispatcher, or a library that answers for the global fetch (msw, nock).
 *
 * Our connections are our own, so nobody could catch them. Where a stand-in is in place, requests
 * go to it. In production there is none, which costs a look at three properties.
 */
import { NamedError } from "../core/named-error.js";
import type { Dispatch } from "./dispatch-run.js";

/** Where undici 7 and 8 keep the global dispatcher; the second is also Node's own. */
const DISPATCHERS = [
  Symbol.for("undici.globalDispatcher.2"),
  Symbol.for("undici.globalDispatcher.1"),
] as const;
/** Where the interceptors of msw and nock say that the global fetch is theirs. */
const FETCH_INTERCEPTOR = Symbol.for("fetch-interceptor");

type Globals = Readonly<Record<symbol, unknown>>;

/** The dispatch function of the MockAgent in place, or what answers for the global fetch. */
export type StandIn = Dispatch | "fetch";

/** What stands in for the network; null for nothing. */
export function standIn(): StandIn | null {
  for (const symbol of DISPATCHERS) {
    // By what it can do: an application may have another copy of undici.
    const dispatcher = (globalThis as Globals)[symbol] as Partial<MockAgent> | null | undefined;
    if (dispatcher?.isMockActive !== true || typeof dispatcher.dispatch !== "function") continue;
    return dispatchOf(dispatcher as MockAgent);
  }
  return (globalThis as Globals)[FETCH_INTERCEPTOR] === undefined ? null : "fetch";
}

interface MockAgent {
  readonly isMockActive: true;
  dispatch(options: object, handler: object): boolean;
}

function dispatchOf(mock: MockAgent): Dispatch {
  return (options, handler) => mock.dispatch(options, handler);
}

/**
 * The failure that a `Response.error()` stands for, which msw throws and a fetch function may give:
 * a network error, with nothing known of how far the request came.
 */
export function networkErrorOf(given: unknown): NamedError | null {
  const { cause } = Object(given) as { readonly cause?: unknown };
  return isErrorResponse(given) || isErrorResponse(cause)
    ? new NamedError("connection_terminated", undefined, given)
    : null;
}

function isErrorResponse(given: unknown): boolean {
  const { type, status } = Object(given) as Partial<Response>;
  return type === "error" && status === 0;
}
