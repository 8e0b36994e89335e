/**
 * `gatewayFetch`: a function with the signature of the global fetch that goes through the gateway.
 *
 * The Response is the built-in fetch's own. What fails rejects as a fetch does, with a TypeError
 * "fetch failed", which here also says what failed; the caller's own abort passes through
 * untouched.
 */
import type { Agent } from "undici";
import { onAbort } from "../base/abort.js";
import type { Call } from "../core/call.js";
import type { Outcome } from "../core/outcome.js";
import { joinContext } from "../core/request-context.js";
import { ownCallOver } from "../gateway/call-end.js";
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
  type ReadFetchOptions,
  readCallOptions,
  readFetchOptions,
} from "../gateway/fetch/fetch-options.js";
import { type FetchRoute, fetchRouter } from "../gateway/fetch/fetch-route.js";
import type { Gateway } from "../gateway/gateway.js";
import type { UpstreamCore } from "../gateway/upstream.js";
import type { Upstream } from "../gateway/upstream-handle.js";
import {
  type FetchAnswer,
  type FetchAsk,
  type FetchFunction,
  fetchTransport,
} from "../transports/fetch.js";
import { type FetchBody, fetchBody, requestBody } from "../transports/fetch-body.js";
import { isFetchDispatcher } from "../transports/fetch-dispatcher.js";
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
  return async (input, init) => {
    // A global fetch that was replaced by this very function leads back here; then it is the wire's
    // turn.
    if (isFetchDispatcher((init as FetchInit | undefined)?.["dispatcher"])) {
      return fetchAtLoad(input, init);
    }
    const asked = readFetchArguments(input, init as FetchInit | undefined);
    const to = route(asked);
    if (to === null) return fetchOf(settings)(input as string, init as RequestInit);
    asked.signal?.throwIfAborted();
    return callThrough(perform, settings, to, asked, init?.gateway);
  };
}

type Perform = (
  gateway: GatewayCore,
  core: UpstreamCore,
  call: Call,
  ask: FetchAsk,
) => Promise<Outcome<FetchAnswer>>;

/** One pipe for each upstream, over the transport that calls fetch functions. */
function performer(): Perform {
  const asks = new WeakMap<Call, FetchAsk>();
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
        askOf: (call) => asks.get(call) as FetchAsk,
      }),
    );
  return (gateway, core, call, ask) => {
    asks.set(call, ask);
    const step = steps.get(core) ?? stepOf(gateway, core);
    steps.set(core, step);
    return step(call);
  };
}

async function callThrough(
  perform: Perform,
  settings: ReadFetchOptions,
  { gateway, core, path }: FetchRoute,
  asked: FetchArguments,
  options: GatewayCallOptions | undefined,
): Promise<Response> {
  const { overrides, replayable } = readCallOptions(options);
  const { method, headers, signal } = asked;
  const { retry } = core.options;
  const kept = retry === false ? 0 : retry.replayBodyBytesMax;
  const body = asked.ofRequest
    ? await requestBody(gateway.clock, asked.body as ReadableStream<Uint8Array>, kept)
    : fetchBody(asked.body, kept);
  const request = {
    method,
    path,
    headers: [...headers].flat(),
    body: body.replay,
    contentLength: body.replay?.complete === true ? body.replay.bytesRead : null,
    replayable: replayable || headers.has("idempotency-key"),
    upgrade: null,
    onInformation: null,
  };
  const merged = mergeOverrides(settings.overrides, overrides);
  const call = core.newCall(request, gateway.newRequestId(), merged, null);
  const ask = askFor(settings, asked, body);
  const unlinkContext = joinContext(call);
  const unlink = onAbort(signal, (reason) => {
    ask.abort?.(reason);
    call.cancellation.cut("client");
  });
  const over = (): void => {
    unlink();
    unlinkContext();
    body.close();
    ownCallOver(gateway, core.name, "fetch", call);
  };
  const outcome = await perform(gateway, core, call, ask);
  if (outcome.kind !== "no_response") {
    call.answeredBy = "upstream";
    outcome.response.body.onBodyOver(over);
    return outcome.response.body.response;
  }
  over();
  if (call.cancellation.by === "client") signal?.throwIfAborted();
  if (ask.refusedBy !== null) throw ask.refusedBy.error;
  const cause = body.error ?? outcome.failure.cause;
  const failure = cause === undefined ? outcome.failure : { ...outcome.failure, cause };
  return failedFetch(gateway, call, failure, settings.onFailure);
}

function askFor(settings: ReadFetchOptions, asked: FetchArguments, body: FetchBody): FetchAsk {
  const { method, headers, init } = asked;
  return {
    fetch: fetchOf(settings),
    init(added) {
      const given = body.give();
      const sent = added === null ? headers : withFields(headers, added);
      return { ...init, method, headers: sent, ...(given === undefined ? {} : { body: given }) };
    },
    abort: null,
    refusedBy: null,
  };
}

function withFields(headers: Headers, added: readonly string[]): Headers {
  const sent = new Headers(headers);
  for (let index = 0; index < added.length; index += 2) {
    sent.set(added[index] as string, added[index + 1] as string);
  }
  return sent;
}

function fetchOf({ fetch: given }: ReadFetchOptions): FetchFunction {
  return given ?? globalThis.fetch;
}
