/**
 * The generic cell rate algorithm: a limit as one number for each key, its backlog.
 *
 * The backlog is the time in which all that was taken would be given back at the rate of the limit;
 * a cost fits while the backlog stays within the burst. So there is no window that begins or ends,
 * and no moment at which everybody may come again.
 */

/** A limit in the terms of the algorithm. */
export interface RateRule {
  /** Milliseconds that one unit takes to come back. */
  readonly unitMs: number;
  /** The largest backlog. */
  readonly burstMs: number;
}

/** What was granted of what was asked for, and the backlog after it. */
export interface RateTaken {
  readonly granted: number;
  readonly backlogMs: number;
}

/** Whether a request may pass, and what is left. */
export interface RateDecision {
  readonly allowed: boolean;
  /** Units that are left, as far as this process knows. */
  readonly remaining: number;
  /** When the same may be asked for again; 0 where it was granted, Infinity for never. */
  readonly retryAfterMs: number;
  /** Until all of the limit is there again. */
  readonly resetMs: number;
}

/** Rates such as a third of a millisecond leave errors of this order. */
const ROUNDING = 1e-9;

/** Units come back evenly: `limit` in `windowMs`. */
export function ruleOf(limit: number, windowMs: number, burst: number): RateRule {
  const unitMs = windowMs / limit;
  return { unitMs, burstMs: unitMs * burst };
}

/** The part of a limit that one of several members has; a burst is at least one unit. */
export function shareOf({ unitMs, burstMs }: RateRule, members: number): RateRule {
  const own = unitMs * members;
  return { unitMs: own, burstMs: Math.max(own, burstMs) };
}

/** Units that fit now. */
export function roomIn({ unitMs, burstMs }: RateRule, backlogMs: number): number {
  return Math.max(0, Math.floor(((burstMs - backlogMs) / unitMs) * (1 + ROUNDING) + ROUNDING));
}

/** Takes a cost, whole or as much of it as fits; a negative one is given back. */
export function takeFrom(
  rule: RateRule,
  backlogMs: number,
  cost: number,
  partial: boolean,
): RateTaken {
  const room = roomIn(rule, backlogMs);
  const granted = cost <= room ? cost : partial ? room : 0;
  return { granted, backlogMs: Math.max(0, backlogMs + granted * rule.unitMs) };
}

/** Until a cost fits; Infinity for one that never does. */
export function waitFor({ unitMs, burstMs }: RateRule, backlogMs: number, cost: number): number {
  const needed = cost * unitMs;
  if (needed > burstMs * (1 + ROUNDING)) return Number.POSITIVE_INFINITY;
  return Math.max(0, backlogMs + needed - burstMs);
}
