/**
 * What stands in for the network in the tests of an application: undici's MockAgent as the global
 * dispatcher, or a library that answers for the global fetch (msw, nock).
 *
 * Our connections are our own, so they cannot be caught. Where a stand-in is in place, requests
 * go to it. In production there is none, which costs a look at three properties.
 */
import { NamedError } from "../core/named-error.js";
import type { Dispatch } from "./dispatch-run.js";

/** Where undici 8 keeps the global dispatcher, and undici 7, where Node's own is as well. */
const DISPATCHER_OF_8 = Symbol.for("undici.globalDispatcher.2");
const DISPATCHER_OF_7 = Symbol.for("undici.globalDispatcher.1");
/** Where the interceptors of msw and nock say that the global fetch is theirs. */
const FETCH_INTERCEPTOR = Symbol.for("fetch-interceptor");

type Globals = Readonly<Record<symbol, unknown>>;

/** The dispatch function of the MockAgent in place, or what answers for the global fetch. */
export type StandIn = Dispatch | "fetch";

/** What stands in for the network; null for nothing. */
export function standIn(): StandIn | null {
  const mock = activeMock(DISPATCHER_OF_8) ?? activeMock(DISPATCHER_OF_7);
  if (mock !== null) return dispatchOf(mock);
  return (globalThis as Globals)[FETCH_INTERCEPTOR] === undefined ? null : "fetch";
}

/** By what it can do: an application may have another copy of undici. */
function activeMock(symbol: symbol): MockAgent | null {
  const dispatcher = (globalThis as Globals)[symbol] as Partial<MockAgent> | null | undefined;
  if (dispatcher?.isMockActive !== true || typeof dispatcher.dispatch !== "function") return null;
  return dispatcher as MockAgent;
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
