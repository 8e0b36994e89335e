/**
 * Which fetch functions are known: those that send all that they send through the dispatcher that
 * they are given, and the classes of bodies and Requests that each of them takes.
 */
import { FormData as UndiciFormData, Request as UndiciRequest, fetch as undiciFetch } from "undici";
import type { OwnClasses } from "./native-body.js";

export type FetchFunction = (input: string | URL | Request, init: RequestInit) => Promise<Response>;

export interface KnownFetch extends OwnClasses {
  readonly Request: abstract new (...args: never) => unknown;
}

/** Node's own fetch says so in its source, and nothing that replaces it can say the same. */
const OF_NODE = /\brequire\(.internal\/deps\/undici\/undici.\)/;

const { FormData, Request } = globalThis;
const NODES: KnownFetch = { FormData, Request };
/** As it was at load: others may replace it, by one of ours. */
const undicisOwn: unknown = undiciFetch;
const OURS = { FormData: UndiciFormData, Request: UndiciRequest } as unknown as KnownFetch;

const known = new WeakMap<object, KnownFetch | null>();

/** What is known of a function; null for one that may do anything. */
export function knownFetch(fetch: FetchFunction): KnownFetch | null {
  const found = known.get(fetch);
  if (found !== undefined) return found;
  const classes =
    fetch === undicisOwn
      ? OURS
      : OF_NODE.test(Function.prototype.toString.call(fetch))
        ? NODES
        : null;
  known.set(fetch, classes);
  return classes;
}
