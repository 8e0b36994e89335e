/**
 * What people may write into `createGateway`, and what becomes of it after `normalise.ts`.
 *
 * A policy is on with defaults, configured, or `false`. Three shapes, never a null. Defaults live
 * in `catalog/defaults.ts`; a test compares the `@default` lines here with it. A default gives way
 * to what is written beside it: with `totalMs: 5_000` alone, `responseMs` is 5,000, too.
 */
import type { FrontName } from "../../catalog/fronts.js";
import type { StatusPolicy } from "../../catalog/status-policy.js";
import type { PriorityRule } from "../../policies/priority.js";
import type { AddressRules } from "../../targets/address-guard.js";
import type { Balancer } from "../../targets/balance/balancer.js";
import type { RouteRule } from "../../targets/route-rules.js";
import type { ParsedTarget } from "../../targets/target.js";
import type { Behind } from "../behind/behind.js";
import type { FrontOptions } from "../behind/front-options.js";
import type { AddressOptions } from "./address-options.js";
import type { BalanceOptions, BalancePolicy, NormalisedBalance } from "./balance-options.js";
import type { LimitOptions } from "./limit-options.js";
import type {
  AdaptiveLimitOptions,
  BulkheadOptions,
  HedgeOptions,
  ShedOptions,
  ThrottleOptions,
} from "./overload-options.js";
import type { NormalisedProbe, ProbeOptions } from "./probe-options.js";
import type { RetryOptions } from "./retry-options.js";
import type { RouteOptions } from "./route-options.js";
import type { Discover, TargetInput } from "./target-options.js";
import type { TimeoutOptions } from "./timeout-options.js";

export interface BreakerOptions {
  /**
   * Failures in a row that open it, by what they say of the target (docs/evidence.md).
   * @default 5
   */
  readonly consecutiveFailures?: number;
  /**
   * Share of failures that opens it; of the only target, of those that name the connection.
   * @default 0.5
   */
  readonly failureRatio?: number;
  /**
   * Exchanges within the window below which the share says nothing.
   * @default 20
   */
  readonly volumeMin?: number;
  /**
   * Window of the share.
   * @default 10000
   */
  readonly windowMs?: number;
  /**
   * First open time; doubles with every failed return, with jitter.
   * @default 1000
   */
  readonly openMs?: number;
  /**
   * Longest open time.
   * @default 60000
   */
  readonly openMsMax?: number;
  /**
   * Successful trials that close it.
   * @default 3
   */
  readonly trialSuccesses?: number;
}

/** What the layers of a call tell each other. */
export interface LayerOptions {
  /**
   * The field with the number of the attempt: sent with repeats only, and believed of a trusted
   * caller. `false` for none.
   * @default "x-envoy-attempt-count"
   */
  readonly attemptHeader?: string | false;
  /**
   * The field with the milliseconds that are left: believed of a trusted caller, and sent. `false`
   * for none.
   * @default "x-envoy-expected-rq-timeout-ms"
   */
  readonly deadlineHeader?: string | false;
  /**
   * When time that is left is sent: where the caller has set a deadline, or with every attempt.
   * @default "received"
   */
  readonly sendDeadline?: "received" | "always";
  /**
   * Answers say to the layer in front that the request must not be sent again
   * (`x-envoy-ratelimited`), or that it was not processed (`finagle-http-nack`).
   * @default true
   */
  readonly markAnswers?: boolean;
}

export interface EjectionOptions {
  /**
   * Gateway failures in a row, an answer of 502, 503 or 504 included, that eject a target.
   * @default 3
   */
  readonly consecutiveFailures?: number;
  /**
   * Standard deviations that its share of good answers may lie below that of its peers.
   * @default 3
   */
  readonly successDeviations?: number;
  /**
   * Times as slow as its peers that eject a target, if that is a quarter of a second more.
   * @default 5
   */
  readonly latencyFactor?: number;
  /**
   * Answers of the last ten seconds below which share and latency are not compared.
   * @default 50
   */
  readonly volumeMin?: number;
  /**
   * The shortest silence that ejects a target while its peers answer; it is longer where answers
   * usually take longer.
   * @default 100
   */
  readonly silenceMs?: number;
  /**
   * First time out; doubles with every further ejection, with jitter.
   * @default 1000
   */
  readonly ejectMs?: number;
  /**
   * Longest time out.
   * @default 60000
   */
  readonly ejectMsMax?: number;
  /**
   * Share of the targets that may be ejected at once, yet always one of two or three.
   * @default 0.5
   */
  readonly ejectedRatioMax?: number;
}

export interface SlowStartOptions {
  /**
   * Time in which a target that was out gets back to its full share.
   * @default 10000
   */
  readonly rampMs?: number;
  /**
   * The share that it begins with.
   * @default 0.1
   */
  readonly shareMin?: number;
}

export interface PanicOptions {
  /**
   * With a smaller share of healthy targets than this, all of them are used.
   * @default 0.5
   */
  readonly healthyRatioMin?: number;
}

/** A logical service with one set of policies. */
export interface UpstreamOptions {
  /** Its addresses, one or several. */
  readonly targets?: string | TargetInput | readonly (string | TargetInput)[];
  /**
   * Where further addresses come from: `dns("http://orders.internal:8080")`, or an async generator
   * of lists of your own. `targets` may then be left out.
   */
  readonly discover?: Discover;
  /** Which target gets a call: the name of a way, settings, or a balancer of your own. */
  readonly balance?: BalancePolicy | Balancer | BalanceOptions;
  /** Cuts in time. */
  readonly timeouts?: TimeoutOptions;
  /** Further attempts of a call, where that is safe; `false` for one attempt. */
  readonly retry?: false | RetryOptions;
  /**
   * Asks another target, too, when an answer takes long, for methods that change nothing, out of
   * the budget of repeats; `true` for the defaults.
   * @default false
   */
  readonly hedge?: boolean | HedgeOptions;
  /** Stops asking a target that fails; one for each target, `false` for none. */
  readonly breaker?: false | BreakerOptions;
  /** Bounds the calls at once, with a short queue; `false` for no bound. */
  readonly bulkhead?: false | BulkheadOptions;
  /**
   * Lets the number of places of the bulkhead follow what the upstream can take; `true` for the
   * defaults.
   * @default false
   */
  readonly adaptiveLimit?: boolean | AdaptiveLimitOptions;
  /**
   * How much a call matters: a function of the request, or the name of a field that says so. Name a
   * field only if your clients cannot set it, or may. What code says for its own call comes first.
   */
  readonly priority?: false | PriorityRule;
  /**
   * What holds for some of its paths, by their pattern: `{ "/reports/*": { timeouts: … } }`. The
   * first one that fits counts. See docs/options.md#routes.
   */
  readonly routes?: Readonly<Record<string, RouteOptions>>;
  /**
   * Stops sending what an overloaded upstream would refuse anyway; `true` for the defaults.
   * @default false
   */
  readonly throttle?: boolean | ThrottleOptions;
  /** Sizes and counts. */
  readonly limits?: LimitOptions;
  /**
   * Which addresses its targets may resolve to; for names that are not your own.
   * @default false
   */
  readonly addresses?: false | AddressOptions;
  /** Takes out a target that does worse than its peers; `false` for never. */
  readonly ejection?: false | EjectionOptions;
  /** How a target that was out gets its share back; `false` for at once. */
  readonly slowStart?: false | SlowStartOptions;
  /** Uses all targets when too few are healthy; `false` for never. */
  readonly panic?: false | PanicOptions;
  /**
   * Active health checks. Without them only a target that cannot be connected to is tried by TCP
   * until it can; `false` for not even that.
   */
  readonly probe?: false | ProbeOptions;
  /**
   * Attempt number, time that is left and "do not repeat", told from layer to layer; `false` for
   * none of it.
   */
  readonly layers?: false | LayerOptions;
  /**
   * Members of Proxy-Status that the upstream sends are passed on.
   * @default false
   */
  readonly trustProxyStatus?: boolean;
  /**
   * HTTP/2 towards targets with TLS that agree to it, else HTTP/1.1; with `"h2c"` also towards
   * targets without TLS, which must then speak HTTP/2. See docs/http2.md.
   * @default false
   */
  readonly allowH2?: boolean | "h2c";
  /**
   * Heads whose lines end with a line feed alone, as those of some devices do (RFC 9112 §2.2), over
   * HTTP/1.1. Chunks keep to CRLF. Not for http-proxy-middleware and `gatewayInterceptor`, whose
   * own engines read the answer.
   * @default false
   */
  readonly allowBareLineFeeds?: boolean;
  /**
   * This process cannot do its work without this upstream: readiness fails while it is down.
   * @default false
   */
  readonly required?: boolean;
}

/** What `createGateway` takes. */
export interface GatewayOptions<Names extends string = string> {
  /**
   * This deployment in Proxy-Status and Via, RFC 9209 §2; not a product.
   * @default the host name
   */
  readonly name?: string;
  /**
   * The services behind the gateway, by the names that `gateway.upstream` takes. Left out by who
   * wants health, drain and `gatewayFetch` only.
   */
  readonly upstreams?: Readonly<Record<Names, UpstreamOptions>>;
  /** Where this gateway runs; targets of the same zone are preferred. */
  readonly zone?: string;
  /** Settings for all upstreams that do not have their own. */
  readonly defaults?: Omit<UpstreamOptions, "targets" | "discover" | "routes">;
  /**
   * Which status a failure is answered with, for teams that migrate.
   * @default "rfc9209"
   */
  readonly statusPolicy?: StatusPolicy;
  /**
   * The proxy in front of this server; a list when there are several, the nearest first. It sets
   * the times of the server, the deadline of calls, whose forwarding fields are believed, and the
   * statuses of answers that would lose their bodies. What is written elsewhere wins. `"auto"`
   * recognises the front, and tells what it would set. See docs/front-proxies.md.
   */
  readonly behind?: "auto" | FrontName | FrontOptions | readonly (FrontName | FrontOptions)[];
  /**
   * Refuses calls while the event loop of this process is late; `true` for the defaults.
   * @default false
   */
  readonly shed?: boolean | ShedOptions;
  /**
   * Which addresses are connected to for origins that no upstream was configured for: absolute
   * addresses in `gatewayFetch(gateway)`, and redirects to other origins. What `defaults.addresses`
   * forbids is forbidden for them, too. See docs/security.md.
   * @default { forbid: ["metadata"] }
   */
  readonly addresses?: false | AddressOptions;
  /** Told once of contradictions and start checks. `process.emitWarning` unless given. */
  readonly onWarning?: (message: string, code: string) => void;
}

/** An upstream's options with every default filled in, checked and frozen. */
export interface NormalisedUpstream {
  readonly name: string;
  readonly targets: readonly ParsedTarget[];
  readonly timeouts: Required<TimeoutOptions>;
  readonly retry: false | Required<RetryOptions>;
  readonly breaker: false | Required<BreakerOptions>;
  readonly bulkhead: false | Required<BulkheadOptions>;
  readonly adaptiveLimit: false | Required<AdaptiveLimitOptions>;
  readonly priority: false | PriorityRule;
  /** In the order in which they are compared. */
  readonly routes: readonly RouteRule[];
  readonly throttle: false | Required<ThrottleOptions>;
  readonly hedge: false | Required<HedgeOptions>;
  readonly limits: Required<LimitOptions>;
  /** Every one of these holds. */
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
  /** Null when its targets are those that are written. */
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
  /** For origins that no upstream was configured for; every one of these holds. */
  readonly addresses: readonly AddressRules[];
  readonly warnings: readonly string[];
}
