/**
 * How many repeats all calls of an upstream together may cost.
 *
 * Every call pays in a share of a repeat, every repeat takes a whole one out. So an upstream that
 * fails gets a fifth more traffic and not three times as much. The floor keeps quiet services
 * repeating, where a share alone would round to nothing.
 *
 * The window is long, so that the crash of one target of several, which fails many calls at once,
 * can be made good at once. Where no target is above doubt that would be a storm; then the same
 * share holds for every second, and repeats that helped do not count. Calls of a route that fails
 * at every target get a part of it, so that they do not take the repeats of all others.
 */

import type { Clock } from "../base/clock.js";
import { rollingWindow } from "../base/rolling-window.js";
import { RETRY } from "../catalog/defaults.js";
import type { RetryOptions } from "../catalog/options/retry.js";

type Budget = Required<Pick<RetryOptions, "budgetRatio" | "budgetFloorPerSecond">>;

export interface RetryBudgetOptions extends Budget {
  readonly budgetWindowMs: number;
}

export interface RetryBudget {
  readonly settings: RetryBudgetOptions;
  /** A call has begun, at this moment. */
  deposit(at: number): void;
  /**
   * Takes a repeat out; false when there is none to take. `doubtful`: no target seems well.
   * `suspect`: what is asked fails everywhere, so that others keep a part of the budget.
   */
  withdraw(doubtful: boolean, suspect?: boolean): boolean;
  /** A repeat that was taken out was answered well. */
  helped(): void;
  snapshot(): { readonly calls: number; readonly repeats: number; readonly left: number };
}

const PAYMENTS = ["call", "repeat"] as const;
const LATELY = ["unhelpful"] as const;

export function retryBudget(clock: Pick<Clock, "now">, options: RetryBudgetOptions): RetryBudget {
  const { budgetRatio, budgetWindowMs, budgetFloorPerSecond } = options;
  const floor = budgetFloorPerSecond * (budgetWindowMs / 1_000);
  const window = rollingWindow(clock, budgetWindowMs, PAYMENTS);
  const lately = rollingWindow(clock, RETRY.doubtMs, LATELY);
  const allowed = (calls: number): number => Math.floor(calls * budgetRatio + floor);
  /** The same share of a shorter time. */
  const allowedLately = (calls: number): number =>
    (calls * budgetRatio + floor) * (RETRY.doubtMs / budgetWindowMs);
  return {
    settings: { budgetRatio, budgetWindowMs, budgetFloorPerSecond },
    deposit: (at) => window.add("call", 1, at),
    withdraw(doubtful, suspect = false) {
      const calls = window.total("call");
      const share = suspect ? RETRY.budgetSuspectShare : 1;
      if (window.total("repeat") >= allowed(calls) * share) return false;
      // One is always allowed, to see whether it helps.
      const most = Math.max(1, allowedLately(calls) * share);
      if (doubtful && lately.total("unhelpful") + 1 > most) return false;
      window.add("repeat");
      lately.add("unhelpful");
      return true;
    },
    helped() {
      if (lately.total("unhelpful") > 0) lately.add("unhelpful", -1);
    },
    snapshot() {
      const { call, repeat } = window.totals();
      return { calls: call, repeats: repeat, left: Math.max(0, allowed(call) - repeat) };
    },
  };
}
