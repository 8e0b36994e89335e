/**
 * How often something happened lately: exact counts in a ring of ten buckets.
 * The breaker, the retry budget and the statistics count with it. It has no timers of its own:
 * buckets that have grown too old are emptied when somebody next looks or adds.
 * Guarantee: what was added less than nine tenths of the window ago is counted, what was added a
 * whole window ago is not, and a clock that stands still or steps back loses nothing.
 */
import type { Clock } from "./clock.js";
import { invariant } from "./invariant.js";

/** Counts over the last while, one for each key. */
export interface RollingWindow<Key extends string = "success" | "failure"> {
  readonly windowMs: number;
  /** Counts one, or as many as given. */
  add(key: Key, count?: number): void;
  /** The sum of one key. */
  total(key: Key): number;
  /** The sums of all keys. */
  totals(): Readonly<Record<Key, number>>;
  /** Forgets everything. */
  clear(): void;
}

/**
 * Ten steps of forgetting: fine enough that no rate jumps, few enough to be added up on every read.
 */
export const BUCKETS = 10;

const VERDICT_KEYS = ["success", "failure"] as const;

/** A window over successes and failures, or over the keys that are given. */
export function rollingWindow(clock: Pick<Clock, "now">, windowMs: number): RollingWindow;
export function rollingWindow<Key extends string>(
  clock: Pick<Clock, "now">,
  windowMs: number,
  keys: readonly Key[],
): RollingWindow<Key>;
export function rollingWindow(
  clock: Pick<Clock, "now">,
  windowMs: number,
  keys: readonly string[] = VERDICT_KEYS,
): RollingWindow<string> {
  invariant(Number.isFinite(windowMs) && windowMs > 0, `a window cannot be ${windowMs} ms long`);
  const bucketMs = windowMs / BUCKETS;
  const rings = new Map(keys.map((key) => [key, emptyRing()]));
  let epoch = Math.floor(clock.now() / bucketMs);

  /** Moves to the bucket of this moment, emptying those that it passes; returns its place. */
  const currentBucket = (): number => {
    const epochNow = Math.floor(clock.now() / bucketMs);
    if (epochNow > epoch) {
      const passed = Math.min(epochNow - epoch, BUCKETS);
      for (const ring of rings.values()) {
        for (let step = 0; step < passed; step += 1) ring[placeOf(epochNow - step)] = 0;
      }
      epoch = epochNow;
    }
    return placeOf(epoch);
  };
  const ringOf = (key: string): number[] => {
    const ring = rings.get(key);
    invariant(ring !== undefined, `the window does not count "${key}"`);
    return ring;
  };

  return {
    windowMs,
    add(key, count = 1) {
      const ring = ringOf(key);
      const place = currentBucket();
      ring[place] = (ring[place] ?? 0) + count;
    },
    total(key) {
      currentBucket();
      return sum(ringOf(key));
    },
    totals() {
      currentBucket();
      const totals: Record<string, number> = {};
      for (const [key, ring] of rings) totals[key] = sum(ring);
      return totals;
    },
    clear() {
      for (const ring of rings.values()) ring.fill(0);
    },
  };
}

function emptyRing(): number[] {
  return new Array<number>(BUCKETS).fill(0);
}

// A clock may start below zero, where the remainder of a division is negative.
function placeOf(epoch: number): number {
  return ((epoch % BUCKETS) + BUCKETS) % BUCKETS;
}

function sum(ring: readonly number[]): number {
  let total = 0;
  for (const count of ring) total += count;
  return total;
}
