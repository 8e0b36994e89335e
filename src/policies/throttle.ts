/**
 * Stops sending what an overloaded upstream would refuse anyway (client-side adaptive throttling).
 *
 * Place: below retry, so that repeats and hedges are counted, too, and above target choice, since
 * it is the upstream that is overloaded and not one target. Guarantee: of the window's requests as
 * many are refused here as go beyond `requestsPerAccept` times those that were accepted, of the
 * least important first, and never all of a priority, so that the way back is noticed. Requests are
 * counted together with their answers: one that is still under way was not refused.
 */

import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { rollingWindow } from "../base/rolling-window.js";
import { RETRY_AFTER } from "../catalog/defaults.js";
import { FAILURES } from "../catalog/failures.js";
import type { ThrottleOptions } from "../catalog/options/overload.js";
import { THROTTLE } from "../catalog/overload-defaults.js";
import { PRIORITIES, PRIORITY_RANK, type Priority } from "../catalog/priorities.js";
import type { Attempt, MeteredAttempt, ThrottledAttempt } from "../core/attempt.js";
import type { Outcome } from "../core/outcome.js";
import { refused } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";

import { spread } from "./drain-rate.js";
import type { Refusals } from "./refusals.js";

export type ThrottleSettings = Required<ThrottleOptions>;

export interface Throttle extends Policy<MeteredAttempt, ThrottledAttempt> {
  /** The share of this priority that is refused now, from 0 to 1. */
  refusedShare(priority: Priority): number;
}

export function throttle(
  clock: Pick<Clock, "now">,
  random: Random,
  options: ThrottleSettings,
  counted: Refusals,
): Throttle {
  const { requestsPerAccept, windowMs, refusedMax } = options;
  const window = rollingWindow(clock, windowMs, [...PRIORITIES, "accepted"]);

  const refusedShare = (priority: Priority): number => {
    const { accepted, ...asked } = window.totals();
    const requests = PRIORITIES.reduce((sum, name) => sum + asked[name], 0);
    // The first ones of a window say little.
    const weight = requests / (requests + THROTTLE.volume);
    const excess = (requests - requestsPerAccept * accepted) * weight;
    const below = PRIORITIES.slice(0, PRIORITY_RANK[priority]).reduce(
      (sum, name) => sum + asked[name],
      0,
    );
    const share = (excess - below) / Math.max(1, asked[priority]);
    return Math.min(refusedMax, Math.max(0, share));
  };

  return {
    role: "throttle",
    settings: { ...options },
    refusedShare,
    async run(attempt, next) {
      const { call } = attempt;
      const { priority } = call;
      const share = refusedShare(priority);
      if (share > 0 && random.next() < share) {
        window.add(priority);
        const retryAfterMs = spread(random, share * RETRY_AFTER.computedMsMax);
        return refused(counted.note(call, { code: "upstream_throttled", retryAfterMs }));
      }
      const outcome = await next(attempt as Attempt as ThrottledAttempt);
      const verdict = verdictOf(outcome);
      if (verdict !== "unasked") window.add(priority);
      if (verdict === "accepted") window.add("accepted");
      return outcome;
    },
  };
}

/** RFC 9110 §15.6.4 and RFC 6585 §4: too much at present, and too much from us. */
const AWAY: ReadonlySet<number> = new Set([503, 429]);

/** Whether the upstream took it, turned it away, or was never heard of it. */
function verdictOf(outcome: Outcome<unknown>): "accepted" | "overloaded" | "unasked" {
  if (outcome.kind === "success") return "accepted";
  const { blame, phase } = FAILURES[outcome.failure.code];
  if (outcome.kind === "error_response") {
    const turnedAway = blame === "overload" || AWAY.has(outcome.response.status);
    return turnedAway ? "overloaded" : "accepted";
  }
  if (phase === "admit" || phase === "queue") return "unasked";
  if (blame === "overload") return "overloaded";
  return blame === "upstream" || blame === "network" ? "accepted" : "unasked";
}
