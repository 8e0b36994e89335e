/**
 * Permission that must be given back: the breaker, the bulkhead, the pending counts and the budget
 * speak it.
 * An admitted exchange gets a permit and settles it with a verdict when the exchange is over, body
 * included.
 * Guarantee: a permit made by `permitOf` passes on its first verdict and no other, so that a late
 * or doubled result can never be counted twice. What a second settle means is the maker's choice.
 */
import { invariant } from "./invariant.js";

/** How that which was permitted went; `neutral` says nothing about the target. */
export type ExchangeVerdict = "success" | "failure" | "neutral";

/** An admission that is owed a verdict, exactly once. */
export interface Permit {
  settle(verdict: ExchangeVerdict): void;
}

/**
 * A permit that hands its first verdict to `settle`; later ones go to `settledAgain`, or nowhere.
 */
export function permitOf(
  settle: (verdict: ExchangeVerdict) => void,
  settledAgain?: (verdict: ExchangeVerdict) => void,
): Permit {
  let settled = false;
  return {
    settle(verdict) {
      if (settled) {
        settledAgain?.(verdict);
        return;
      }
      settled = true;
      settle(verdict);
    },
  };
}

/** For things that admit every exchange. */
export const freePermit: Permit = { settle: () => {} };

/** A function that acts on its first call only; later calls go to `again`, or nowhere. */
export function onceOnly<Arguments extends readonly unknown[]>(
  fn: (...args: Arguments) => void,
  again?: (...args: Arguments) => void,
): (...args: Arguments) => void {
  let called = false;
  return (...args) => {
    if (called) {
      again?.(...args);
      return;
    }
    called = true;
    fn(...args);
  };
}

/** To be given as `settledAgain` or `again` where a second call is a bug, as in tests. */
export function neverAgain(): never {
  invariant(false, "settled twice");
}
