/**
 * Which of the targets that may be asked gets the next exchange.
 *
 * The target set decides who may be asked; a balancer only chooses among them, and always does.
 */
import type { Target } from "./target.js";

export interface Balancer {
  readonly name: string;
  /** One of the candidates, of which there is at least one. */
  pick(candidates: readonly [Target, ...Target[]]): Target;
}

/**
 * Round robin by weight, smooth: of weights 5, 1 and 1 the heavy one is never asked five times in a
 * row. Every candidate gains its weight, the richest is chosen and pays for all. (It is nginx's
 * method.)
 */
export function weightedRoundRobin(): Balancer {
  const credits = new WeakMap<Target, number>();
  return {
    name: "weighted_round_robin",
    pick(candidates) {
      let [best] = candidates;
      if (candidates.length === 1) return best;
      let bestCredit = Number.NEGATIVE_INFINITY;
      let paid = 0;
      for (const target of candidates) {
        const credit = (credits.get(target) ?? 0) + target.weight;
        credits.set(target, credit);
        paid += target.weight;
        if (credit > bestCredit) {
          best = target;
          bestCredit = credit;
        }
      }
      credits.set(best, bestCredit - paid);
      return best;
    },
  };
}
