/**
 * What stands in for the network in the tests of an application: undici's MockAgent as the global
 * dispatcher, or a library that answers for the global fetch (msw, nock).
 *
 * Our connections are our own, so nobody could catch them. Where a stand-in is in place, requests
 * go to it. In production there is none, which costs a look at three properties.
 */
import type { Dispatch } from "./dispatch-run.js";

/** Where undici 7 and 8 keep the global dispatcher; the second is also Node's own. */
const DISPATCHERS = [
  Symbol.for("undici.globalDispatcher.2"),
  Symbol.for("undici.globalDispatcher.1"),
] as const;
/** Where the interceptors of msw and nock say that the global fetch is theirs. */
const FETCH_INTERCEPTOR = Symbol.for("fetch-interceptor");

type Globals = Readonly<Record<symbol, unknown>>;

/** The dispatch function of the MockAgent in place; null for none. */
export function mockAgent(): Dispatch | null {
  for (const symbol of DISPATCHERS) {
    const dispatcher = (globalThis as Globals)[symbol];
    if (isMockAgent(dispatcher)) return (options, handler) => dispatcher.dispatch(options, handler);
  }
  return null;
}

/** Whether the global fetch answers by itself what it is told to. */
export function isFetchAnswered(): boolean {
  return (globalThis as Globals)[FETCH_INTERCEPTOR] !== undefined;
}

interface MockAgent {
  readonly isMockActive: true;
  dispatch(options: object, handler: object): boolean;
}

/** By what it can do: an application may have another copy of undici. */
function isMockAgent(value: unknown): value is MockAgent {
  if (typeof value !== "object" || value === null) return false;
  const { isMockActive, dispatch } = value as Partial<MockAgent>;
  return isMockActive === true && typeof dispatch === "function";
}
