/**
 * What a breaker reports: its states, why it goes from one to another, and a snapshot.
 *
 * Part of `breaker.ts`; events, metrics and the page show these words.
 */
import type { RouteSuspect } from "./route-ledger.js";

export type BreakerState = "closed" | "open" | "half_open";

/** Why a breaker went from one state to another. */
export type BreakerReason =
  | "consecutive_failures"
  | "failure_rate"
  | "ejected"
  | "silence"
  | "slow_calls"
  | "by_hand"
  | "restored"
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

export interface BreakerSnapshot {
  readonly state: BreakerState;
  readonly consecutiveFailures: number;
  /** Exchanges that counted, and failures among them, in the current window. */
  readonly counted: number;
  readonly failed: number;
  /** Good answers in the window that were slow; 0 without `slowCallMs`. */
  readonly slow: number;
  /** How long nothing will be admitted; 0 when something would be now. */
  readonly deniedForMs: number;
  /** It is not closed, by failures that may be the fault of what was asked: others find out. */
  readonly inDoubt: boolean;
  /** Routes that failed here lately, the latest last. */
  readonly routes: readonly RouteSuspect[];
}
