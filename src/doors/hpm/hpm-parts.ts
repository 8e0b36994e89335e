/**
 * What requests and upgrades that http-proxy-middleware has routed have in common: their way to an
 * upstream (a lane: its pipe, at whose end the engine sends), what the engine is given, and who is
 * notified of what it reports.
 *
 * The handle that the user gave is one lane; a `router` may lead to others. The application's own
 * functions are contained: one that throws fails its request and no other.
 */
import type { ClientRequest, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Call, CallOverrides } from "../../core/call.js";
import { type Failure, GatewayError } from "../../core/failure.js";
import { NamedError } from "../../core/named-error.js";
import type { Pending } from "../../core/pending.js";
import { pathBelow } from "../../core/request.js";
import type { ResponseBody } from "../../core/response-body.js";
import type { UpstreamCore } from "../../gateway/upstream.js";
import { isUpstream, upstreamInside } from "../../gateway/upstream-handle.js";
import type { UpstreamInside } from "../../gateway/upstream-inside.js";
import { originAt } from "../../targets/target.js";
import type { RunTerms } from "../../transports/engine-run.js";
import { ForeignRun, type ForeignSide } from "../../transports/foreign-run.js";
import {
  type ReadTarget,
  readPlainTarget,
  rewrittenPath,
  type SendableTarget,
} from "../../wire/request-target.js";
import { askToEnter, type Refused } from "../admit.js";
import { answeringFor } from "../answer.js";
import { readingFor } from "../proxy.js";
import type { UpgradeWay } from "../proxy-upgrade.js";
import { engineAgent, engineLookup, failureBehind } from "./hpm-headers.js";
import {
  type HpmErrorHandler,
  type HpmOptions,
  NO_TARGET,
  type ThroughGatewayOptions,
} from "./hpm-options.js";
import { refuseOthers } from "./hpm-refusals.js";

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
  found: (route: FoundRoute | Refused) => void,
): void {
  const target = routing.targetOf(req);
  const { newRequestId } = lanes.own.gateway;
  askToEnter(options, req, target, newRequestId, (refused, overrides, fields) => {
    if (refused !== null) found(refused);
    else if ("failure" in target) found({ failure: target.failure, id: newRequestId() });
    else found(routeOf(lanes, target, asked, { overrides: { ...overrides, ...ONCE }, fields }));
  });
}

function routeOf(
  lanes: Lanes,
  target: SendableTarget,
  asked: HpmAsked,
  entry: Pick<FoundRoute, "overrides" | "fields">,
): FoundRoute | Refused {
  try {
    return { ...lanes.find(asked.target, target, asked.prependPath !== false), ...entry };
  } catch (error) {
    return { failure: failureBehind(error), id: lanes.own.gateway.newRequestId() };
  }
}

/** The request is with the engine, and cannot be sent again. */
const ONCE = { retry: false } as const;

/** The options of the user, with the chosen target in place. */
export function engineOptions({ terms }: Lane, asked: HpmAsked, run: ForeignRun): object {
  const { target } = run.exchange;
  const agent = asked.agent ?? engineAgent(target);
  const lookup = engineLookup(target);
  const { responseHeaderSectionBytesMax, trailerSectionBytesMax } = terms.limits;
  return {
    ...asked,
    target: originAt(target) + target.pathPrefix,
    // Both are in the fields already.
    changeOrigin: false,
    xfwd: false,
    ...(agent === null ? {} : { agent }),
    // What both engines begin the options of their request with.
    ssl: {
      // Node takes 16 KiB by default. The sizes themselves are checked when all of it is here.
      maxHeaderSize: responseHeaderSectionBytesMax + trailerSectionBytesMax,
      ...asked.ssl,
      ...(lookup === null ? {} : { lookup }),
    },
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
  // Behind it, as in answers (`lengthLast`): else Node makes other bytes of the field.
  const length = request.getHeader("content-length");
  if (length !== undefined && request.hasHeader("content-disposition")) {
    request.removeHeader("content-length");
    request.setHeader("content-length", length);
  }
  if (asked.ignorePath === true || asked.toProxy === true) return;
  request.path = pathBelow(target.pathPrefix, exchange.request);
}

/** What the engine throws while it reads an answer is about what the upstream has sent. */
export function misread(cause: unknown): NamedError {
  return new NamedError("http_protocol_error", undefined, cause);
}

/** Calls the user's own `on.error`, which may answer instead of the gateway. */
export function notifyUser(
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
    const answered: unknown = onError(error, req, res, url);
    if (answered instanceof Promise) answered.catch(threw);
  } catch (thrown) {
    threw(thrown);
  }
}

/** For what a hook throws when there is no answer left that could say so. */
export function warnOfHook(what: string, thrown: unknown): void {
  process.emitWarning(what, { code: "GOOD_GATEWAY_HOOK", detail: String(thrown) });
}

type Hook = (...args: unknown[]) => unknown;

export interface Routing {
  /** In place of those that were given. */
  readonly options: Pick<HpmOptions, "pathFilter" | "pathRewrite" | "router">;
  /** What a request asks for, rewritten, or what a function has failed with. */
  targetOf(req: IncomingMessage): ReadTarget;
}

export function createRouting({ pathFilter, pathRewrite, router }: HpmOptions): Routing {
  const failures = new WeakMap<IncomingMessage, Failure>();
  const targets = new WeakMap<IncomingMessage, ReadTarget>();
  const failed = (req: IncomingMessage, error: unknown): void => {
    if (!failures.has(req)) failures.set(req, failureBehind(error));
  };
  const guarded = (hook: Hook, req: IncomingMessage, args: readonly unknown[]): unknown => {
    try {
      const result = hook(...args);
      if (result instanceof Promise) return result.catch((error: unknown) => failed(req, error));
      return result;
    } catch (error) {
      return failed(req, error);
    }
  };
  const filter = (path: unknown, req: IncomingMessage): unknown => {
    const passes = guarded(pathFilter as Hook, req, [path, req]);
    // It is ours to answer what it could not decide.
    return failures.has(req) || passes;
  };
  const route = async (req: IncomingMessage, ...more: unknown[]): Promise<unknown> => {
    const to = await guarded(router as Hook, req, [req, ...more]);
    if (typeof to !== "string" || URL.canParse(to)) return to;
    return failed(req, new NamedError("proxy_configuration_error", "the router gave no address"));
  };
  const rewrite = rewriterOf(pathRewrite);
  const rewriting = async (url: string, req: IncomingMessage, ...more: unknown[]) => {
    // In origin-form before the hook sees it; the authority stands in the place of Host.
    const target = readPlainTarget(req, url);
    targets.set(req, target);
    if ("failure" in target) return;
    const { path } = target;
    const result = await guarded(rewrite as Hook, req, [path, req, ...more]);
    if (typeof result !== "string") return;
    const sentPath = rewrittenPath(path, result);
    if (typeof sentPath !== "string") {
      targets.set(req, sentPath);
      return;
    }
    targets.set(req, { path, sentPath, bare: target.bare && sentPath === path });
    return sentPath;
  };
  return {
    options: {
      ...(typeof pathFilter === "function" ? { pathFilter: filter } : {}),
      ...(rewrite === null ? {} : { pathRewrite: rewriting }),
      ...(typeof router === "function" ? { router: route } : {}),
    },
    targetOf(req) {
      const failure = failures.get(req);
      if (failure !== undefined) return { failure };
      return targets.get(req) ?? readPlainTarget(req, req.url as string);
    },
  };
}

/** A table as the function that it stands for; null for what is left to http-proxy-middleware. */
function rewriterOf(given: unknown): Hook | null {
  if (typeof given === "function") return given as Hook;
  const rules = isTable(given) ? Object.entries(given) : [];
  if (rules.length === 0) return null;
  const table = rules.map(([pattern, to]) => [new RegExp(pattern), to as string] as const);
  return (path) => {
    const rule = table.find(([pattern]) => pattern.test(path as string));
    return rule === undefined ? path : (path as string).replace(...rule);
  };
}

function isTable(given: unknown): given is object {
  if (typeof given !== "object" || given === null) return false;
  const prototype: unknown = Object.getPrototypeOf(given);
  return prototype === Object.prototype || prototype === null;
}

/** How the engine sends one call. */
export interface Job {
  readonly side: ForeignSide;
  send(run: ForeignRun): void;
}

export interface Lane extends UpgradeWay {
  readonly terms: RunTerms;
  /** Takes the call through the pipe; the job is done where its exchange is to be performed. */
  execute(call: Call, job: Job): Pending<ResponseBody>;
}

export interface LaneRoute {
  readonly lane: Lane;
  /** What is asked for, below the prefix of the targets. */
  readonly target: SendableTarget;
}

/** The same, with what is set for the request. */
export interface FoundRoute extends LaneRoute {
  readonly overrides: CallOverrides;
  /** For the answer, names and values in turn. */
  readonly fields: readonly string[] | null;
}

export interface Lanes {
  /** That of the handle which the user gave. */
  readonly own: Lane;
  /** That of a request, by what a `router` has said. Throws for what leads nowhere. */
  find(asked: unknown, target: SendableTarget, prepend: boolean): LaneRoute;
}

export function createLanes(own: UpstreamInside, options: ThroughGatewayOptions): Lanes {
  const lanes = new WeakMap<UpstreamCore, Lane>();
  const laneOf = (inside: UpstreamInside): Lane => {
    const known = lanes.get(inside.core);
    if (known !== undefined) return known;
    const lane = createLane(inside, options);
    lanes.set(inside.core, lane);
    return lane;
  };
  const ownLane = laneOf(own);
  const find: Lanes["find"] = (asked, target, prepend) => {
    if (asked === NO_TARGET) return { lane: ownLane, target };
    if (isUpstream(asked)) return { lane: laneOf(upstreamInside(asked)), target };
    const url = addressOf(asked);
    const prefix = prepend ? url.pathname.replace(/\/+$/, "") : "";
    // For the whole server no path is asked for, and none is sent.
    const whole = target.sentPath === "*";
    const { gateway } = own;
    const route = gateway.upstreamOf(url.origin, prefix + (whole ? "/" : target.sentPath));
    const below = whole ? target : { ...target, sentPath: route.path };
    return { lane: laneOf({ gateway, core: route.core }), target: below };
  };
  return { own: ownLane, find };
}

/** What Node's client keeps of an answer's fields; more than these are lost without a word. */
const NODE_FIELDS_MAX = 1_000;

function createLane(inside: UpstreamInside, options: ThroughGatewayOptions): Lane {
  refuseOthers(inside.core);
  const { gateway, core } = inside;
  const jobs = new WeakMap<Call, Job>();
  const { limits } = core.transport.terms;
  const responseHeadersCountMax = Math.min(limits.responseHeadersCountMax, NODE_FIELDS_MAX - 1);
  const terms = { ...core.transport.terms, limits: { ...limits, responseHeadersCountMax } };
  const step = core.executeOver((of) => {
    if (of !== core) return null;
    return (exchange) => {
      const job = jobs.get(exchange.call) as Job;
      const run = new ForeignRun(gateway.clock, terms, exchange, job.side);
      return run.begin(() => job.send(run));
    };
  });
  return {
    ...inside,
    terms,
    reading: readingFor(inside, options),
    answer: answeringFor(inside, options),
    execute(call, job) {
      jobs.set(call, job);
      return step(call) as Pending<ResponseBody>;
    },
  };
}

interface AddressParts {
  readonly protocol?: string | null;
  readonly host?: string | null;
  readonly hostname?: string | null;
  readonly port?: string | number | null;
  readonly path?: string | null;
  readonly pathname?: string | null;
}

/** What a `router` gives, in all the forms that http-proxy-middleware takes. */
function addressOf(asked: unknown): URL {
  const text = typeof asked === "string" || asked instanceof URL ? String(asked) : textOf(asked);
  // An upgrade begins as a request of HTTP.
  const url = URL.canParse(text) ? new URL(text.replace(/^ws/i, "http")) : null;
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  const why = "the router gave neither an upstream nor an address";
  throw new NamedError("proxy_configuration_error", why);
}

function textOf(asked: unknown): string {
  const { protocol, host, hostname, port, path, pathname } = Object(asked) as AddressParts;
  const name = hostname ?? host;
  if (typeof name !== "string") return "";
  const bracketed = isIP(name) === 6 ? `[${name}]` : name;
  const at = port === undefined || port === null || port === "" ? "" : `:${port}`;
  return `${protocol ?? "http:"}//${bracketed}${at}${pathname ?? path ?? ""}`;
}
