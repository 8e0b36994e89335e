/**
 * The share of its weight that a target carries after it was out: a straight ramp.
 *
 * A process that has just started has cold caches and code that is not compiled; its full share at
 * once would make it slow, or fail again.
 */
import type { SlowStartOptions } from "../catalog/options/health.js";

export type SlowStartSettings = Required<SlowStartOptions>;

/** The share this long after the return, up to 1. */
export function rampShare(sinceMs: number, { rampMs, shareMin }: SlowStartSettings): number {
  if (sinceMs >= rampMs) return 1;
  return shareMin + (1 - shareMin) * Math.max(0, sinceMs / rampMs);
}
