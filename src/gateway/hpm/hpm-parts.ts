/**
 * What requests and upgrades that http-proxy-middleware has routed have in common: their way to a
 * lane, what the engine is given, and who is notified of what it reports.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { type Failure, GatewayError } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import { pathBelow } from "../../core/request.js";
import type { ForeignRun } from "../../transports/foreign-run.js";
import type { SendableTarget } from "../../wire/request-target.js";
import { askToAdmit, type Refused } from "../admit.js";
import type { Lane, LaneRoute, Lanes } from "./hpm-lane.js";
import type { HpmErrorHandler, ThroughGatewayOptions } from "./hpm-options.js";
import type { Routing } from "./hpm-routing.js";
import { engineAgent, engineLookup, engineTarget, failureBehind } from "./hpm-words.js";

/** The options of one request, as http-proxy-middleware hands them to its engine. */
export interface HpmAsked {
  readonly target?: unknown;
  readonly prependPath?: boolean;
  readonly ignorePath?: boolean;
  readonly toProxy?: boolean;
  readonly changeOrigin?: boolean;
  readonly selfHandleResponse?: boolean;
  readonly agent?: unknown;
  readonly ssl?: object;
}

export interface HpmParts {
  readonly lanes: Lanes;
  readonly routing: Routing;
  readonly options: ThroughGatewayOptions;
  readonly onError: HpmErrorHandler | null;
  /** Who has to do with a request, or with the tunnel that it has become. */
  readonly engaged: WeakMap<object, Engaged>;
}

/** What the engine does for one request, as it reports it. */
export interface Engaged {
  /** It has made a request, which the hooks see next. */
  making(request: ClientRequest): void;
  /** They have seen it; nothing of it has been written, unless by them. */
  made(request: ClientRequest): void;
  failed(error: unknown): void;
  /** A hook has thrown. */
  fault(error: unknown): void;
}

export type Engine = (options: object) => unknown;

/** What is asked for, and whether it may be: calls back with where it leads, or why nowhere. */
export function findRoute(
  { lanes, routing, options }: HpmParts,
  req: IncomingMessage,
  asked: HpmAsked,
  found: (route: LaneRoute | Refused) => void,
): void {
  const target = routing.targetOf(req);
  const { newRequestId } = lanes.own.gateway;
  const decided = (refused: Refused | null): void => {
    if (refused !== null) found(refused);
    else if ("failure" in target) found({ failure: target.failure, id: newRequestId() });
    else found(routeOf(lanes, target, asked));
  };
  if (options.admit === undefined) decided(null);
  else askToAdmit(options.admit, req, target, newRequestId, decided);
}

function routeOf(lanes: Lanes, target: SendableTarget, asked: HpmAsked): LaneRoute | Refused {
  try {
    return lanes.find(asked.target, target, asked.prependPath !== false);
  } catch (error) {
    return { failure: failureBehind(error), id: lanes.own.gateway.newRequestId() };
  }
}

/** The request is with the engine, and cannot be sent again. */
export const ONCE = { retry: false } as const;

/** What is sent beside the request's own fields. */
export function withAttempt({ core }: Lane, { exchange }: ForeignRun): readonly string[] {
  const added = core.transport.fieldsOf(exchange);
  return added === null ? exchange.request.headers : [...exchange.request.headers, ...added];
}

/** The options of the user, with the chosen target in place. */
export function engineOptions(asked: HpmAsked, run: ForeignRun): object {
  const { target } = run.exchange;
  const agent = asked.agent ?? engineAgent(target);
  const lookup = engineLookup(target);
  return {
    ...asked,
    target: engineTarget(target),
    // Both are in the fields already.
    changeOrigin: false,
    xfwd: false,
    ...(agent === null ? {} : { agent }),
    // What both engines begin the options of their request with.
    ...(lookup === null ? {} : { ssl: { ...asked.ssl, lookup } }),
  };
}

/** Path and host as they were asked for and configured: engines word them anew. */
export function setWords(request: ClientRequest, { exchange }: ForeignRun, asked: HpmAsked): void {
  const { target } = exchange;
  // What logs make an address of; only version 4 leaves the brackets of a URL there.
  request.host = target.hostname;
  // Version 3 loses it where it copies the fields.
  const { headers } = exchange.request;
  const at = headers.findIndex((name, index) => index % 2 === 0 && name === "__proto__");
  if (at !== -1) request.setHeader("__proto__", headers[at + 1] as string);
  if (asked.ignorePath === true || asked.toProxy === true) return;
  request.path = pathBelow(target.pathPrefix, exchange.request);
}

/** What the engine throws while it reads an answer is about what the upstream has sent. */
export function misread(cause: unknown): NamedError {
  return new NamedError("http_protocol_error", undefined, cause);
}

/** Tells the user's own `on.error`, which may answer instead of the gateway. */
export function tellUser(
  { onError }: Pick<HpmParts, "onError">,
  failure: Failure,
  req: IncomingMessage,
  res: unknown,
): void {
  if (onError === null || failure.code === "client_closed_request") return;
  const { cause, target } = failure;
  const known = cause instanceof Error && !(cause instanceof NamedError);
  const error = known ? cause : new GatewayError("the call failed", failure, 0);
  const threw = (thrown: unknown): void => warnOfHook("on.error threw", thrown);
  try {
    Object.assign(error, { failure });
    const url = target !== undefined && URL.canParse(target) ? new URL(target) : undefined;
    const told: unknown = onError(error, req, res, url);
    if (told instanceof Promise) told.catch(threw);
  } catch (thrown) {
    threw(thrown);
  }
}

/** For what a hook throws when there is no answer left that could say so. */
export function warnOfHook(what: string, thrown: unknown): void {
  process.emitWarning(what, { code: "GOOD_GATEWAY_HOOK", detail: String(thrown) });
}
