/**
 * Gives an attempt its target, and makes it an exchange.
 *
 * Place: below retry, so that a repeat may go elsewhere; above the breaker, which is the target's.
 * Guarantee: the target counts the exchange as pending until the body of its answer is over.
 * Not here: the order of preference (targets/target-set.ts) and the permit (breaker-gate.ts).
 */
import type { Clock } from "../base/clock.js";
import { RETRY_AFTER } from "../catalog/defaults.js";
import type { Attempt } from "../core/attempt.js";
import type { Failure } from "../core/failure.js";
import type { Policy } from "../core/pipe.js";
import { Exchange } from "../targets/exchange.js";
import type { TargetSet } from "../targets/target-set.js";
import { holding, refused } from "./holding.js";

export interface PickTargetOptions {
  /** The name of the way of choosing, for `describe()`. */
  readonly balancer: string;
}

export function pickTarget(
  clock: Clock,
  targets: TargetSet,
  options: PickTargetOptions,
): Policy<Attempt, Exchange> {
  return {
    role: "pick_target",
    settings: { balancer: options.balancer },
    run(attempt, next) {
      const target = targets.choose(attempt.triedTargets);
      if (target === null) return refused(refusal(targets));
      attempt.target = target.id;
      target.pending += 1;
      const giveBack = (): void => {
        target.pending -= 1;
      };
      return holding(next, new Exchange(clock, attempt, target), giveBack);
    },
  };
}

/** With one target its breaker is the reason; with several, that none of them is fit. */
function refusal(set: TargetSet): Failure {
  const soonest = set.deniedForMs();
  const retryAfterMs = Number.isFinite(soonest) && soonest > 0 ? soonest : RETRY_AFTER.fallbackMs;
  const [only, other] = set.targets;
  if (only === undefined || other !== undefined) return { code: "no_healthy_target", retryAfterMs };
  return { code: "breaker_open", target: only.id, retryAfterMs };
}
