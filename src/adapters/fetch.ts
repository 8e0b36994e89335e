/**
 * `gatewayFetch`: a function with the signature of the global fetch that goes through the gateway.
 *
 * The Response is the fetch function's own. A failure rejects as a fetch does, with a TypeError
 * "fetch failed", which also has the failure; an abort of the caller passes through unchanged.
 */

import { isGatewayError } from "../core/failure.js";
import { mergeOverrides } from "../core/overrides.js";
import type { FetchArguments, FetchInit } from "../doors/fetch/fetch-arguments.js";
import {
  dropBody,
  type FetchInput,
  fetchInput,
  readFetchArguments,
} from "../doors/fetch/fetch-arguments.js";
import { type CallMark, FetchCall, type Perform } from "../doors/fetch/fetch-call.js";
import type { FetchRequest } from "../doors/fetch/fetch-hop.js";
import {
  type GatewayCallOptions,
  type GatewayFetchOptions,
  readCallOptions,
  readFetchOptions,
} from "../doors/fetch/fetch-options.js";
import { fetchRouter } from "../doors/fetch/fetch-route.js";
import { isResumable, resumed } from "../doors/fetch/resume.js";
import type { Gateway } from "../gateway/gateway-handle.js";
import { keptBytesMax } from "../gateway/repeats.js";
import type { UpstreamCore } from "../gateway/upstream.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import { type FetchAsk, fetchTransport } from "../transports/fetch.js";
import { type FetchFunction, knownFetch } from "../transports/fetch-function.js";
import { isFetchDispatcher } from "../transports/fetch-handler.js";

export type { GatewayCallOptions, GatewayFetchOptions } from "../doors/fetch/fetch-options.js";

/** The init of the global fetch, with gateway settings for this call. */
export interface GatewayFetchInit extends RequestInit {
  readonly gateway?: GatewayCallOptions;
}

/** The global fetch, through a gateway. */
export type GatewayFetch = (
  input: string | URL | Request,
  init?: GatewayFetchInit | null,
) => Promise<Response>;

const fetchAtLoad = globalThis.fetch;
const ours = new WeakSet<object>();

/**
 * Creates a fetch function. For an upstream, a path goes to one of its targets, and an absolute URL
 * must have the origin of one. For a gateway, URLs are absolute and every origin has an upstream,
 * created on first use if none is configured.
 *
 * Redirects are followed as by fetch, each as a separate call: to the same upstream, or to that of
 * the other origin, within the deadline and the limits of the first.
 */
export function gatewayFetch(
  handle: Upstream | Gateway,
  options: GatewayFetchOptions = {},
): GatewayFetch {
  const read = readFetchOptions(options);
  const { fetch: given, onFailure, overrides: settings } = read;
  const route = fetchRouter(handle);
  const perform = performer();
  const fetchOf = (): FetchFunction => {
    if (given !== null) return given;
    // A global fetch that was replaced by ours ends up here again; then it goes to the wire.
    return ours.has(globalThis.fetch) ? fetchAtLoad : globalThis.fetch;
  };
  const begin = (
    input: string | URL | Request,
    init: FetchInit | null | undefined,
    as: CallMark | null = null,
  ): Promise<Response> => {
    const asked = readFetchArguments(input, init);
    const to = route(asked);
    if (to === null) return fetchOf()(input, init as RequestInit);
    if (asked.signal?.aborted === true) {
      dropBody(asked, asked.signal.reason);
      throw asked.signal.reason;
    }
    const fetch = fetchOf();
    const known = knownFetch(fetch);
    const { overrides, replayable, resume } = readCallOptions(init?.["gateway"]);
    if (as === null && (resume ?? read.resume) && isResumable(asked)) {
      return beginResumed(begin, input, init, asked, to.gateway.newRequestId());
    }
    const kept = keptBytesMax(to.core.options);
    // Written out: two that are spread into one cost 0.9 KB.
    const parts = {
      perform,
      onFailure,
      fetch,
      known,
      asked,
      replayable,
      route: to,
      as: as ?? FETCH,
      overrides: mergeOverrides(settings, overrides),
    };
    const send = (body: FetchInput): Promise<Response> => new FetchCall(parts, body).begin();
    const body = fetchInput(asked, known, to.gateway.clock, kept);
    return body instanceof Promise ? body.then(send) : send(body);
  };
  // With the name and length of the global fetch, which some code checks.
  const call: GatewayFetch = async function fetch(input, init = undefined) {
    if (isFetchDispatcher((init as FetchInit | null | undefined)?.["dispatcher"])) {
      return fetchAtLoad(input, init as RequestInit);
    }
    try {
      return await begin(input, init as FetchInit | null | undefined);
    } catch (error) {
      if (isGatewayError(error)) Error.captureStackTrace(error, call);
      throw error;
    }
  };
  ours.add(call);
  return call;
}

const FETCH: CallMark = { kind: "fetch" };

type Begin = (
  input: string | URL | Request,
  init: FetchInit | null | undefined,
  as: CallMark,
) => Promise<Response>;

/** By itself, since a function that makes another one prepares for it in every call. */
async function beginResumed(
  begin: Begin,
  input: string | URL | Request,
  init: FetchInit | null | undefined,
  { headers }: FetchArguments,
  id: string,
): Promise<Response> {
  const ask = async (kind: CallMark["kind"], fields: Readonly<Record<string, string>>) => {
    const all = new Headers(headers);
    for (const [name, value] of Object.entries(fields)) all.set(name, value);
    return begin(input, { ...init, headers: all } as FetchInit, { kind, id });
  };
  // Ranges count bytes that are not compressed; with a Range, a fetch itself asks for these.
  const plain = headers.has("accept-encoding") ? {} : { "accept-encoding": "identity" };
  const response = await ask("fetch", plain);
  return resumed(response, (fields) => ask("resumed", fields));
}

/** One pipe per upstream, over the transport that calls fetch functions. */
function performer(): Perform {
  const steps = new WeakMap<UpstreamCore, ReturnType<typeof stepOf>>();
  const stepOf = (core: UpstreamCore) =>
    core.executeOver((of) =>
      fetchTransport({
        wire: of.transport,
        askOf: (call) => (call.request as FetchRequest).ask as FetchAsk,
      }),
    );
  return (core, call) => {
    let step = steps.get(core);
    if (step === undefined) {
      step = stepOf(core);
      steps.set(core, step);
    }
    return step(call);
  };
}
