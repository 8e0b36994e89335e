/**
 * How late this process is: the delay with which its event loop gets to what is due.
 *
 * A timer asks every few milliseconds how late it was called. The mean is weighted by time, so that
 * a loop that is blocked nine tenths of the time shows that delay, and a single pause hardly shows.
 * Guarantee: it samples while there is work and stops soon after; no timer keeps a process alive.
 */
import type { Clock, Timer } from "./clock.js";

export interface LoopDelay {
  /** Milliseconds, smoothed; 0 while nothing is sampled. */
  readonly delayMs: number;
  /** There is work: sampling begins, or goes on. */
  touch(): void;
}

export interface LoopDelayOptions {
  /** Time from one sample to the next. */
  readonly sampleMs: number;
  /** Within this time a change shows for the most part. */
  readonly smoothingMs: number;
  /** Without work for this long, sampling stops. */
  readonly idleMs: number;
}

/** Gets every sample: the smoothed delay, and the time that has passed since the one before. */
export type LoopSample = (delayMs: number, elapsedMs: number) => void;

export function loopDelay(
  clock: Pick<Clock, "now" | "after">,
  { sampleMs, smoothingMs, idleMs }: LoopDelayOptions,
  onSample: LoopSample = () => {},
): LoopDelay {
  let delayMs = 0;
  let timer: Timer | null = null;
  let sampledAt = 0;
  let touched = false;
  let quietMs = 0;

  const sample = (): void => {
    const now = clock.now();
    const elapsedMs = now - sampledAt;
    sampledAt = now;
    const lateMs = Math.max(0, elapsedMs - sampleMs);
    delayMs += (lateMs - delayMs) * (1 - Math.exp(-elapsedMs / smoothingMs));
    onSample(delayMs, elapsedMs);
    quietMs = touched ? 0 : quietMs + elapsedMs;
    touched = false;
    if (quietMs < idleMs) timer?.refresh();
    else stop();
  };
  const stop = (): void => {
    timer?.cancel();
    timer = null;
    delayMs = 0;
    onSample(0, idleMs);
  };

  return {
    get delayMs() {
      return delayMs;
    },
    touch() {
      touched = true;
      if (timer !== null) return;
      sampledAt = clock.now();
      quietMs = 0;
      timer = clock.after(sampleMs, sample);
      timer.unref();
    },
  };
}
