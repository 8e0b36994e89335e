/**
 * The options of `createGateway`, and their form after `normalise.ts`.
 *
 * A policy is on with defaults, configured, or `false`. Three shapes, never null. The options of a
 * section are declared in `catalog/options`. A default adapts to the values that are set: with
 * `totalMs: 5_000` alone, `responseMs` is 5,000, too.
 */

import { FRONT_NAMES, type FrontName } from "../catalog/fronts.js";
import { ADDRESS_OPTIONS, type AddressOptions } from "../catalog/options/addresses.js";
import { BREAKER_OPTIONS, type BreakerOptions } from "../catalog/options/breaker.js";
import { CACHE_OPTIONS, type CacheOptions } from "../catalog/options/cache.js";
import { CHAOS_OPTIONS, type ChaosOptions } from "../catalog/options/chaos.js";
import { FALLBACK_JSON } from "../catalog/options/fallback.js";
import { FRONT_OPTIONS } from "../catalog/options/front.js";
import {
  EJECTION_OPTIONS,
  type EjectionOptions,
  PANIC_OPTIONS,
  type PanicOptions,
  PROBE_OPTIONS,
  type ProbeOptions,
  SLOW_START_OPTIONS,
  type SlowStartOptions,
} from "../catalog/options/health.js";
import { LAYER_OPTIONS, type LayerOptions } from "../catalog/options/layers.js";
import { LIMIT_OPTIONS, type LimitOptions } from "../catalog/options/limits.js";
import { MIRROR_JSON, type MirrorOptions, type ReadMirror } from "../catalog/options/mirror.js";
import {
  always,
  flag,
  nested,
  type OptionsOf,
  off,
  on,
  own,
  type ReadOf,
  type Section,
} from "../catalog/options/option.js";
import {
  ADAPTIVE_LIMIT_OPTIONS,
  type AdaptiveLimitOptions,
  BULKHEAD_OPTIONS,
  type BulkheadOptions,
  HEDGE_OPTIONS,
  type HedgeOptions,
  PACE_OPTIONS,
  type PaceOptions,
  SHED_OPTIONS,
  type ShedOptions,
  THROTTLE_OPTIONS,
  type ThrottleOptions,
} from "../catalog/options/overload.js";
import { RETRY_OPTIONS, type RetryOptions } from "../catalog/options/retry.js";
import { TIMEOUT_OPTIONS, type TimeoutOptions } from "../catalog/options/timeouts.js";
import { UPSTREAM_FOR_JSON, type UpstreamFor } from "../catalog/options/upstream-for.js";
import { STATUS_TABLES, type StatusPolicy } from "../catalog/status-policy.js";
import type { Fallback } from "../core/fallback.js";
import type { CallerKey } from "../policies/caller-shares.js";
import type { PriorityRule } from "../policies/priority.js";
import type { Quota } from "../policies/quota.js";
import type { AddressRules } from "../targets/address-guard.js";
import type { Balancer } from "../targets/balance/balancer.js";
import type { Fleet } from "../targets/fleet-link.js";
import type { RouteRule } from "../targets/route-rules.js";
import type { ParsedTarget } from "../targets/target.js";
import { TARGET_OPTIONS } from "../targets/target-options.js";
import type { UpstreamChoice } from "../targets/upstream-rules.js";
import {
  BALANCE_OPTIONS,
  BALANCE_POLICIES,
  type BalanceOptions,
  type BalancePolicy,
  type NormalisedBalance,
} from "./balance-options.js";
import type { Behind } from "./behind.js";
import type { FrontOptions } from "./front-options.js";
import type { NormalisedProbe } from "./probe-options.js";
import { ROUTE_OPTIONS, type RouteOptions } from "./route-options.js";
import type { Discover, TargetInput } from "./target-options.js";

const TEXT = { type: "string", minLength: 1 };
const TARGET = { anyOf: [TEXT, { options: TARGET_OPTIONS, also: { url: TEXT } }] };
const FRONT = {
  anyOf: [
    { enum: FRONT_NAMES },
    { options: FRONT_OPTIONS, also: { front: { enum: FRONT_NAMES } } },
  ],
};
const BALANCE = { anyOf: [{ enum: BALANCE_POLICIES }, { options: BALANCE_OPTIONS }] };
const HEADER = {
  type: "object",
  properties: { header: TEXT },
  required: ["header"],
  additionalProperties: false,
};

/** What an upstream may have, and `defaults` for all of them, in the order of reading. */
export const SHARED_OPTIONS = {
  /** Timeouts. */
  timeouts: always<TimeoutOptions>(TIMEOUT_OPTIONS, "totalMs"),
  /** Further attempts of a call, where they are safe; `false` for a single attempt. */
  retry: on<RetryOptions>(RETRY_OPTIONS, "attemptsMax"),
  /**
   * Sends slow calls with safe methods to a second target, too, within the retry budget; `true` for
   * the defaults.
   * @default false
   */
  hedge: off<HedgeOptions>(HEDGE_OPTIONS, "delayMs"),
  /** Stops calls to a failing target; one breaker per target, `false` for none. */
  breaker: on<BreakerOptions>(BREAKER_OPTIONS, "consecutiveFailures"),
  /** Limits concurrent calls, with a short queue; `false` for no limit. */
  bulkhead: on<BulkheadOptions>(BULKHEAD_OPTIONS, "concurrencyMax"),
  /**
   * Adapts the bulkhead's places to the capacity of the upstream; `true` for the defaults.
   * @default false
   */
  adaptiveLimit: off<AdaptiveLimitOptions>(ADAPTIVE_LIMIT_OPTIONS, "concurrencyStart"),
  /**
   * How important a call is: a function of the request, or the name of a field that holds it. Name
   * a field only if your clients cannot set it, or may set it. `{ header: "priority" }` is read as
   * RFC 9218 has it, too. A priority set in code wins.
   * @default false
   */
  priority: own<false | PriorityRule>({ anyOf: [{ const: false }, HEADER] }, false),
  /**
   * Does not send calls that an overloaded upstream would reject anyway; `true` for the defaults.
   * @default false
   */
  throttle: off<ThrottleOptions>(THROTTLE_OPTIONS, "requestsPerAccept"),
  /**
   * Heeds a 429 with `Retry-After` for all calls: they wait, or are rejected, until its time is
   * over, and go out one by one at first; `true` for the defaults.
   * @default false
   */
  pace: off<PaceOptions>(PACE_OPTIONS, "queueMax"),
  /**
   * Keeps answers as HTTP allows (RFC 9111), in memory, and gives them again; one request for equal
   * ones at once; `true` for the defaults. See docs/cache.md.
   * @default false
   */
  cache: off<CacheOptions>(CACHE_OPTIONS, "storeBytesMax"),
  /**
   * Delays and fails a share of the attempts on purpose, to rehearse; `true` for the defaults. Off
   * in production unless `inProduction` is set.
   * @default false
   */
  chaos: off<ChaosOptions>(CHAOS_OPTIONS, "share"),
  /** Sizes and counts. */
  limits: always<LimitOptions>(LIMIT_OPTIONS, "connectionsMax"),
  /**
   * Which addresses its targets may resolve to; for names that you do not control.
   * @default false
   */
  addresses: nested<false | AddressOptions>(ADDRESS_OPTIONS, [false]),
  /** Ejects a target that performs worse than its peers; `false` for never. */
  ejection: on<EjectionOptions>(EJECTION_OPTIONS, "consecutiveFailures"),
  /** Ramps up the share of a recovered target; `false` for its full share at once. */
  slowStart: on<SlowStartOptions>(SLOW_START_OPTIONS, "rampMs"),
  /** Uses all targets when too few are healthy; `false` for never. */
  panic: on<PanicOptions>(PANIC_OPTIONS, "healthyRatioMin"),
  /**
   * Active health checks. Without them, an unreachable target is only tried by TCP until it accepts
   * connections; `false` switches that off, too.
   */
  probe: nested<false | ProbeOptions>(PROBE_OPTIONS, [false]),
  /**
   * Attempt number, remaining time and "do not repeat", passed from layer to layer; `false` for
   * none of them.
   */
  layers: nested<false | LayerOptions>(LAYER_OPTIONS, [false]),
  /**
   * Passes on members of Proxy-Status that the upstream sends.
   * @default false
   */
  trustProxyStatus: flag(false),
  /**
   * HTTP/2 to TLS targets that negotiate it, else HTTP/1.1; `"h2c"` also uses it for targets
   * without TLS, which must then support HTTP/2. See docs/http2.md.
   * @default false
   */
  allowH2: own<boolean | "h2c">({ enum: [false, true, "h2c"] }, false),
  /**
   * Accepts heads whose lines end with a bare line feed, as some devices send them (RFC 9112 §2.2),
   * over HTTP/1.1. Chunks still need CRLF. Not for http-proxy-middleware and `gatewayInterceptor`,
   * whose own engines parse the answer.
   * @default false
   */
  allowBareLineFeeds: flag(false),
  /**
   * This process cannot work without this upstream: readiness fails while it is down.
   * @default false
   */
  required: flag(false),
  /** How a target is chosen: the name of a policy, settings, or your own balancer. */
  balance: own<BalancePolicy | Balancer | BalanceOptions>(BALANCE),
} as const satisfies Section;

/** What only an upstream has. */
export const UPSTREAM_OPTIONS = {
  /** Its addresses: one, or several. */
  targets: own<string | TargetInput | readonly (string | TargetInput)[]>({
    anyOf: [TARGET, { type: "array", items: TARGET }],
  }),
  /**
   * A source of further addresses: `dns("http://orders.internal:8080")`, or your own async
   * generator of lists. `targets` may then be omitted.
   */
  discover: own<Discover>(null),
  /**
   * What stands in when this upstream fails: another upstream, an answer, or a function that makes
   * one; a list is tried in turn. See docs/fallbacks.md.
   * @default false
   */
  fallback: own<Fallback>(FALLBACK_JSON, false),
  /**
   * Sends calls to another upstream instead: a function of the request that names it, or rules by
   * path, host, fields, cookies and shares. See docs/upstream-for.md.
   * @default false
   */
  upstreamFor: own<false | UpstreamFor>(UPSTREAM_FOR_JSON, false),
  /**
   * Sends copies of calls to another upstream, whose answers are thrown away. See
   * docs/upstream-for.md#copies.
   * @default false
   */
  mirror: own<false | MirrorOptions>(MIRROR_JSON, false),
  /**
   * A limit of the upstream's own that what is sent must keep: `outgoingQuota({ limit: 600,
   * windowMs: 60_000 })` of `good-gateway/rate-limit`. See docs/rate-limit.md#outgoing.
   */
  quota: own<Quota>(null),
  /**
   * Options for some of its paths, by pattern: `{ "/reports/*": { timeouts: … } }`. The first
   * matching pattern applies. See docs/options.md#routes.
   */
  routes: own<Readonly<Record<string, RouteOptions>>>({
    type: "object",
    additionalProperties: { options: ROUTE_OPTIONS },
  }),
} as const satisfies Section;

type Shared = OptionsOf<typeof SHARED_OPTIONS>;

/** A logical service with one set of policies. */
export interface UpstreamOptions extends OptionsOf<typeof UPSTREAM_OPTIONS>, Shared {}

/** What the gateway as a whole has, besides its upstreams and their `defaults`. */
export const GATEWAY_OPTIONS = {
  /**
   * The name of this deployment in Proxy-Status and Via (RFC 9209 §2); not a product name.
   * @default the host name
   */
  name: own<string>(TEXT),
  /**
   * Which status each failure gets, for teams that migrate from another proxy.
   * @default "rfc9209"
   */
  statusPolicy: own<StatusPolicy>({ enum: Object.keys(STATUS_TABLES) }, "rfc9209"),
  /**
   * The proxy in front of this server; a list if there are several, the nearest first. It sets the
   * timeouts of the server, the deadline of calls, the sources of trusted forwarding fields, and
   * the statuses of answers that would lose their bodies. Explicit options win. `"auto"` recognises
   * the front, and reports what it would set. See docs/front-proxies.md.
   */
  behind: own<"auto" | FrontName | FrontOptions | readonly (FrontName | FrontOptions)[]>({
    anyOf: [{ const: "auto" }, FRONT, { type: "array", items: FRONT, minItems: 1 }],
  }),
  /**
   * Rejects calls while the event loop of this process is late; `true` for the defaults.
   * @default false
   */
  shed: off<ShedOptions>(SHED_OPTIONS, "eventLoopDelayMs"),
  /**
   * Which addresses may be connected to for origins without a configured upstream: absolute URLs in
   * `gatewayFetch(gateway)`, and redirects to other origins. What `defaults.addresses` forbids is
   * forbidden for them, too. See docs/security.md.
   * @default { forbid: ["metadata"] }
   */
  addresses: nested<false | AddressOptions>(ADDRESS_OPTIONS, [false]),
  /** Called once per contradiction and failed start check. Default: `process.emitWarning`. */
  onWarning: own<(message: string, code: string) => void>(null),
  /** Where this gateway runs; targets of the same zone are preferred. */
  zone: own<string>(TEXT),
  /**
   * The gateways that it belongs to: `fleet({ name: "edge", bus })` of `good-gateway/fleet`. See
   * docs/fleet.md.
   */
  fleet: own<Fleet>(null),
} as const satisfies Section;

/** What `createGateway` takes. */
export interface GatewayOptions<Names extends string = string>
  extends OptionsOf<typeof GATEWAY_OPTIONS> {
  /**
   * The services behind the gateway, by the names that `gateway.upstream` takes. Omit it if you
   * only need health, drain and `gatewayFetch`.
   */
  readonly upstreams?: Readonly<Record<Names, UpstreamOptions>>;
  /** Settings for all upstreams that do not have their own. */
  readonly defaults?: Omit<UpstreamOptions, keyof typeof UPSTREAM_OPTIONS>;
}

/** What is used in another form than it is written. */
interface ReadApart {
  readonly bulkhead: false | (Required<Omit<BulkheadOptions, "by">> & { readonly by?: CallerKey });
  readonly chaos:
    | false
    | (Required<Omit<ChaosOptions, "path" | "header">> & Pick<ChaosOptions, "path" | "header">);
  readonly pace: false | (Required<Omit<PaceOptions, "by">> & { readonly by?: CallerKey });
  readonly balance: NormalisedBalance;
  /** All of them apply. */
  readonly addresses: readonly AddressRules[];
  readonly probe: NormalisedProbe;
  readonly layers: false | Required<LayerOptions>;
}

/** The options of an upstream: checked, completed with defaults, frozen. */
export interface NormalisedUpstream
  extends Omit<ReadOf<typeof SHARED_OPTIONS>, keyof ReadApart>,
    ReadApart {
  readonly name: string;
  readonly targets: readonly ParsedTarget[];
  /** In the order in which they are compared. */
  readonly routes: readonly RouteRule[];
  /** What stands in when it fails. */
  readonly fallback: Fallback;
  /** Which of its calls go to which other upstream; false for none. */
  readonly upstreamFor: false | UpstreamChoice;
  readonly mirror: false | ReadMirror;
  /** Null when all targets are configured. */
  readonly discover: Discover | null;
  /** Null for none. */
  readonly quota: Quota | null;
}

export interface NormalisedGateway {
  /** Null for one that is alone. */
  readonly fleet: Fleet | null;
  readonly name: string;
  /** The name was given, not taken from the host. */
  readonly named: boolean;
  /** Null when none was given. */
  readonly zone: string | null;
  readonly upstreams: Readonly<Record<string, NormalisedUpstream>>;
  readonly statusPolicy: StatusPolicy;
  readonly behind: Behind | null;
  readonly shed: false | Required<ShedOptions>;
  /** For origins without a configured upstream; all of them apply. */
  readonly addresses: readonly AddressRules[];
  readonly warnings: readonly string[];
}
