/**
 * One upstream as http-proxy-middleware reaches it: its pipe, at whose end the engine sends the
 * request instead of our own transport.
 *
 * The handle that the user gave is one lane; a `router` may lead to others: to the upstream of a
 * handle, or to the one that serves an address.
 */
import { isIP } from "node:net";
import type { Call } from "../../core/call.js";
import { NamedError } from "../../core/named-error.js";
import type { Pending } from "../../core/pending.js";
import type { ResponseBody } from "../../core/response-body.js";
import { ForeignRun, type ForeignSide } from "../../transports/foreign-run.js";
import type { ReadRequestOptions } from "../../wire/read-request.js";
import type { SendableTarget } from "../../wire/request-target.js";
import { type Answering, answeringFor } from "../answer.js";
import { readingFor } from "../proxy.js";
import type { UpstreamCore } from "../upstream.js";
import { isUpstream, upstreamInside } from "../upstream-handle.js";
import type { UpstreamInside } from "../upstream-inside.js";
import { NO_TARGET, type ThroughGatewayOptions } from "./hpm-options.js";

/** How the engine sends one call. */
export interface Job {
  readonly side: ForeignSide;
  send(run: ForeignRun): void;
}

export interface Lane extends UpstreamInside {
  readonly reading: ReadRequestOptions;
  readonly answer: Answering;
  /** Takes the call through the pipe; the job is done where its exchange is to be performed. */
  execute(call: Call, job: Job): Pending<ResponseBody>;
}

export interface LaneRoute {
  readonly lane: Lane;
  /** What is asked for, below the prefix of the targets. */
  readonly target: SendableTarget;
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

function createLane(inside: UpstreamInside, options: ThroughGatewayOptions): Lane {
  const { gateway, core } = inside;
  const jobs = new WeakMap<Call, Job>();
  const step = core.executeOver((exchange) => {
    const job = jobs.get(exchange.call) as Job;
    const run = new ForeignRun(gateway.clock, core.transport.terms, exchange, job.side);
    return run.begin(() => job.send(run));
  });
  return {
    ...inside,
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
