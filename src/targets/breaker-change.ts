/**
 * The states of a breaker, and why it goes from one to another.
 *
 * Part of `breaker.ts`; events, metrics and the page show these words.
 */

export type BreakerState = "closed" | "open" | "half_open";

/** Why a breaker went from one state to another. */
export type BreakerReason =
  | "consecutive_failures"
  | "failure_rate"
  | "ejected"
  | "silence"
  | "by_hand"
  | "open_time_over"
  | "trial_failed"
  | "trials_passed";

export interface BreakerChange {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: BreakerReason;
  /** How long it stays open; 0 for the other states. */
  readonly openForMs: number;
}
