/**
 * `gateway.health`: the checks of the application, what holds its start, and the news of changes.
 *
 * Guarantee: a report ends within the timeout of its slowest check and never rejects; every change
 * is emitted once, at the moment when it is known, whether or not a probe asks.
 * Not here: what follows from what for readiness (health-report.ts).
 */
import type { Clock } from "../../base/clock.js";
import type { Emitter } from "../../base/emitter.js";
import type { LifecycleState } from "../../policies/drain-gate.js";
import type { GatewayEvents } from "../../records/events.js";
import { type CheckFunction, createCheck, type HealthCheck } from "./health-check.js";
import { type CheckOptions, readCheck } from "./health-options.js";
import { type HealthReport, healthReport, type UpstreamReport } from "./health-report.js";

/** Which checks a report asks anew. */
export interface ReportOptions {
  /**
   * `critical`: those that readiness depends on; `none`: what is known already.
   * @default "all"
   */
  readonly checks?: "all" | "critical" | "none";
}

/** `gateway.health`: checks of the application, and what liveness and readiness are. */
export interface GatewayHealth {
  /** As far as is known without asking any check. */
  readonly live: boolean;
  readonly ready: boolean;
  /** Adds a check; returns how to remove it. Throws for a name that is taken, or wrong options. */
  addCheck(name: string, fn: CheckFunction, options?: CheckOptions): () => void;
  /** Not ready until the function that it returns is called; any number may hold at once. */
  hold(reason: string): () => void;
  /** This process cannot recover and should be restarted: liveness fails from now on. */
  fatal(reason: string): void;
  /** Runs the checks and reports everything. */
  report(options?: ReportOptions): Promise<HealthReport>;
}

/** What the gateway itself uses of it. */
export interface HealthCore extends GatewayHealth {
  /** What is known, without asking any check. */
  now(): HealthReport;
  /** Something that health depends on has changed. */
  look(): void;
  /** Stops what runs in the background. */
  stop(): void;
}

export interface HealthParts {
  readonly clock: Clock;
  readonly events: Emitter<GatewayEvents>;
  readonly lifecycle: { readonly state: LifecycleState; readonly maintenance: object | null };
  upstreams(): readonly UpstreamReport[];
  /** The state is requested, so that monitoring of the upstreams begins. */
  asked(): void;
}

type Hold = { readonly reason: string };

export function createHealth(parts: HealthParts): HealthCore {
  const checks = new Map<string, HealthCheck>();
  const holds = new Set<Hold>();
  let fatal: string | null = null;
  const now = (): HealthReport => reportNow(parts, checks, holds, fatal);
  const teller = changeTeller(parts.events, now);

  return {
    get live() {
      return now().live;
    },
    get ready() {
      return now().ready;
    },
    addCheck(name, fn, options) {
      const settings = readCheck(name, fn, options, new Set(checks.keys()));
      const check = createCheck(parts.clock, name, fn, settings, (from, to) =>
        teller.checked(name, from, to),
      );
      checks.set(name, check);
      teller.look();
      return () => {
        if (checks.get(name) !== check) return;
        checks.delete(name);
        check.stop();
        teller.look();
      };
    },
    hold(reason) {
      const hold = { reason: String(reason) };
      holds.add(hold);
      teller.look();
      return () => {
        if (holds.delete(hold)) teller.look();
      };
    },
    fatal(reason) {
      fatal ??= String(reason);
      teller.look();
    },
    async report({ checks: which = "all" } = {}) {
      parts.asked();
      const asked = [...checks.values()].filter(
        ({ settings }) => which === "all" || (which === "critical" && settings.critical),
      );
      if (asked.length > 0) await Promise.all(asked.map((check) => check.ask()));
      return now();
    },
    now,
    look: teller.look,
    stop() {
      for (const check of checks.values()) check.stop();
    },
  };
}

function reportNow(
  { clock, lifecycle, upstreams }: HealthParts,
  checks: ReadonlyMap<string, HealthCheck>,
  holds: ReadonlySet<Hold>,
  fatal: string | null,
): HealthReport {
  return healthReport({
    at: clock.wallNow(),
    lifecycle: lifecycle.state,
    maintenance: lifecycle.maintenance !== null,
    holds: [...holds].map(({ reason }) => reason),
    fatal,
    checks: [...checks.values()],
    upstreams: upstreams(),
  });
}

/** Remembers what was reported last, and emits what has changed since. */
function changeTeller(events: Emitter<GatewayEvents>, now: () => HealthReport) {
  const last = { liveness: true, readiness: true };

  const emit = (payload: GatewayEvents["health:change"]): void => {
    if (events.has("health:change")) events.emit("health:change", payload);
  };
  const compare = (subject: keyof typeof last, good: boolean, report: HealthReport): void => {
    if (good === last[subject]) return;
    last[subject] = good;
    const [from, to] = good ? (["fail", "pass"] as const) : (["pass", "fail"] as const);
    const { reasons, fatal, holds } = report;
    emit({ subject, check: null, from, to, reasons, output: fatal ?? holds[0] ?? null });
  };
  const look = (): void => {
    const report = now();
    compare("liveness", report.live, report);
    compare("readiness", report.ready, report);
  };
  return {
    look,
    checked(check: string, from: CheckStatus, { status: to, output }: HealthCheckState): void {
      if (from !== to) emit({ subject: "check", check, from, to, reasons: [], output });
      look();
    },
  };
}

type HealthCheckState = NonNullable<HealthCheck["last"]>;
type CheckStatus = HealthCheckState["status"] | null;
