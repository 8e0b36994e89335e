/**
 * How long an exchange waits that finds out for others whether its target is well again.
 *
 * While others are well, no request is to wait for the whole time-out of a target that has
 * most likely stayed as silent as before: one that may be repeated is given up sooner, which shows
 * as much of the target.
 */
import { whyNotRepeat } from "../core/repeat.js";
import type { Exchange } from "../targets/exchange.js";
import { trialMsOf } from "../targets/target-monitor.js";
import type { TargetSet } from "../targets/target-set.js";

/** To be asked before the target counts the exchange. */
export function limitTrial(exchange: Exchange, targets: TargetSet, now: number): void {
  const { target, attempt, request } = exchange;
  const { breaker, latency } = target;
  const finds = breaker?.state === "half_open" || (latency.lastFailed && latency.isQuiet(now));
  if (!finds || attempt.further < 1) return;
  if (whyNotRepeat(request, { code: "http_response_timeout" }) !== null) return;
  if (!targets.hasUntried([...attempt.triedTargets, target.id])) return;
  const ms = trialMsOf(targets.targets.map(({ health }) => health.monitor));
  exchange.impatience = { ms, stale: false };
}
