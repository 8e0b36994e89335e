/**
 * How an upstream is as a whole, told from its targets: what health, dashboard and alerts show.
 *
 * A target whose open time is over, or that is on trial, would be asked again, so it is no reason
 * to call its upstream down: without calls nobody would ever learn that it is back. A target that
 * an operator drains is not counted at all.
 */
import type { Target } from "./target.js";

/**
 * - `healthy`: every target takes calls.
 * - `degraded`: some do, or the first calls after an outage are being tried.
 * - `down`: none does, so calls are refused.
 * - `panic`: so few are healthy that those that are not are used as well.
 */
export type UpstreamState = "healthy" | "degraded" | "down" | "panic";

type Standing = "up" | "trial" | "denied";

/** The state of an upstream with these targets. */
export function upstreamState(targets: readonly Target[]): UpstreamState {
  const counted = targets.filter(({ draining }) => !draining);
  const standings = counted.map(standingOf);
  if (standings.every((one) => one === "denied")) return "down";
  if (counted.some(({ health }) => health.overruled)) return "panic";
  return standings.every((one) => one === "up") ? "healthy" : "degraded";
}

/** How long until the first target is asked again by itself; Infinity when only an event helps. */
export function nextReturnMs(targets: readonly Target[]): number {
  let soonest = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    if (target.draining || standingOf(target) !== "denied") continue;
    const byBreaker = target.breaker?.state === "open" ? target.breaker.deniedForMs() : 0;
    soonest = Math.min(soonest, Math.max(byBreaker, target.health.deniedForMs()));
  }
  return soonest;
}

function standingOf({ breaker, health }: Target): Standing {
  if (health.deniedForMs() > 0) return "denied";
  if (breaker === null || breaker.state === "closed") return "up";
  return breaker.state === "half_open" || breaker.deniedForMs() === 0 ? "trial" : "denied";
}
