/**
 * `gatewayFetch`: a function with the signature of the global fetch that goes through the gateway.
 *
 * The Response is the built-in fetch's own. What fails rejects as a fetch does, with a TypeError
 * "fetch failed", which here also says what failed; the caller's own abort passes through
 * untouched.
 */
import type { Agent } from "undici";
import { onAbort } from "../base/abort.js";
import type { Call, CallOverrides } from "../core/call.js";
import type { Outcome } from "../core/outcome.js";
import type { ReplayBody } from "../core/replay-body.js";
import type { GatewayRequest } from "../core/request.js";
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
  type AddedInit,
  type FetchAsk,
  type FetchFunction,
  fetchTransport,
} from "../transports/fetch.js";
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
  const usual = mergeOverrides(settings.overrides, {});
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
    const call = readCallOptions(init?.gateway);
    const overrides =
      init?.gateway === undefined ? usual : mergeOverrides(settings.overrides, call.overrides);
    const { retry } = to.core.options;
    const kept = retry === false ? 0 : retry.replayBodyBytesMax;
    const body = asked.ofRequest
      ? await requestBody(to.gateway.clock, asked.body as ReadableStream<Uint8Array>, kept)
      : fetchBody(asked.body, kept);
    const request = new FetchRequest(fetchOf(settings), asked, body, to.path, call.replayable);
    return callThrough(perform, settings, to, request, overrides);
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
  const call = core.newCall(request, gateway.newRequestId(), overrides, null);
  const unlinkContext = joinContext(call);
  const unlink = onAbort(signal, (reason) => {
    request.abort?.(reason);
    call.cancellation.cut("client");
  });
  const over = (): void => {
    unlink();
    unlinkContext();
    sent.close();
    ownCallOver(gateway, core.name, "fetch", call);
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
  return perform(gateway, core, call).then(responseOf);
}

/** The request of a call, and what each of its attempts asks its fetch function for. */
class FetchRequest implements GatewayRequest, FetchAsk {
  readonly fetch: FetchFunction;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: ReplayBody | null;
  readonly contentLength: number | null;
  readonly replayable: boolean;
  readonly upgrade = null;
  readonly onInformation = null;
  readonly sent: FetchBody;
  abort: ((reason: unknown) => void) | null = null;
  refusedBy: { readonly error: unknown } | null = null;
  readonly #asked: FetchArguments;

  constructor(
    fetch: FetchFunction,
    asked: FetchArguments,
    body: FetchBody,
    path: string,
    replayable: boolean,
  ) {
    const { replay } = body;
    this.fetch = fetch;
    this.method = asked.method;
    this.path = path;
    this.headers = asked.fields;
    this.body = replay;
    this.contentLength = replay?.complete === true ? replay.bytesRead : null;
    this.replayable = replayable || asked.headers.has("idempotency-key");
    this.sent = body;
    this.#asked = asked;
  }

  get signal(): AbortSignal | undefined {
    return this.#asked.signal;
  }

  get hasSignal(): boolean {
    return this.#asked.signal !== undefined;
  }

  init(fields: readonly string[] | null, added: AddedInit): RequestInit {
    const { method, headers, init } = this.#asked;
    const given = this.sent.give();
    const all = fields === null ? headers : withFields(headers, fields);
    const body = given === undefined ? null : { body: given };
    return { ...init, method, headers: all, ...body, ...added } as object;
  }
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
