/**
 * What is known of a target's health besides its breaker: probes, its own word, slow start.
 *
 * The target set asks it before a target is chosen, the balancer for the share of its weight that
 * it may carry. What changes it notifies the set (`changed`), which then counts anew.
 */
import type { TargetMonitor } from "./target-monitor.js";

/**
 * - `healthy`: nothing speaks against it.
 * - `unhealthy`: probes, or the target itself, say that it takes no calls.
 * - `ejected`: it did worse than its peers; its breaker keeps the time.
 */
export type HealthState = "healthy" | "unhealthy" | "ejected";

export interface TargetHealth {
  readonly state: HealthState;
  /** Why it is not healthy. */
  readonly reason: string | null;
  /** Nothing is known of it, and it is to get no call before there is. */
  readonly untried: boolean;
  /** It is unhealthy and used all the same, since too few others would be left: panic. */
  readonly overruled: boolean;
  /** How long it takes no call: 0 when it takes them, Infinity while probes say that it is down. */
  deniedForMs(): number;
  /** The share of its weight that it may carry, above 0 and up to 1; slow start after a return. */
  share(): number;
  /** Counts its exchanges; null where there are no peers to compare it with. */
  readonly monitor: TargetMonitor | null;
}

/** The health of a target that is not watched. */
export const ALWAYS_HEALTHY: TargetHealth = {
  state: "healthy",
  reason: null,
  untried: false,
  overruled: false,
  deniedForMs: () => 0,
  share: () => 1,
  monitor: null,
};
