/**
 * How many repeats all calls of an upstream together may cost.
 *
 * Every call pays in a share of a repeat, every repeat takes a whole one out. So an upstream that
 * fails gets a fifth more traffic and not three times as much. The floor keeps quiet services
 * repeating, where a share alone would round to nothing.
 */
import type { Clock } from "../base/clock.js";
import { rollingWindow } from "../base/rolling-window.js";

export interface RetryBudgetOptions {
  /** Repeats for each call of the window, from 0 to 1. */
  readonly budgetRatio: number;
  readonly budgetWindowMs: number;
  /** Repeats that are always allowed, for each second of the window. */
  readonly budgetFloorPerSecond: number;
}

export interface RetryBudget {
  readonly settings: RetryBudgetOptions;
  /** A call has begun. */
  deposit(): void;
  /** Takes a repeat out; false when there is none to take. */
  withdraw(): boolean;
  snapshot(): { readonly calls: number; readonly repeats: number; readonly left: number };
}

export function retryBudget(clock: Pick<Clock, "now">, options: RetryBudgetOptions): RetryBudget {
  const { budgetRatio, budgetWindowMs, budgetFloorPerSecond } = options;
  const floor = budgetFloorPerSecond * (budgetWindowMs / 1_000);
  const window = rollingWindow(clock, budgetWindowMs, ["call", "repeat"]);
  const allowed = (calls: number): number => Math.floor(calls * budgetRatio + floor);
  return {
    settings: { budgetRatio, budgetWindowMs, budgetFloorPerSecond },
    deposit: () => window.add("call"),
    withdraw() {
      if (window.total("repeat") >= allowed(window.total("call"))) return false;
      window.add("repeat");
      return true;
    },
    snapshot() {
      const { call, repeat } = window.totals();
      return { calls: call, repeats: repeat, left: Math.max(0, allowed(call) - repeat) };
    },
  };
}
