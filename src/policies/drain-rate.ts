/**
 * When a refused caller should come back: who is in front of it, by the pace at which places were
 * given back lately.
 *
 * Guarantee: at least a second, at most ten, and spread by chance, so that those who were refused
 * together do not return together. It looks only when a call is rejected; until then a place that
 * is given back costs one addition.
 */
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { RETRY_AFTER } from "../catalog/defaults.js";

export interface DrainRate {
  /** Places that were given back. */
  served: number;
  /** For a caller that has this many in front of it. */
  retryAfterMs(ahead: number): number;
}

export function drainRate(clock: Pick<Clock, "now">, random: Random): DrainRate {
  let markedAt = Number.NEGATIVE_INFINITY;
  let servedAtMark = 0;
  let perMs: number | null = null;

  const look = (): void => {
    const now = clock.now();
    const passed = now - markedAt;
    if (passed < RETRY_AFTER.paceMsMin) return;
    // What happened in a quiet hour before says nothing about this moment.
    perMs = passed > RETRY_AFTER.paceMsMax ? null : (drained.served - servedAtMark) / passed;
    markedAt = now;
    servedAtMark = drained.served;
  };

  const drained: DrainRate = {
    served: 0,
    retryAfterMs(ahead) {
      look();
      const { fallbackMs, computedMsMax } = RETRY_AFTER;
      return spread(random, perMs === null ? fallbackMs : Math.min(ahead / perMs, computedMsMax));
    },
  };
  return drained;
}

/** A time to come back that no two callers share, and that the field can express. */
export function spread(random: Random, ms: number): number {
  const { msMin, jitter } = RETRY_AFTER;
  return Math.max(ms, msMin) * (1 + jitter * random.next());
}
