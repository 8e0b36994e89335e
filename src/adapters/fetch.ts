/**
 * `gatewayFetch`: a function with the signature of the global fetch that goes through the gateway.
 *
 * The Response is the built-in fetch's own. What fails rejects as a fetch does, with a TypeError
 * "fetch failed", which here also says what failed; the caller's own abort passes through
 * untouched.
 */
import type { Agent } from "undici";
import type { Call, CallOverrides } from "../core/call.js";
import type { Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import { OwnScope } from "../gateway/call-scope.js";
import type { GatewayCore } from "../gateway/core.js";
import {
  type FetchArguments,
  type FetchInit,
  readFetchArguments,
} from "../gateway/fetch/fetch-arguments.js";
import { failedFetch } from "../gateway/fetch/fetch-failure.js";
import {
  type GatewayCallOptions,
  type GatewayFetchOptions,
  mergeOverrides,
  type ReadCallOptions,
  type ReadFetchOptions,
  readCallOptions,
  readFetchOptions,
} from "../gateway/fetch/fetch-options.js";
import { FetchRequest } from "../gateway/fetch/fetch-request.js";
import { type FetchRoute, fetchRouter } from "../gateway/fetch/fetch-route.js";
import type { Gateway } from "../gateway/gateway.js";
import type { UpstreamCore } from "../gateway/upstream.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import { type FetchFunction, fetchTransport } from "../transports/fetch.js";
import { type FetchBody, fetchBody, requestBody } from "../transports/fetch-body.js";
import { isFetchDispatcher } from "../transports/fetch-dispatcher.js";
import type { FetchAnswer } from "../transports/fetched-response.js";
import { guardedAgent } from "../transports/guarded-agent.js";

export type { GatewayCallOptions, GatewayFetchOptions } from "../gateway/fetch/fetch-options.js";

/** The init of the global fetch, with settings of the gateway for this call. */
export interface GatewayFetchInit extends RequestInit {
  readonly gateway?: GatewayCallOptions;
}

/** The global fetch, through a gateway. */
export type GatewayFetch = (
  input: string | URL | Request,
  init?: GatewayFetchInit,
) => Promise<Response>;

const fetchAtLoad = globalThis.fetch;

/**
 * Makes a fetch. Given an upstream, a path leads to one of its targets, and an absolute address
 * must be at the origin of one. Given a gateway, addresses are absolute and every origin has an
 * upstream, made on first use where none is configured.
 *
 * Redirects are followed as a fetch does; to an origin that is no target of the upstream they go
 * directly, outside of all policies.
 */
export function gatewayFetch(
  handle: Upstream | Gateway,
  options: GatewayFetchOptions = {},
): GatewayFetch {
  const settings = readFetchOptions(options);
  const route = fetchRouter(handle);
  const perform = performer();
  const send = (to: FetchRoute, asked: FetchArguments, own: ReadCallOptions, body: FetchBody) => {
    const request = new FetchRequest(fetchOf(settings), asked, body, to.path, own.replayable);
    const overrides = mergeOverrides(settings.overrides, own.overrides);
    return callThrough(perform, settings, to, request, overrides);
  };
  const begin = (asked: FetchArguments, given: unknown): Promise<Response> | null => {
    const to = route(asked);
    if (to === null) return null;
    asked.signal?.throwIfAborted();
    const own = readCallOptions(given);
    const { retry } = to.core.options;
    const kept = retry === false ? 0 : retry.replayBodyBytesMax;
    if (!asked.ofRequest) return send(to, asked, own, fetchBody(asked.body, kept));
    const stream = asked.body as ReadableStream<Uint8Array>;
    return requestBody(to.gateway.clock, stream, kept).then((body) => send(to, asked, own, body));
  };
  return (input, init) => {
    // A global fetch that was replaced by this very function leads back here; then it is the wire's
    // turn.
    if (isFetchDispatcher((init as FetchInit | undefined)?.["dispatcher"])) {
      return fetchAtLoad(input, init);
    }
    try {
      const asked = readFetchArguments(input, init as FetchInit | undefined);
      return begin(asked, init?.gateway) ?? fetchOf(settings)(input as string, init as RequestInit);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

type Perform = (
  gateway: GatewayCore,
  core: UpstreamCore,
  call: Call,
) => Promise<Outcome<FetchAnswer>>;

/** One pipe for each upstream, over the transport that calls fetch functions. */
function performer(): Perform {
  const steps = new WeakMap<UpstreamCore, ReturnType<typeof stepOf>>();
  let agent: Agent | null = null;
  const agentFor = (guard: GatewayCore["foreign"]): Agent => {
    agent ??= guardedAgent(guard);
    return agent;
  };
  const stepOf = ({ clock, foreign }: GatewayCore, core: UpstreamCore) =>
    core.executeOver(
      fetchTransport({
        clock,
        wire: core.transport,
        elsewhere: () => agentFor(foreign),
        askOf: (call) => call.request as FetchRequest,
      }),
    );
  return (gateway, core, call) => {
    let step = steps.get(core);
    if (step === undefined) {
      step = stepOf(gateway, core);
      steps.set(core, step);
    }
    return step(call);
  };
}

function callThrough(
  perform: Perform,
  { onFailure }: ReadFetchOptions,
  { gateway, core }: FetchRoute,
  request: FetchRequest,
  overrides: CallOverrides | null,
): Promise<Response> {
  const { signal, sent } = request;
  const onAbort = (reason: unknown): void => request.abort?.(reason);
  const scope = new OwnScope({ gateway, core }, "fetch", request, overrides, { signal, onAbort });
  const { call } = scope;
  const over = (): void => {
    sent.close();
    scope.over();
  };
  const responseOf = (outcome: Outcome<FetchAnswer>): Response => {
    if (outcome.kind !== "no_response") {
      call.answeredBy = "upstream";
      outcome.response.body.onBodyOver(over);
      return outcome.response.body.response;
    }
    over();
    if (call.cancellation.by === "client") signal?.throwIfAborted();
    if (request.refusedBy !== null) throw request.refusedBy.error;
    const cause = sent.error ?? outcome.failure.cause;
    const failure = cause === undefined ? outcome.failure : { ...outcome.failure, cause };
    return failedFetch(gateway, call, failure, onFailure);
  };
  return new Promise((resolve, reject) => {
    Pending.of(perform(gateway, core, call)).tell((outcome) => {
      try {
        resolve(responseOf(outcome));
      } catch (error) {
        reject(error);
      }
    });
  });
}

function fetchOf({ fetch: given }: ReadFetchOptions): FetchFunction {
  return given ?? globalThis.fetch;
}
