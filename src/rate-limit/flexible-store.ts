/**
 * `flexibleStore`: any limiter of rate-limiter-flexible as a store, with our deadline around it.
 *
 * It counts by its own points and duration, in whole requests; so it serves `count: "exact"`, and
 * what we grant while it does not answer follows the limit that is written for us.
 */
import type { RateRule } from "./gcra.js";
import type { RateStore } from "./store.js";

/** A limiter, as far as it is used. */
export interface FlexibleLimiter {
  consume(key: string, points?: number): Promise<FlexibleResult>;
  readonly points?: number;
  /** Seconds. */
  readonly duration?: number;
}

export interface FlexibleResult {
  readonly remainingPoints: number;
  readonly msBeforeNext: number;
}

export function flexibleStore(limiter: FlexibleLimiter): RateStore {
  if (typeof (Object(limiter) as Partial<FlexibleLimiter>).consume !== "function") {
    throw new TypeError("flexibleStore: expected a limiter of rate-limiter-flexible");
  }
  return {
    kind: "rate-limiter-flexible",
    whole: true,
    async take(key, units, rule) {
      try {
        const taken = await limiter.consume(key, units);
        return { granted: units, backlogMs: backlogOf(taken, rule) };
      } catch (result) {
        // A result where there are too few points, and an error where it fails.
        if (!isResult(result)) throw result;
        return { granted: 0, backlogMs: rule.burstMs - rule.unitMs * units + result.msBeforeNext };
      }
    },
  };
}

function backlogOf({ remainingPoints }: FlexibleResult, { unitMs, burstMs }: RateRule): number {
  return Math.max(0, burstMs - remainingPoints * unitMs);
}

function isResult(value: unknown): value is FlexibleResult {
  return typeof value === "object" && value !== null && "msBeforeNext" in value;
}
