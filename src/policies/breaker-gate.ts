/**
 * Asks the breaker of the target for a permit, and tells it how the exchange went.
 *
 * Place: above the attempt timeout, since an attempt that timed out must count against the target.
 * Guarantee: every permit is settled once, when the body of the answer is over, with the verdict
 * that the catalog's blame gives. What is no fault of the target is neutral and counts for nothing.
 * Not here: the state of a breaker (targets/breaker.ts).
 */
import type { Verdict } from "../base/permit.js";
import { LAYERS } from "../catalog/defaults.js";
import { FAILURES, type FailureCode } from "../catalog/failures.js";
import type { Policy } from "../core/pipe.js";
import type { BreakerOptions } from "../targets/breaker.js";
import type { Exchange, GuardedExchange } from "../targets/exchange.js";
import { holding, refused } from "./holding.js";

/** `settings` are those of the breakers of the targets; false when they have none. */
export function breakerGate(settings: BreakerOptions | false): Policy<Exchange, GuardedExchange> {
  return {
    role: "breaker",
    settings: settings === false ? { enabled: false } : { ...settings },
    run(exchange, next) {
      const { breaker } = exchange.target;
      if (breaker === null) return next(exchange as GuardedExchange);
      const permit = breaker.admit();
      if ("deniedForMs" in permit) {
        // No transport will see this exchange, so it is ended here.
        exchange.end();
        const target = exchange.target.id;
        return refused({ code: "breaker_open", target, retryAfterMs: permit.deniedForMs });
      }
      const settle = (code: FailureCode | null): void =>
        permit.settle(wasHurried(exchange) ? "neutral" : verdictOf(code));
      return holding(next, exchange as GuardedExchange, settle);
    },
  };
}

/**
 * Whether the caller's own deadline cut the exchange so soon that nothing is said of its target;
 * else who may send requests with short deadlines could open breakers.
 */
function wasHurried({ call, cancellation, timeline }: Exchange): boolean {
  if (cancellation.by !== "deadline" || call.deadline !== call.callerDeadline) return false;
  return call.deadline - timeline.startedAt < LAYERS.fairAttemptMs;
}

/** What an exchange that ended by this name says of its target; null is a whole answer. */
export function verdictOf(code: FailureCode | null): Verdict {
  if (code === null) return "success";
  const { blame } = FAILURES[code];
  const counts = blame === "upstream" || blame === "overload" || blame === "network";
  return counts ? "failure" : "neutral";
}
