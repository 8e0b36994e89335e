/**
 * A store behind a deadline of our own: clients of stores wait for ever when their server is
 * frozen, whatever they were told.
 *
 * Guarantee: a request waits at most `storeMs`, and only while the store is believed to be well;
 * after a failure none waits until a trial was answered in time. Trials are made off the way of
 * requests, and those that are never answered are bounded, so that a client's queue cannot grow.
 * What comes too late is given back.
 */
import type { Clock } from "../base/clock.js";
import { RATE_LIMIT } from "../catalog/rate-limit-defaults.js";
import type { RateRule, RateTaken } from "./gcra.js";
import type { RateStore } from "./store.js";

export interface StoreChange {
  readonly up: boolean;
  readonly cause: unknown;
}

type StoreClock = Pick<Clock, "now" | "after">;

export class GuardedStore {
  readonly store: RateStore;
  readonly #clock: StoreClock;
  readonly #storeMs: number;
  readonly #changed: (change: StoreChange) => void;
  #up = true;
  #trialAt = 0;
  #open = 0;
  #asking = 0;

  constructor(
    store: RateStore,
    clock: StoreClock,
    storeMs: number,
    changed: (change: StoreChange) => void,
  ) {
    this.store = store;
    this.#clock = clock;
    this.#storeMs = storeMs;
    this.#changed = changed;
  }

  /** Whether requests may wait for it. */
  get up(): boolean {
    return this.#up;
  }

  /** Null where it does not answer in time; at once where that is known. */
  take(
    key: string,
    units: number,
    rule: RateRule,
    partial: boolean,
  ): Promise<RateTaken | null> | null {
    if (!this.#up) {
      this.#try(key, rule);
      return null;
    }
    if (this.#asking >= RATE_LIMIT.askingMax) return null;
    this.#asking += 1;
    const late = ({ granted }: RateTaken): void => this.#giveBack(key, granted, rule);
    return this.#within(this.#storeMs, () => this.store.take(key, units, rule, partial), late).then(
      (taken) => {
        this.#asking -= 1;
        return taken;
      },
      (cause: unknown) => {
        this.#asking -= 1;
        this.#fail(cause);
        return null;
      },
    );
  }

  /** What was taken and not used. */
  giveBack(key: string, units: number, rule: RateRule): void {
    if (this.#up) this.#giveBack(key, units, rule);
  }

  /** How many members share it; null where it does not say. */
  async members(limit: string, member: string): Promise<number | null> {
    if (!this.#up || this.store.members === undefined) return null;
    const ask = (): Promise<number> =>
      this.store.members?.(limit, member, RATE_LIMIT.absentMs) ??
      Promise.reject(new TypeError("gone"));
    try {
      const count = await this.#within(RATE_LIMIT.trialMs, ask, () => {});
      return Number.isInteger(count) && count > 0 ? count : null;
    } catch {
      // Requests find out by themselves.
      return null;
    }
  }

  #giveBack(key: string, units: number, rule: RateRule): void {
    if (units <= 0 || this.store.whole === true) return;
    attempt(() => this.store.take(key, -units, rule, false)).catch(() => {});
  }

  #fail(cause: unknown): void {
    this.#trialAt = this.#clock.now() + RATE_LIMIT.trialMs;
    if (!this.#up) return;
    this.#up = false;
    this.#changed({ up: false, cause });
  }

  /** Asks without taking, and without anybody who waits. */
  #try(key: string, rule: RateRule): void {
    const now = this.#clock.now();
    if (now < this.#trialAt || this.#open >= RATE_LIMIT.trialsOpenMax) return;
    this.#trialAt = now + RATE_LIMIT.trialMsMax;
    this.#open += 1;
    const closed = (): void => {
      this.#open -= 1;
    };
    const began = attempt(() => this.store.take(key, 0, rule, true));
    began.then(closed, closed);
    began.then(
      () => {
        const doneAt = this.#clock.now();
        const tookMs = doneAt - now;
        // One that waited in a client's queue until a server came back: the next may be fast.
        if (tookMs <= this.#storeMs) this.#recovered();
        else this.#trialAt = doneAt + (tookMs < RATE_LIMIT.trialMs ? RATE_LIMIT.trialMs : 0);
      },
      () => this.#fail(null),
    );
  }

  #recovered(): void {
    if (this.#up) return;
    this.#up = true;
    this.#changed({ up: true, cause: null });
  }

  #within<Value>(
    ms: number,
    ask: () => Promise<Value>,
    late: (value: Value) => void,
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      let over = false;
      const timer = this.#clock.after(ms, () => {
        over = true;
        reject(new Error(`the store has not answered within ${ms} ms`));
      });
      const end = (settle: () => void): void => {
        timer.cancel();
        if (!over) settle();
      };
      attempt(ask).then(
        (value) => {
          if (over) late(value);
          end(() => resolve(value));
        },
        (cause: unknown) => end(() => reject(cause)),
      );
    });
  }
}

/** Some clients throw where others reject. */
async function attempt<Value>(ask: () => Promise<Value>): Promise<Value> {
  return await ask();
}
