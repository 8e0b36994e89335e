/**
 * How many calls the upstream can take at once, learnt from how long its answers take.
 *
 * Place: inside the bulkhead, which asks it for the number of places. A gradient as in Netflix's
 * limiter and in Envoy: the latency at rest over the latency now is the part of the limit that is
 * work; the other part only queues at the upstream. Guarantee: between `concurrencyMin` and
 * `concurrencyMax`; an answer that is a failure, however fast, makes nothing look faster; what is
 * not used does not grow. The latency at rest is learnt while the limit is not pressed, and
 * measured at half of it while it is, so that an overload that lasts never becomes what is usual.
 */

import type { Clock } from "../base/clock.js";
import { FAILURES, isFault } from "../catalog/failures.js";
import type { AdaptiveLimitOptions } from "../catalog/options/overload.js";
import { ADAPTIVE_LIMIT } from "../catalog/overload-defaults.js";
import type { Call } from "../core/call.js";
import { failureOf, type Outcome } from "../core/outcome.js";

export type AdaptiveLimitSettings = Required<AdaptiveLimitOptions>;

export interface AdaptiveLimit {
  readonly settings: AdaptiveLimitSettings;
  /** Calls that may run at once now, a whole number. */
  readonly limit: number;
  /** What is held for the latency without a queue; null until it is known. */
  readonly baselineMs: number | null;
  /** A call has its head or its failure. `running` are the calls at once, this one included. */
  seen(call: Call, outcome: Outcome<unknown>, latencyMs: number, running: number): void;
}

export type LimitListener = (change: { readonly from: number; readonly to: number }) => void;

export function adaptiveLimit(
  clock: Pick<Clock, "now">,
  concurrencyMax: number,
  options: AdaptiveLimitSettings,
  onChange: LimitListener = () => {},
): AdaptiveLimit {
  return new GradientLimit(clock, concurrencyMax, options, onChange);
}

/** What came back since the limit was last moved. */
interface Window {
  readonly startedAt: number;
  answers: number;
  totalMs: number;
  overloads: number;
  runningMax: number;
}

class GradientLimit implements AdaptiveLimit {
  readonly settings: AdaptiveLimitSettings;
  baselineMs: number | null = null;
  limit: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #onChange: LimitListener;
  readonly #least: number;
  readonly #most: number;
  /** The limit as a fraction, so that small steps add up. */
  #estimate: number;
  #window: Window;
  /** Since when the limit is in use without a pause; null while it is not. */
  #pressedSince: number | null = null;
  #measuring = false;

  constructor(
    clock: Pick<Clock, "now">,
    concurrencyMax: number,
    settings: AdaptiveLimitSettings,
    onChange: LimitListener,
  ) {
    this.settings = settings;
    this.#clock = clock;
    this.#onChange = onChange;
    this.#most = concurrencyMax;
    this.#least = Math.min(settings.concurrencyMin, concurrencyMax);
    this.#estimate = this.#within(settings.concurrencyStart);
    this.limit = this.#estimate;
    this.#window = newWindow(clock.now());
  }

  seen({ attempts }: Call, outcome: Outcome<unknown>, latencyMs: number, running: number): void {
    const window = this.#window;
    const now = this.#clock.now();
    // What we refused ourselves says nothing about the upstream.
    if (attempts.length === 0) return;
    // What began before the limit was halved has waited in the old queue.
    if (this.#measuring && now - latencyMs < window.startedAt) return;
    window.runningMax = Math.max(window.runningMax, running);
    if (isOverload(outcome)) window.overloads += 1;
    // What was repeated has waited for another target, too; a failure says nothing about speed.
    else if (outcome.kind !== "success" || attempts.length > 1) return;
    else {
      window.answers += 1;
      window.totalMs += latencyMs;
    }
    if (now - window.startedAt < ADAPTIVE_LIMIT.windowMs) return;
    if (window.answers + window.overloads >= ADAPTIVE_LIMIT.samplesMin) this.#close(now);
  }

  #close(now: number): void {
    const window = this.#window;
    this.#window = newWindow(now);
    const meanMs = window.answers === 0 ? null : window.totalMs / window.answers;
    if (this.#measuring) {
      this.baselineMs = meanMs ?? this.baselineMs;
      this.#measuring = false;
      this.#pressedSince = now;
    } else {
      const pressed = window.runningMax >= this.limit / 2;
      // What was learnt first under pressure is doubtful, so it is looked at again at once.
      this.#measuring = pressed && (this.baselineMs === null || this.#isDue(now));
      if (meanMs !== null) this.#learn(meanMs, pressed);
      this.#move(window, pressed);
      this.#pressedSince = pressed ? (this.#pressedSince ?? now) : null;
    }
    // Half of it lets the upstream work off its queue, and shows how fast it is without one.
    this.#give(this.#estimate * (this.#measuring ? ADAPTIVE_LIMIT.remeasureFactor : 1));
  }

  #isDue(now: number): boolean {
    return now - (this.#pressedSince ?? now) >= ADAPTIVE_LIMIT.remeasureMs;
  }

  /** What is slower under pressure may be our own doing, and teaches nothing. */
  #learn(meanMs: number, pressed: boolean): void {
    const { baselineMs } = this;
    if (baselineMs === null) this.baselineMs = meanMs;
    else if (meanMs < baselineMs || !pressed) {
      this.baselineMs = baselineMs + (meanMs - baselineMs) * ADAPTIVE_LIMIT.baselineSmoothing;
    }
  }

  #move(window: Window, pressed: boolean): void {
    const estimate = this.#estimate;
    const gradient = this.#gradientOf(window);
    let aim = estimate * gradient;
    // The room for a short queue grows with the root, as the spread of random arrivals does.
    if (window.overloads === 0) aim += Math.sqrt(estimate);
    // Who does not use what is allowed has not shown that more would do.
    if (!pressed) aim = Math.min(aim, estimate);
    let next = estimate + (aim - estimate) * ADAPTIVE_LIMIT.smoothing;
    if (window.overloads > 0) next = Math.min(next, estimate * ADAPTIVE_LIMIT.overloadFactor);
    this.#estimate = this.#within(next);
  }

  /** The part of the limit that is work and not waiting. */
  #gradientOf({ answers, totalMs }: Window): number {
    if (this.baselineMs === null || totalMs <= 0) return 1;
    const gradient = (this.settings.latencyTolerance * this.baselineMs * answers) / totalMs;
    return Math.min(1, Math.max(ADAPTIVE_LIMIT.gradientMin, gradient));
  }

  #give(next: number): void {
    const from = this.limit;
    this.limit = Math.floor(this.#within(next));
    if (this.limit !== from) this.#onChange({ from, to: this.limit });
  }

  #within(value: number): number {
    return Math.min(this.#most, Math.max(this.#least, value));
  }
}

function newWindow(startedAt: number): Window {
  return { startedAt, answers: 0, totalMs: 0, overloads: 0, runningMax: 0 };
}

/** Whether the target, or our own patience with it, said that it was too much. */
function isOverload(outcome: Outcome<unknown>): boolean {
  const failure = failureOf(outcome);
  if (failure === null) return false;
  const { blame, status } = FAILURES[failure.code];
  return blame === "overload" || (status === 504 && isFault(blame));
}
