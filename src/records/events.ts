/**
 * The events of a gateway, one list. Mirrored to `node:diagnostics_channel` as
 * `good-gateway:<event>`.
 */
import type { FrontName } from "../catalog/fronts.js";
import type { AttemptRecord, Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";
import type { Incident } from "../diagnosis/incident.js";
import type { LifecycleState } from "../policies/drain-gate.js";
import type { BreakerReason, BreakerState } from "../targets/breaker.js";
import type { SharedBy } from "../targets/carried-share.js";
import type { HealthState } from "../targets/target-health.js";
import type { UpstreamState } from "../targets/upstream-state.js";
import type { HealthReason } from "../targets/watched-health.js";
import type { CallRecord } from "./call-record.js";
import type { ShutdownReport } from "./shutdown-report.js";

/** In the words of the health format: `warn` deserves attention and is no reason to stop. */
export type HealthStatus = "pass" | "warn" | "fail";

/** Why a process is not ready. */
export type NotReadyReason =
  | "starting"
  | "lame_duck"
  | "draining"
  | "closed"
  | "fatal"
  | "check"
  | "upstream";

export interface GatewayEvents {
  /** The breaker of a target changed its state. */
  readonly "breaker:change": {
    readonly upstream: string;
    readonly target: string;
    readonly from: BreakerState;
    readonly to: BreakerState;
    readonly reason: BreakerReason;
    readonly openForMs: number;
  };
  /** An upstream as a whole became healthy, degraded or down, or entered panic mode. */
  readonly "upstream:state": {
    readonly upstream: string;
    readonly required: boolean;
    readonly from: UpstreamState;
    readonly to: UpstreamState;
  };
  /** The health of a target changed: by probes, its own declaration, or an ejection. */
  readonly "target:health": {
    readonly upstream: string;
    readonly target: string;
    readonly from: HealthState;
    readonly to: HealthState;
    readonly reason: HealthReason | null;
  };
  /** A target carries another share of its weight: as it, its agent or its load reports say. */
  readonly "target:share": {
    readonly upstream: string;
    readonly target: string;
    /** Above 0, up to 1. */
    readonly share: number;
    readonly by: SharedBy;
  };
  /** A probe has ended, with an answer or without. */
  readonly "probe:end": {
    readonly upstream: string;
    readonly target: string;
    readonly passed: boolean;
    readonly wrong: string | null;
    readonly tookMs: number;
  };
  /** An attempt is delayed or fails on purpose. */
  readonly "chaos:act": {
    readonly upstream: string;
    readonly target: string;
    /** Of the call. */
    readonly id: string;
    /** Its name in the catalog; `none` for a delay alone. */
    readonly failure: string;
    readonly delayMs: number;
  };
  /** Panic mode began or ended: too few targets are healthy, so that all of them are used. */
  readonly "upstream:panic": {
    readonly upstream: string;
    readonly panic: boolean;
    readonly healthy: number;
    readonly targets: number;
  };
  /** Liveness, readiness or a check of the application changed. */
  readonly "health:change": {
    readonly subject: "liveness" | "readiness" | "check";
    /** The name of the check. */
    readonly check: string | null;
    /** Null for a check that ran for the first time. */
    readonly from: HealthStatus | null;
    readonly to: HealthStatus;
    /** Why it is not ready now. */
    readonly reasons: readonly NotReadyReason[];
    readonly output: string | null;
  };
  /** A target was added while the gateway ran, by hand or by discovery. */
  readonly "target:add": {
    readonly upstream: string;
    readonly target: string;
    readonly pending: number;
  };
  /** A target gets no further calls and is removed when the last one ends. */
  readonly "target:drain": {
    readonly upstream: string;
    readonly target: string;
    readonly pending: number;
  };
  /** An operator has taken a target out; it is kept with what is known of it. */
  readonly "target:disable": {
    readonly upstream: string;
    readonly target: string;
    readonly pending: number;
  };
  /** A target that was disabled or drained gets calls again. */
  readonly "target:enable": {
    readonly upstream: string;
    readonly target: string;
    readonly pending: number;
  };
  /** Maintenance began or ended, of an upstream or of some of its paths. */
  readonly "maintenance:change": {
    readonly upstream: string;
    /** The pattern of the paths; null for all. */
    readonly path: string | null;
    readonly on: boolean;
  };
  /** A target was removed; its pending exchanges run to their end. */
  readonly "target:remove": {
    readonly upstream: string;
    readonly target: string;
    readonly pending: number;
  };
  /** The process behind a target vanished: once per incident, with the evidence so far. */
  readonly "incident:start": Incident;
  /** The target has answered again for a while, or has been removed. */
  readonly "incident:end": Incident;
  /** A source of targets failed; its targets stay, and it is restarted after a wait. */
  readonly "discovery:fail": {
    readonly upstream: string;
    readonly cause: unknown;
    readonly failures: number;
    readonly retryMs: number;
    readonly targets: number;
  };
  /** An exchange is over, body included. */
  readonly "attempt:end": {
    readonly upstream: string;
    readonly call: Call;
    readonly attempt: AttemptRecord;
  };
  /** A call has its outcome; its body may still be in transit. */
  readonly "call:outcome": {
    readonly upstream: string;
    readonly call: Call;
    readonly failure: Failure | null;
  };
  /**
   * A call is over, including the body of its answer and the client's side. Also emitted for
   * requests that were refused before they became a call.
   */
  readonly "call:end": CallRecord;
  /** The lifecycle state of the gateway changed: not ready, winding down, closed. */
  readonly "lifecycle:change": {
    readonly from: LifecycleState;
    readonly to: LifecycleState;
    readonly reason: string;
  };
  /** A call was rejected because of overload, of the upstream or of this process. */
  readonly "call:refused": {
    readonly upstream: string;
    readonly call: Call;
    readonly failure: Failure;
  };
  /** A member of the fleet has come, or is not there any more. */
  readonly "fleet:member": {
    readonly fleet: string;
    readonly member: string;
    readonly host: string;
    readonly present: boolean;
  };
  /** The bus of the fleet does not take what this member says, or does again. */
  readonly "fleet:bus": {
    readonly fleet: string;
    readonly up: boolean;
    readonly cause: unknown;
  };
  /** A rate limit refused a request, or would have: `dryRun`. The key may be a secret. */
  readonly "rate-limit:refuse": {
    readonly limit: string;
    readonly tier: string;
    readonly key: string;
    readonly dryRun: boolean;
    /** Infinity for a cost that never fits. */
    readonly retryAfterMs: number;
  };
  /** The store of a rate limit does not answer in time, or does again. */
  readonly "rate-limit:store": {
    readonly limit: string;
    readonly up: boolean;
    readonly cause: unknown;
  };
  /** Load shedding began or ended, because the event loop of this process is late. */
  readonly "load:change": {
    readonly shedding: boolean;
    readonly eventLoopDelayMs: number;
  };
  /** The adaptive limit of an upstream moved. */
  readonly "limit:change": {
    readonly upstream: string;
    readonly from: number;
    readonly to: number;
  };
  /** A shutdown is over: what could finish, what was cut, and how long it took. */
  readonly "shutdown:end": { readonly report: ShutdownReport };
  /** A timeout of ours fired late, but the answer was already in the socket, and was used. */
  readonly "stall:saved": { readonly upstream: string; readonly target: string };
  /** `behind: "auto"` has recognised the proxies in front of the server. */
  readonly "front:recognised": {
    readonly fronts: readonly FrontName[];
    readonly by: "fields" | "ages";
    readonly evidence: readonly string[];
    readonly set: Readonly<Record<string, number>>;
  };
  /** A setting of the server may cause problems with the proxy in front of it. */
  readonly "server:advice": { readonly advice: string };
  /** The keep-alive timeout of a connection expired, but a request was waiting; it was served. */
  readonly "request:saved": { readonly restedMs: number };
  /** An idle connection ended with bytes of an unanswered request on it. */
  readonly "request:lost": { readonly restedMs: number };
  /** The head of an answer is larger than the front accepts, so that its client gets a 502. */
  readonly "answer:oversized": {
    readonly front: FrontName;
    readonly bytes: number;
    readonly bytesMax: number;
    readonly field: string;
    readonly fieldBytes: number;
  };
  /** An answer had fewer bytes than its Content-Length; its connection was cut. */
  readonly "answer:short": {
    readonly path: string;
    readonly announced: number;
    readonly missing: number;
  };
  /** A WebSocket handshake came without Upgrade: the hop in front has removed it. */
  readonly "upgrade:stripped": { readonly path: string };
}
