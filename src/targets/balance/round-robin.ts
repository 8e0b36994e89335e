/**
 * Round robin by weight, smooth: of weights 5, 1 and 1 the heavy one is never asked five times in a
 * row.
 *
 * Targets of one weight take turns in a circle, and the circles compete as nginx lets servers do:
 * each gains the weight of all its targets, the richest is asked and pays for all. So the cost
 * grows with the number of different weights, not of targets.
 */
import { BALANCE } from "../../catalog/balance-defaults.js";
import type { BalanceField, Balancer, BalanceTarget } from "./balancer.js";

export function roundRobin(): Balancer {
  return {
    name: "round_robin",
    over(targets, field) {
      const circles = circlesOf(targets, field);
      const total = circles.reduce((sum, { gain }) => sum + gain, 0);
      return {
        pick() {
          // A turn of a target that is not fit is lost to the others, not saved up.
          for (let left = BALANCE.turnsMax; left > 0; left -= 1) {
            const target = richest(circles, total).next();
            if (field.accepts(target)) return target;
          }
          return null;
        },
      };
    },
  };
}

interface Circle {
  /** What it gains with every choice: the weight of all its targets. */
  readonly gain: number;
  credit: number;
  next(): BalanceTarget;
}

function circlesOf(targets: readonly BalanceTarget[], field: BalanceField): readonly Circle[] {
  const byWeight = new Map<number, BalanceTarget[]>();
  for (const target of targets) {
    const circle = byWeight.get(target.weight);
    if (circle === undefined) byWeight.set(target.weight, [target]);
    else circle.push(target);
  }
  return [...byWeight].map(([weight, members]) => {
    // Not the first: after every change of the list it would be asked once more than its share.
    let turn = Math.floor(field.random() * members.length);
    return {
      gain: weight * members.length,
      credit: 0,
      next() {
        const target = members[turn] as BalanceTarget;
        turn = (turn + 1) % members.length;
        return target;
      },
    };
  });
}

function richest(circles: readonly Circle[], total: number): Circle {
  let best = circles[0] as Circle;
  if (circles.length === 1) return best;
  for (const circle of circles) {
    circle.credit += circle.gain;
    if (circle.credit > best.credit) best = circle;
  }
  best.credit -= total;
  return best;
}
