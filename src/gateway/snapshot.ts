/**
 * All state of a gateway as plain data, for health, dashboard and doctor.
 *
 * Guarantee: it survives `JSON.stringify` unchanged (no functions, no Infinity, no dates), it shows
 * one moment, and later changes do not reach it. Members are added and never change their meaning
 * within one `version`. It names targets, so it is for operators and not for clients.
 */
import type { Clock } from "../base/clock.js";
import { diagnoseUpstream } from "../diagnosis/diagnosis.js";
import type { Verdict } from "../diagnosis/diagnosis-report.js";
import type { Incident } from "../diagnosis/incident.js";
import type { HealthReport } from "../lifecycle/health/health-report.js";
import type { GatewayLifecycle } from "../lifecycle/lifecycle.js";
import type { GatewayWarning } from "../lifecycle/warnings.js";
import type { MaintenanceState } from "../policies/maintenance.js";
import type { RateLimitState } from "../records/rate-limits.js";
import type { BreakerSnapshot } from "../targets/breaker.js";
import type { FleetState } from "../targets/fleet-link.js";
import type { Target } from "../targets/target.js";
import type { UpstreamState } from "../targets/upstream-state.js";
import type { GatewayCore } from "./core.js";
import type { OverloadState } from "./overload.js";
import type { RetryBudgetState } from "./repeats.js";
import type { UpstreamCore } from "./upstream.js";
import { type TargetState, targetState } from "./upstream-handle.js";

/** One target at one moment. */
export interface TargetSnapshot extends Omit<TargetState, "breaker"> {
  /** Null where breakers are switched off. */
  readonly breaker: BreakerSnapshot | null;
  /** How long its answers took lately, a moving average; null while that is not known. */
  readonly latencyMs: number | null;
}

/** One upstream at one moment. */
export interface UpstreamSnapshot {
  readonly name: string;
  readonly state: UpstreamState;
  /** Readiness depends on it. */
  readonly required: boolean;
  readonly overload: OverloadState;
  /** What an operator has switched off; empty while nothing is. */
  readonly maintenance: readonly MaintenanceState[];
  /** Null where nothing is repeated. */
  readonly retryBudget: RetryBudgetState | null;
  /** What is wrong with it, by live evidence. */
  readonly verdict: Verdict;
  readonly targets: readonly TargetSnapshot[];
}

/** A gateway at one moment. */
export interface GatewaySnapshot {
  /** Of this shape; it grows when a member changes its meaning or goes. */
  readonly version: 1;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly lifecycle: {
    readonly state: GatewayLifecycle["state"];
    /** Calls under way. */
    readonly active: number;
    /** Null while maintenance is off. */
    readonly maintenance: { readonly retryAfterMs: number } | null;
  };
  /** What is known without asking any check. */
  readonly health: Pick<
    HealthReport,
    "status" | "live" | "ready" | "reasons" | "holds" | "fatal" | "checks"
  >;
  readonly upstreams: readonly UpstreamSnapshot[];
  /** Rate limits and quotas; empty without any. */
  readonly rateLimits: readonly RateLimitState[];
  /** Null for a gateway that is alone. */
  readonly fleet: FleetState | null;
  /** The latest ones, the oldest first. */
  readonly incidents: readonly Incident[];
  /** Contradictions of options and findings of the start checks that were reported. */
  readonly warnings: readonly GatewayWarning[];
}

export function takeSnapshot(
  {
    name,
    clock,
    lifecycle,
    health,
    incidents,
    reported,
    rateLimits,
    fleet,
  }: Pick<
    GatewayCore,
    "name" | "clock" | "lifecycle" | "health" | "incidents" | "reported" | "rateLimits" | "fleet"
  >,
  upstreams: Iterable<UpstreamCore>,
): GatewaySnapshot {
  const { state, active, maintenance } = lifecycle;
  const listed = incidents.list();
  const { status, live, ready, reasons, holds, fatal, checks } = health.now();
  return {
    version: 1,
    name,
    at: clock.wallNow(),
    lifecycle: { state, active, maintenance: maintenance === null ? null : { ...maintenance } },
    health: { status, live, ready, reasons, holds, fatal, checks },
    upstreams: [...upstreams].map((core) => upstreamSnapshot(core, clock, listed)),
    rateLimits: [...rateLimits].map((state) => state()),
    fleet: fleet?.state() ?? null,
    incidents: listed,
    warnings: reported(),
  };
}

function upstreamSnapshot(
  core: UpstreamCore,
  clock: Pick<Clock, "now">,
  incidents: readonly Incident[],
): UpstreamSnapshot {
  core.look();
  return {
    name: core.name,
    state: core.watch.state,
    required: core.options.required,
    overload: core.overload(),
    maintenance: core.maintenance.states,
    retryBudget: core.retryBudget(),
    verdict: diagnoseUpstream(core, clock, incidents).verdict,
    targets: core.targets.targets.map((target) => targetSnapshot(core, target, clock.now())),
  };
}

function targetSnapshot(core: UpstreamCore, target: Target, now: number): TargetSnapshot {
  const { latency } = target;
  return {
    ...targetState(core, target),
    breaker: core.options.breaker === false ? null : (target.breaker?.snapshot() ?? null),
    latencyMs: latency.known ? Math.round(1_000 * latency.at(now)) / 1_000 : null,
  };
}
