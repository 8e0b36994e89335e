/**
 * How an upstream is as a whole, by its targets: what health, dashboard and alerts show.
 *
 * A target whose open time is over, or that is on trial, would be asked again, so it is no reason
 * to call its upstream down: without calls nothing would ever show that it is back. A target that
 * an operator drains is not counted at all.
 */
import type { Standing } from "../catalog/words.js";
import { standingOf } from "./standing.js";
import type { Target } from "./target.js";

/**
 * - `healthy`: every target takes calls.
 * - `degraded`: some do, or the first calls after an outage are being tried.
 * - `down`: none does, so calls are refused.
 * - `panic`: so few are healthy that those that are not are used as well.
 */
export type UpstreamState = "healthy" | "degraded" | "down" | "panic";

/** The state of an upstream with these targets. */
export function upstreamState(targets: readonly Target[]): UpstreamState {
  const counted = targets.filter(({ draining }) => !draining);
  if (counted.every(isDenied)) return "down";
  if (counted.some(({ health }) => health.overruled)) return "panic";
  return counted.every(isUp) ? "healthy" : "degraded";
}

/** How long until the first target is asked again by itself; Infinity when only an event helps. */
export function nextReturnMs(targets: readonly Target[]): number {
  let soonest = Number.POSITIVE_INFINITY;
  for (const target of targets) {
    if (target.draining || !isDenied(target)) continue;
    const byBreaker = target.breaker?.state === "open" ? target.breaker.deniedForMs() : 0;
    soonest = Math.min(soonest, Math.max(byBreaker, target.health.deniedForMs()));
  }
  return soonest;
}

/** In doubt, only calls of other routes are let through until its open time is over. */
function isDenied(target: Target): boolean {
  const standing = standingOf(target);
  if (standing !== "in_doubt") return standing === "out";
  return target.breaker?.state === "open" && target.breaker.deniedForMs() > 0;
}

function isUp(target: Target): boolean {
  return !OFF_AND_ON.has(standingOf(target));
}

const OFF_AND_ON: ReadonlySet<Standing> = new Set<Standing>(["out", "in_doubt", "on_trial"]);
