/**
 * What is known of a process's health at one moment, and what follows for liveness and readiness.
 *
 * Liveness answers "would a restart help?" and so never depends on anything outside the process.
 * Readiness answers "may this process be sent requests now?".
 */
import type { LifecycleState } from "../../policies/drain-gate.js";
import type { HealthStatus, NotReadyReason } from "../../records/events.js";
import type { UpstreamState } from "../../targets/upstream-state.js";
import type { HealthCheck } from "./health-check.js";
import type { ReadResult } from "./health-result.js";

/** A check and its latest result. */
export interface CheckReport extends Omit<ReadResult, "status"> {
  readonly name: string;
  readonly critical: boolean;
  /** Null before its first run has ended. */
  readonly status: HealthStatus | null;
  /** When that was known, milliseconds since 1970. */
  readonly at: number | null;
  readonly durationMs: number | null;
}

/** An upstream as health sees it. */
export interface UpstreamReport {
  readonly name: string;
  readonly state: UpstreamState;
  readonly required: boolean;
}

/** Everything that health knows at one moment, as plain data. */
export interface HealthReport {
  /** `fail` when it does not live or is not ready, `warn` when something is worth a look. */
  readonly status: HealthStatus;
  readonly live: boolean;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly reasons: readonly NotReadyReason[];
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly lifecycle: LifecycleState;
  readonly maintenance: boolean;
  /** What readiness waits for, in the words of `hold`. */
  readonly holds: readonly string[];
  /** In the words of `fatal`; null as long as the process can recover. */
  readonly fatal: string | null;
  readonly checks: readonly CheckReport[];
  readonly upstreams: readonly UpstreamReport[];
}

/** What a report is made from. */
export interface HealthFacts {
  readonly at: number;
  readonly lifecycle: LifecycleState;
  readonly maintenance: boolean;
  readonly holds: readonly string[];
  readonly fatal: string | null;
  readonly checks: readonly HealthCheck[];
  readonly upstreams: readonly UpstreamReport[];
}

export function healthReport(facts: HealthFacts): HealthReport {
  const reasons = reasonsOf(facts);
  const status = reasons.length > 0 ? "fail" : isWorthALook(facts) ? "warn" : "pass";
  const checks = facts.checks.map(reportOf);
  const ready = reasons.length === 0;
  return { status, live: facts.fatal === null, ready, reasons, ...facts, checks };
}

function reasonsOf(facts: HealthFacts): readonly NotReadyReason[] {
  const { fatal, holds, lifecycle, checks, upstreams } = facts;
  const reasons: NotReadyReason[] = [];
  if (fatal !== null) reasons.push("fatal");
  if (holds.length > 0 || checks.some(isAwaited)) reasons.push("starting");
  if (lifecycle !== "running") reasons.push(lifecycle);
  if (checks.some(({ settings, last }) => settings.critical && last?.status === "fail")) {
    reasons.push("check");
  }
  if (upstreams.some(({ required, state }) => required && state === "down")) {
    reasons.push("upstream");
  }
  return reasons;
}

// In maintenance the process goes on to answer, with 503: taken out of the balancer, as a process
// that is not ready would be, it could not say when to come back.
function isWorthALook({ maintenance, checks, upstreams }: HealthFacts): boolean {
  return (
    maintenance ||
    checks.some(({ last }) => last !== null && last.status !== "pass") ||
    upstreams.some(({ state }) => state !== "healthy")
  );
}

/** A critical check that runs by itself and has not said anything yet. */
function isAwaited({ settings, last }: HealthCheck): boolean {
  return settings.critical && settings.intervalMs !== null && last === null;
}

function reportOf({ name, settings, last }: HealthCheck): CheckReport {
  return {
    name,
    critical: settings.critical,
    status: last?.status ?? null,
    output: last?.output ?? null,
    observedValue: last?.observedValue ?? null,
    observedUnit: last?.observedUnit ?? null,
    at: last?.at ?? null,
    durationMs: last?.durationMs ?? null,
  };
}
