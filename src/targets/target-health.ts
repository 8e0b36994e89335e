/**
 * What is known of a target's health besides its breaker: probes, ejection, slow start.
 *
 * The target set asks it before a target is chosen, the balancer for the share of its weight that
 * it may carry. Who changes what it says tells the set (`changed`), which then counts anew.
 */

export interface TargetHealth {
  readonly state: "healthy" | "unhealthy" | "ejected";
  /** How long it takes no call: 0 when it takes them, Infinity while probes say that it is down. */
  deniedForMs(): number;
  /** The share of its weight that it may carry, above 0 and up to 1; slow start after a return. */
  share(): number;
}

/** The health of a target that nobody watches. */
export const ALWAYS_HEALTHY: TargetHealth = {
  state: "healthy",
  deniedForMs: () => 0,
  share: () => 1,
};
