/**
 * The options of `createGateway`, and their form after `normalise.ts`.
 *
 * A policy is on with defaults, configured, or `false`. Three shapes, never null. Defaults are in
 * `catalog/defaults.ts`; a test compares the `@default` lines here with it. A default adapts to the
 * values that are set: with `totalMs: 5_000` alone, `responseMs` is 5,000, too.
 */
import type { FrontName } from "../catalog/fronts.js";
import type { BreakerOptions } from "../catalog/options/breaker.js";
import type {
  EjectionOptions,
  PanicOptions,
  ProbeOptions,
  SlowStartOptions,
} from "../catalog/options/health.js";
import type { LimitOptions } from "../catalog/options/limits.js";
import type {
  AdaptiveLimitOptions,
  BulkheadOptions,
  HedgeOptions,
  ShedOptions,
  ThrottleOptions,
} from "../catalog/options/overload.js";
import type { RetryOptions } from "../catalog/options/retry.js";
import type { TimeoutOptions } from "../catalog/options/timeouts.js";
import type { StatusPolicy } from "../catalog/status-policy.js";
import type { CallerKey } from "../policies/caller-shares.js";
import type { PriorityRule } from "../policies/priority.js";
import type { AddressRules } from "../targets/address-guard.js";
import type { Balancer } from "../targets/balance/balancer.js";
import type { RouteRule } from "../targets/route-rules.js";
import type { ParsedTarget } from "../targets/target.js";
import type { AddressOptions } from "./address-options.js";
import type { BalanceOptions, BalancePolicy, NormalisedBalance } from "./balance-options.js";
import type { Behind } from "./behind.js";
import type { FrontOptions } from "./front-options.js";
import type { NormalisedProbe } from "./probe-options.js";
import type { RouteOptions } from "./route-options.js";
import type { Discover, TargetInput } from "./target-options.js";

/** What the layers of a call exchange about it. */
export interface LayerOptions {
  /**
   * The field with the attempt number: sent with repeats only, accepted from trusted callers.
   * `false` for none.
   * @default "x-envoy-attempt-count"
   */
  readonly attemptHeader?: string | false;
  /**
   * The field with the remaining milliseconds: sent, and accepted from trusted callers. `false` for
   * none.
   * @default "x-envoy-expected-rq-timeout-ms"
   */
  readonly deadlineHeader?: string | false;
  /**
   * When the remaining time is sent: if the caller has set a deadline, or with every attempt.
   * @default "received"
   */
  readonly sendDeadline?: "received" | "always";
  /**
   * Marks answers for the layer in front: the request must not be sent again
   * (`x-envoy-ratelimited`), or was not processed (`finagle-http-nack`).
   * @default true
   */
  readonly markAnswers?: boolean;
}

/** A logical service with one set of policies. */
export interface UpstreamOptions {
  /** Its addresses: one, or several. */
  readonly targets?: string | TargetInput | readonly (string | TargetInput)[];
  /**
   * A source of further addresses: `dns("http://orders.internal:8080")`, or your own async
   * generator of lists. `targets` may then be omitted.
   */
  readonly discover?: Discover;
  /** How a target is chosen: the name of a policy, settings, or your own balancer. */
  readonly balance?: BalancePolicy | Balancer | BalanceOptions;
  /** Timeouts. */
  readonly timeouts?: TimeoutOptions;
  /** Further attempts of a call, where they are safe; `false` for a single attempt. */
  readonly retry?: false | RetryOptions;
  /**
   * Sends slow calls with safe methods to a second target, too, within the retry budget; `true` for
   * the defaults.
   * @default false
   */
  readonly hedge?: boolean | HedgeOptions;
  /** Stops calls to a failing target; one breaker per target, `false` for none. */
  readonly breaker?: false | BreakerOptions;
  /** Limits concurrent calls, with a short queue; `false` for no limit. */
  readonly bulkhead?: false | BulkheadOptions;
  /**
   * Adapts the bulkhead's places to the capacity of the upstream; `true` for the defaults.
   * @default false
   */
  readonly adaptiveLimit?: boolean | AdaptiveLimitOptions;
  /**
   * How much a call matters: a function of the request, or the name of a field that holds it. Name
   * a field only if your clients cannot set it, or may set it. A priority set in code wins.
   */
  readonly priority?: false | PriorityRule;
  /**
   * Options for some of its paths, by pattern: `{ "/reports/*": { timeouts: … } }`. The first
   * matching pattern applies. See docs/options.md#routes.
   */
  readonly routes?: Readonly<Record<string, RouteOptions>>;
  /**
   * Does not send calls that an overloaded upstream would reject anyway; `true` for the defaults.
   * @default false
   */
  readonly throttle?: boolean | ThrottleOptions;
  /** Sizes and counts. */
  readonly limits?: LimitOptions;
  /**
   * Which addresses its targets may resolve to; for names that you do not control.
   * @default false
   */
  readonly addresses?: false | AddressOptions;
  /** Ejects a target that performs worse than its peers; `false` for never. */
  readonly ejection?: false | EjectionOptions;
  /** Ramps up the share of a recovered target; `false` for its full share at once. */
  readonly slowStart?: false | SlowStartOptions;
  /** Uses all targets when too few are healthy; `false` for never. */
  readonly panic?: false | PanicOptions;
  /**
   * Active health checks. Without them, an unreachable target is only tried by TCP until it accepts
   * connections; `false` switches that off, too.
   */
  readonly probe?: false | ProbeOptions;
  /**
   * Attempt number, remaining time and "do not repeat", passed from layer to layer; `false` for
   * none of them.
   */
  readonly layers?: false | LayerOptions;
  /**
   * Passes on members of Proxy-Status that the upstream sends.
   * @default false
   */
  readonly trustProxyStatus?: boolean;
  /**
   * HTTP/2 to TLS targets that negotiate it, else HTTP/1.1; `"h2c"` also uses it for targets
   * without TLS, which must then support HTTP/2. See docs/http2.md.
   * @default false
   */
  readonly allowH2?: boolean | "h2c";
  /**
   * Accepts heads whose lines end with a bare line feed, as some devices send them (RFC 9112 §2.2),
   * over HTTP/1.1. Chunks still need CRLF. Not for http-proxy-middleware and `gatewayInterceptor`,
   * whose own engines parse the answer.
   * @default false
   */
  readonly allowBareLineFeeds?: boolean;
  /**
   * This process cannot work without this upstream: readiness fails while it is down.
   * @default false
   */
  readonly required?: boolean;
}

/** What `createGateway` takes. */
export interface GatewayOptions<Names extends string = string> {
  /**
   * The name of this deployment in Proxy-Status and Via (RFC 9209 §2); not a product name.
   * @default the host name
   */
  readonly name?: string;
  /**
   * The services behind the gateway, by the names that `gateway.upstream` takes. Omit it if you
   * only need health, drain and `gatewayFetch`.
   */
  readonly upstreams?: Readonly<Record<Names, UpstreamOptions>>;
  /** Where this gateway runs; targets of the same zone are preferred. */
  readonly zone?: string;
  /** Settings for all upstreams that do not have their own. */
  readonly defaults?: Omit<UpstreamOptions, "targets" | "discover" | "routes">;
  /**
   * Which status each failure gets, for teams that migrate from another proxy.
   * @default "rfc9209"
   */
  readonly statusPolicy?: StatusPolicy;
  /**
   * The proxy in front of this server; a list if there are several, the nearest first. It sets the
   * timeouts of the server, the deadline of calls, the sources of trusted forwarding fields, and
   * the statuses of answers that would lose their bodies. Explicit options win. `"auto"` recognises
   * the front, and reports what it would set. See docs/front-proxies.md.
   */
  readonly behind?: "auto" | FrontName | FrontOptions | readonly (FrontName | FrontOptions)[];
  /**
   * Rejects calls while the event loop of this process is late; `true` for the defaults.
   * @default false
   */
  readonly shed?: boolean | ShedOptions;
  /**
   * Which addresses may be connected to for origins without a configured upstream: absolute URLs in
   * `gatewayFetch(gateway)`, and redirects to other origins. What `defaults.addresses` forbids is
   * forbidden for them, too. See docs/security.md.
   * @default { forbid: ["metadata"] }
   */
  readonly addresses?: false | AddressOptions;
  /** Called once per contradiction and failed start check. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string, code: string) => void;
}

/** The options of an upstream: checked, completed with defaults, frozen. */
export interface NormalisedUpstream {
  readonly name: string;
  readonly targets: readonly ParsedTarget[];
  readonly timeouts: Required<TimeoutOptions>;
  readonly retry: false | Required<RetryOptions>;
  readonly breaker: false | Required<BreakerOptions>;
  readonly bulkhead: false | (Required<Omit<BulkheadOptions, "by">> & { readonly by?: CallerKey });
  readonly adaptiveLimit: false | Required<AdaptiveLimitOptions>;
  readonly priority: false | PriorityRule;
  /** In the order in which they are compared. */
  readonly routes: readonly RouteRule[];
  readonly throttle: false | Required<ThrottleOptions>;
  readonly hedge: false | Required<HedgeOptions>;
  readonly limits: Required<LimitOptions>;
  /** All of them apply. */
  readonly addresses: readonly AddressRules[];
  readonly layers: false | Required<LayerOptions>;
  readonly ejection: false | Required<EjectionOptions>;
  readonly slowStart: false | Required<SlowStartOptions>;
  readonly panic: false | Required<PanicOptions>;
  readonly probe: NormalisedProbe;
  readonly trustProxyStatus: boolean;
  readonly allowH2: boolean | "h2c";
  readonly allowBareLineFeeds: boolean;
  readonly required: boolean;
  readonly balance: NormalisedBalance;
  /** Null when all targets are configured. */
  readonly discover: Discover | null;
}

export interface NormalisedGateway {
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
