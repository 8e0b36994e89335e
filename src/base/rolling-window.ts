/**
 * How often something happened lately: exact counts in a ring of ten buckets.
 * The breaker, the retry budget and the statistics count with it. It has no timers of its own:
 * buckets that have grown too old are emptied at the next read or write. There are none
 * until something was counted.
 * Guarantee: what was added less than nine tenths of the window ago is counted, what was added a
 * whole window ago is not, and a clock that stands still or steps back loses nothing.
 */
import type { Clock } from "./clock.js";
import { invariant } from "./invariant.js";

/** Counts over the last while, one for each key. */
export interface RollingWindow<Key extends string = "success" | "failure"> {
  readonly windowMs: number;
  /** Counts one, or as many as given; who has just read the clock hands its reading over. */
  add(key: Key, count?: number, now?: number): void;
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
  return new Ring(clock, windowMs, keys);
}

class Ring implements RollingWindow<string> {
  readonly windowMs: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #keys: readonly string[];
  readonly #bucketMs: number;
  /** The buckets of each key, one key after the other; null until something is counted. */
  #counts: number[] | null = null;
  #epoch = 0;
  /** The bucket of this epoch. */
  #place = 0;

  constructor(clock: Pick<Clock, "now">, windowMs: number, keys: readonly string[]) {
    invariant(Number.isFinite(windowMs) && windowMs > 0, `a window cannot be ${windowMs} ms long`);
    this.windowMs = windowMs;
    this.#clock = clock;
    this.#keys = keys;
    this.#bucketMs = windowMs / BUCKETS;
  }

  add(key: string, count = 1, now = this.#clock.now()): void {
    const start = this.#startOf(key);
    const counts = this.#counts ?? this.#begin(now);
    const place = start + this.#turn(counts, now);
    counts[place] = (counts[place] as number) + count;
  }

  total(key: string): number {
    const start = this.#startOf(key);
    if (this.#counts === null) return 0;
    this.#turn(this.#counts, this.#clock.now());
    return sum(this.#counts, start);
  }

  totals(): Record<string, number> {
    if (this.#counts !== null) this.#turn(this.#counts, this.#clock.now());
    const totals: Record<string, number> = {};
    for (const [index, key] of this.#keys.entries()) {
      totals[key] = this.#counts === null ? 0 : sum(this.#counts, index * BUCKETS);
    }
    return totals;
  }

  clear(): void {
    this.#counts?.fill(0);
  }

  /** Many windows are made for targets that are never called. */
  #begin(now: number): number[] {
    const counts = new Array<number>(this.#keys.length * BUCKETS).fill(0);
    this.#counts = counts;
    this.#epoch = Math.floor(now / this.#bucketMs);
    this.#place = placeOf(this.#epoch);
    return counts;
  }

  /** Moves to the bucket of this moment, emptying those that it passes; returns its place. */
  #turn(counts: number[], now: number): number {
    const epoch = Math.floor(now / this.#bucketMs);
    if (epoch > this.#epoch) {
      const passed = Math.min(epoch - this.#epoch, BUCKETS);
      for (let step = 0; step < passed; step += 1) {
        const place = placeOf(epoch - step);
        for (let at = place; at < counts.length; at += BUCKETS) counts[at] = 0;
      }
      this.#epoch = epoch;
      this.#place = placeOf(epoch);
    }
    return this.#place;
  }

  #startOf(key: string): number {
    const index = this.#keys.indexOf(key);
    // The message is made when it is needed, and not each time.
    if (index === -1) invariant(false, `the window does not count "${key}"`);
    return index * BUCKETS;
  }
}

// A clock may start below zero, where the remainder of a division is negative.
function placeOf(epoch: number): number {
  return ((epoch % BUCKETS) + BUCKETS) % BUCKETS;
}

function sum(counts: readonly number[], start: number): number {
  let total = 0;
  for (let at = start; at < start + BUCKETS; at += 1) total += counts[at] as number;
  return total;
}
