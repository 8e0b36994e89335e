/**
 * What a dispatcher of undici is asked for, as a call: through the pipe of the upstream that serves
 * its origin, and then to the dispatcher that the interceptor is composed around.
 *
 * Guarantee: what lies beneath sees the request in the form it came in, but for what the gateway
 * changes: target, prefix and fields of its own. The path is never read as an address.
 */
import { isIP } from "node:net";
import type { Call } from "../core/call.js";
import { hasField } from "../core/fields.js";
import { type Outcome, whenOver } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { PipeStep } from "../core/pipe.js";
import type { GatewayRequest } from "../core/request.js";
import type { ResponseBody } from "../core/response-body.js";
import { OwnScope } from "../gateway/call-scope.js";
import type { GatewayCore } from "../gateway/core.js";
import { keptBytesMax } from "../gateway/repeats.js";
import type { UpstreamCore } from "../gateway/upstream.js";
import type { Exchange } from "../targets/exchange.js";
import { originAt } from "../targets/target.js";
import { type Dispatch, DispatchRun } from "../transports/dispatch-run.js";
import { fetchHandler } from "../transports/fetch-handler.js";
import { permittedAddress } from "../transports/permitted-address.js";
import {
  type DispatchBody,
  DispatchDelivery,
  dispatchBody,
  fieldsWith,
  lastingFields,
  textFields,
} from "./dispatch-words.js";

/** What undici's dispatch functions take; everything else is passed on as it is. */
export interface DispatchAsked {
  readonly origin: string | URL;
  readonly path: string;
  readonly method: string;
  readonly headers?: unknown;
  readonly body?: unknown;
}

/** Where the calls of one interceptor go. */
export type DispatchSteps = (core: UpstreamCore) => PipeStep<Call, ResponseBody>;

interface DispatchedCall {
  readonly options: DispatchAsked;
  readonly headers: unknown;
  readonly body: DispatchBody;
  readonly dispatch: Dispatch;
  /** What the dispatcher says of itself; the caller has the same object. */
  readonly context: object;
}

/** By request: a call that goes to another upstream takes it along. */
const asks = new WeakMap<GatewayRequest, DispatchedCall>();

/** One pipe for each upstream, over the dispatcher that a call has brought. */
export function dispatchSteps(): DispatchSteps {
  const steps = new WeakMap<UpstreamCore, PipeStep<Call, ResponseBody>>();
  return (core) => {
    let step = steps.get(core);
    if (step === undefined) {
      step = core.executeOver((of) => (exchange) => perform(of, exchange));
      steps.set(core, step);
    }
    return step;
  };
}

function perform(core: UpstreamCore, exchange: Exchange): Promise<Outcome<ResponseBody>> {
  const asked = asks.get(exchange.call.request) as DispatchedCall;
  const { target } = exchange;
  // Only we can reach what an address cannot say.
  if (target.socketPath !== null || target.tls !== null) {
    const words = () => wordsOf(core, exchange, asked, null) as OwnWords;
    return core.transport.performWorded(exchange, words);
  }
  const run = new DispatchRun(exchange, core.transport.terms, asked.context);
  const { guard } = target;
  const send = (address: string | null): void => {
    const looksUp = address === null && isIP(target.hostname) === 0;
    run.send(asked.dispatch, wordsOf(core, exchange, asked, address), looksUp ? guard : null);
  };
  if (!guard) return run.begin(() => send(null));
  return run.begin(() => {
    permittedAddress(guard, target.hostname, exchange.attempt.number, (error, address) => {
      if (error === null) send(address);
      else run.fail(error);
    });
  });
}

type OwnWords = ReturnType<Parameters<UpstreamCore["transport"]["performWorded"]>[1]>;

/** Options for one attempt; `address` stands for the name of the target. */
function wordsOf(
  core: UpstreamCore,
  exchange: Exchange,
  asked: DispatchedCall,
  address: string | null,
) {
  const { options, body } = asked;
  const { request, target } = exchange;
  const { authority, hostname, pathPrefix } = target;
  const added = [...(core.transport.fieldsOf(exchange) ?? [])];
  // RFC 9110 §7.2: a target may go by another name than its address.
  const named = new URL(originAt(target, address ?? target.hostname));
  if (authority !== named.host && !hasField(request.headers, "host")) {
    added.push("host", authority);
  }
  const sent = body.give();
  return {
    ...options,
    ...(named.origin === originIn(options) ? {} : { origin: named.origin }),
    ...(address === null ? {} : { servername: hostname }),
    path: pathPrefix + request.path,
    headers: fieldsWith(asked.headers, added),
    body: sent,
    // A fetch whose dispatcher is a mock gives that the body twice; there must be one of it.
    ...(MOCKED_BODY in options ? { [MOCKED_BODY]: sent } : {}),
  };
}

const MOCKED_BODY = "__mockAgentBodyForDispatch";

function originIn({ origin }: DispatchAsked): string {
  return new URL(String(origin)).origin;
}

/** Sends what was asked for to the upstream of its origin. */
export function dispatchCall(
  gateway: GatewayCore,
  stepOf: DispatchSteps,
  options: DispatchAsked,
  handler: object,
  dispatch: Dispatch,
): void {
  const { core, path } = gateway.upstreamOf(originIn(options), options.path);
  const { limits } = core.options;
  const body = dispatchBody(options.body, keptBytesMax(core.options));
  const headers = lastingFields(options.headers);
  const bytesMax = limits.responseBodyBytesMax;
  const delivery = new DispatchDelivery(fetchHandler(handler), body, bytesMax);
  const request = requestOf(options, path, textFields(headers), body, delivery);
  const overrides = body.once ? ({ retry: false } as const) : null;
  const scope = new OwnScope({ gateway, core }, "fetch", request, overrides);
  const { call } = scope;
  asks.set(request, { options, headers, body, dispatch, context: delivery.context });
  const over = (): void => {
    body.close();
    scope.over();
  };
  delivery.begin(call);
  // A caller that gave it up before it began learns it by the outcome.
  Pending.of(stepOf(core)(call)).subscribe((outcome) => {
    delivery.deliver(outcome);
    whenOver(outcome, over);
  });
}

function requestOf(
  { method }: DispatchAsked,
  path: string,
  headers: readonly string[],
  { replay }: DispatchBody,
  delivery: DispatchDelivery,
): GatewayRequest {
  return {
    method,
    path,
    headers,
    body: replay,
    contentLength: replay?.complete === true ? replay.bytesRead : null,
    replayable: hasField(headers, "idempotency-key"),
    upgrade: null,
    onInformation: (status, rawHeaders) => delivery.information(status, rawHeaders),
  };
}
