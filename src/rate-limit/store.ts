/**
 * What counts a limit for several processes, and the one that counts in memory.
 *
 * A store keeps one number for each key and takes from it on a clock of its own, so that members
 * with different clocks agree. It may fail and may be slow: `guarded-store.ts` stands before it.
 */
import type { Clock } from "../base/clock.js";
import { type RateRule, type RateTaken, takeFrom } from "./gcra.js";
import { KeyTable } from "./key-table.js";

/** Counts for several processes; every call may reject. */
export interface RateStore {
  /** As `describe()` shows it. */
  readonly kind: string;
  /**
   * Takes this many units, or with `partial` as many of them as there are; a negative number gives
   * back, and 0 only asks.
   */
  take(key: string, units: number, rule: RateRule, partial: boolean): Promise<RateTaken>;
  /** Says that a member of a limit is there, and tells how many there are; optional. */
  members?(limit: string, member: string, absentMs: number): Promise<number>;
  /** It counts by a rule of its own, one request at a time, and takes nothing back. */
  readonly whole?: true;
}

/** Backlogs of keys in this process. */
export class LocalRates {
  readonly #clock: Pick<Clock, "now">;
  readonly #until: KeyTable<number>;

  constructor(clock: Pick<Clock, "now">, keysMax: number) {
    this.#clock = clock;
    this.#until = new KeyTable(keysMax);
  }

  get keys(): number {
    return this.#until.size;
  }

  backlogOf(key: string): number {
    return Math.max(0, (this.#until.get(key) ?? 0) - this.#clock.now());
  }

  take(key: string, units: number, rule: RateRule, partial: boolean, leastMs = 0): RateTaken {
    const taken = takeFrom(rule, Math.max(leastMs, this.backlogOf(key)), units, partial);
    if (taken.granted !== 0) this.#until.set(key, this.#clock.now() + taken.backlogMs);
    return taken;
  }
}

/** A store in the memory of this process: for tests, and in the primary process of a cluster. */
export function localStore(
  clock: Pick<Clock, "now">,
  keysMax: number,
): RateStore & { readonly keys: number } {
  const rates = new LocalRates(clock, keysMax);
  const seen = new Map<string, Map<string, number>>();
  return {
    kind: "memory",
    get keys() {
      return rates.keys;
    },
    take: async (key, units, rule, partial) => rates.take(key, units, rule, partial),
    async members(limit, member, absentMs) {
      const now = clock.now();
      const there = seen.get(limit) ?? new Map<string, number>();
      seen.set(limit, there);
      there.set(member, now + absentMs);
      for (const [name, until] of there) if (until <= now) there.delete(name);
      return there.size;
    },
  };
}
