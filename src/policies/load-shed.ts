/**
 * Refuses calls while this process itself is late, the least important first.
 *
 * Place: right below the drain gate. What is refused for our own sake must cost as little as can
 * be, and takes no timer and no place. Guarantee: a pressure grows while the event loop is later
 * than the limit, shrinks while it is below half of it, and rests in between (hysteresis); each
 * priority has a quarter of the pressure in which it is refused more and more, so that nothing is
 * switched off and on at once. It is our own doing and counts against no target.
 * Not here: how late the loop is (base/loop-delay.ts).
 */

import type { Clock } from "../base/clock.js";
import { loopDelay } from "../base/loop-delay.js";
import type { Random } from "../base/random.js";
import type { ShedOptions } from "../catalog/options/overload.js";
import { SHED } from "../catalog/overload-defaults.js";
import { PRIORITIES, PRIORITY_RANK, type Priority } from "../catalog/priorities.js";
import type { AcceptedCall, RankedCall } from "../core/call.js";
import { refused } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";
import { spread } from "./drain-rate.js";
import type { Refusals } from "./refusals.js";

export type LoadShedOptions = Required<ShedOptions>;

/** The load of this process; one for all upstreams. */
export interface LoadGuard {
  readonly settings: LoadShedOptions;
  readonly eventLoopDelayMs: number;
  /** From 0, where no call is refused, to 1, where every call is. */
  readonly pressure: number;
  /** Null for a call that may pass, else how long until it is worth to come back. */
  refuses(priority: Priority): { readonly retryAfterMs: number } | null;
}

export type LoadListener = (change: {
  readonly shedding: boolean;
  readonly eventLoopDelayMs: number;
}) => void;

export function loadGuard(
  clock: Pick<Clock, "now" | "after">,
  random: Random,
  settings: LoadShedOptions,
  onChange: LoadListener = () => {},
): LoadGuard {
  const { eventLoopDelayMs } = settings;
  let pressure = 0;
  const onSample = (delayMs: number, elapsedMs: number): void => {
    const before = pressure;
    // One long pause is one sample, and must not be the whole way up.
    const stepMs = Math.min(elapsedMs, SHED.stepMsMax);
    if (delayMs > eventLoopDelayMs) pressure = Math.min(1, pressure + stepMs / SHED.riseMs);
    else if (delayMs < eventLoopDelayMs * SHED.calmRatio) {
      pressure = Math.max(0, pressure - elapsedMs / SHED.fallMs);
    }
    // What still weighs must be let go of, also when no calls come any more.
    if (pressure > 0) loop.touch();
    if (before > 0 !== pressure > 0) {
      onChange({ shedding: pressure > 0, eventLoopDelayMs: delayMs });
    }
  };
  const loop = loopDelay(clock, SHED, onSample);
  return {
    settings,
    get eventLoopDelayMs() {
      return loop.delayMs;
    },
    get pressure() {
      return pressure;
    },
    refuses(priority) {
      loop.touch();
      if (pressure === 0) return null;
      const share = pressure * PRIORITIES.length - PRIORITY_RANK[priority];
      if (random.next() >= share) return null;
      return { retryAfterMs: spread(random, pressure * SHED.fallMs) };
    },
  };
}

export type LoadShed = Policy<RankedCall, AcceptedCall>;

export function loadShed(guard: LoadGuard, counted: Refusals): LoadShed {
  return {
    role: "load_shed",
    settings: { ...guard.settings },
    run(call, next) {
      const refusal = guard.refuses(call.priority);
      if (refusal === null) return next(call as unknown as AcceptedCall);
      return refused(counted.note(call, { code: "load_shed", ...refusal }));
    },
  };
}
