/**
 * A health report → the answer to a probe, in the format `application/health+json`
 * (draft-inadarei-api-health-check-06).
 *
 * Guarantee: 200 or 503 and nothing else, but where a front has a status of its own for a server
 * that takes no more (HAProxy: 404, with `http-check disable-on-404`). Without `verbose` nothing
 * is named: no check, no
 * upstream, no address, and no text of an error.
 */
import { isoDate } from "../../base/clock.js";
import type { Verdict } from "../../diagnosis/diagnosis-report.js";
import type { HealthStatus, NotReadyReason } from "../../records/events.js";
import type { CheckReport, HealthReport, UpstreamReport } from "./health-report.js";

/** What a probe asks for: whether it lives, whether it is ready, or everything. */
export type HealthView = "live" | "ready" | "health";

/** What a probe is answered. */
export interface HealthAnswer {
  readonly status: number;
  readonly body: Buffer;
}

interface Observation {
  readonly componentId?: string;
  readonly componentType?: "component" | "system";
  readonly observedValue?: string | number | boolean;
  readonly observedUnit?: string;
  readonly status: HealthStatus;
  readonly time?: string;
  readonly output?: string;
  /** Beside the members of the format, which says to ignore what one does not know. */
  readonly verdict?: Pick<
    Verdict,
    "blame" | "layer" | "cause" | "confidence" | "evidence" | "next"
  >;
}

/** The verdict about an upstream, by live evidence. */
export type VerdictOf = (upstream: string) => Verdict;

const REASONS: Readonly<Record<NotReadyReason, string>> = {
  starting: "starting",
  lame_duck: "about to stop",
  draining: "stopping",
  closed: "stopped",
  fatal: "cannot recover",
  check: "a critical check fails",
  upstream: "a required upstream is down",
};

const REFUSED_NOTE = "details are switched off here; see the option verbose";

/** `verbose`: whether details may be shown, and `asked`: whether the probe wants them. */
export function healthAnswer(
  name: string,
  view: HealthView,
  report: HealthReport,
  { asked, allowed }: { readonly asked: boolean; readonly allowed: boolean },
  verdictOf: VerdictOf,
  drainStatus: number | null = null,
): HealthAnswer {
  const status = statusOf(view, report);
  const reasons =
    view === "live" ? report.reasons.filter((one) => one === "fatal") : report.reasons;
  const body = {
    status,
    ...(status === "fail" ? { output: reasons.map((one) => REASONS[one]).join(", ") } : {}),
    ...(asked && !allowed ? { notes: [REFUSED_NOTE] } : {}),
    ...(asked && allowed ? { serviceId: name, checks: checksOf(view, report, verdictOf) } : {}),
  };
  const text = `${JSON.stringify(body, null, asked ? 2 : 0)}\n`;
  const failed = view === "ready" && isLeaving(report) ? (drainStatus ?? 503) : 503;
  return { status: status === "fail" ? failed : 200, body: Buffer.from(text) };
}

/** It is well, and takes no more because it is about to stop; nothing else is wrong. */
function isLeaving({ lifecycle, reasons }: HealthReport): boolean {
  const leaving = lifecycle === "lame_duck" || lifecycle === "draining";
  return leaving && reasons.every((one) => one === "lame_duck" || one === "draining");
}

function statusOf(view: HealthView, { status, live, ready }: HealthReport): HealthStatus {
  if (view === "health") return status;
  return (view === "live" ? live : ready) ? "pass" : "fail";
}

function checksOf(
  view: HealthView,
  report: HealthReport,
  verdictOf: VerdictOf,
): Record<string, readonly Observation[]> {
  const { live, fatal, at } = report;
  const process = observed(live ? "running" : "cannot recover", live ? "pass" : "fail", at, fatal);
  if (view === "live") return { "gateway:process": [process] };
  const relevant = <Part extends CheckReport | UpstreamReport>(parts: readonly Part[]) =>
    view === "health" ? parts : parts.filter(isNeeded);
  // A reader of readiness wants to know what is wrong, also where readiness does not depend on it.
  const diagnoses = report.upstreams.flatMap((one) => diagnosis(one, verdictOf(one.name), at));
  const upstreams = relevant(report.upstreams).map((one) => upstreamObservation(one, at));
  return {
    "gateway:process": [process],
    "gateway:lifecycle": [lifecycleObservation(report)],
    ...(report.holds.length > 0 ? { "gateway:start": report.holds.map(holdObservation) } : {}),
    ...(upstreams.length > 0 ? { "gateway:upstreams": upstreams } : {}),
    ...(diagnoses.length > 0 ? { "gateway:diagnosis": diagnoses } : {}),
    ...Object.fromEntries(relevant(report.checks).flatMap(checkEntry)),
  };
}

function isNeeded(part: CheckReport | UpstreamReport): boolean {
  return "critical" in part ? part.critical : part.required;
}

function lifecycleObservation({ lifecycle, maintenance, at }: HealthReport): Observation {
  if (lifecycle !== "running") return observed(lifecycle, "fail", at, null);
  return maintenance
    ? observed("maintenance", "warn", at, null)
    : observed("running", "pass", at, null);
}

function observed(
  value: string,
  status: HealthStatus,
  at: number,
  output: string | null,
): Observation {
  const base = {
    componentType: "system",
    observedValue: value,
    status,
    time: isoDate(at),
  } as const;
  return output === null ? base : { ...base, output };
}

function holdObservation(reason: string): Observation {
  return { componentType: "system", status: "fail", output: reason };
}

function upstreamObservation({ name, state, required }: UpstreamReport, at: number): Observation {
  const bad = state === "down" && required ? "fail" : "warn";
  return {
    componentId: name,
    componentType: "component",
    observedValue: state,
    status: state === "healthy" ? "pass" : bad,
    time: isoDate(at),
  };
}

function diagnosis(
  { name, state, required }: UpstreamReport,
  { well, title, blame, layer, cause, confidence, evidence, next }: Verdict,
  at: number,
): readonly Observation[] {
  if (well) return [];
  const found: Observation = {
    componentId: name,
    componentType: "component",
    observedValue: cause ?? "unknown",
    status: state === "down" && required ? "fail" : "warn",
    time: isoDate(at),
    output: title,
    verdict: { blame, layer, cause, confidence, evidence, next },
  };
  return [found];
}

function checkEntry(check: CheckReport): readonly (readonly [string, readonly Observation[]])[] {
  const { name, status, output, observedValue, observedUnit, at } = check;
  if (status === null || at === null) return [];
  const observation: Observation = {
    ...(observedValue === null ? {} : { observedValue }),
    ...(observedUnit === null ? {} : { observedUnit }),
    status,
    time: isoDate(at),
    ...(output === null || status === "pass" ? {} : { output }),
  };
  return [[name, [observation]]];
}
