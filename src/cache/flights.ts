/**
 * Requests under way for which equal ones wait.
 *
 * Guarantee: who waits is let go when the request is over, when its own time is over, or when it is
 * cut; nothing of it stays then. There are so many who wait, and no more.
 */
import type { Clock, Timer } from "../base/clock.js";
import { CACHE } from "../catalog/defaults.js";
import type { Cancellation } from "../core/cancellation.js";

export class Flights {
  readonly #clock: Pick<Clock, "after">;
  /** Who waits, by what was asked for. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #count = 0;

  constructor(clock: Pick<Clock, "after">) {
    this.#clock = clock;
  }

  begin(key: string): void {
    this.#waiting.set(key, new Set());
  }

  /** Whether there is one that another request may wait for. */
  isUnderWay(key: string): boolean {
    return this.#waiting.has(key) && this.#count < CACHE.waitingMax;
  }

  over(key: string): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    for (const go of waiting ?? []) go();
  }

  wait(key: string, cancellation: Cancellation, ms: number): Promise<void> {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return Promise.resolve();
    this.#count += 1;
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const go = (): void => {
        if (!waiting.delete(go)) return;
        this.#count -= 1;
        timer?.cancel();
        cancellation.remove(go);
        resolve();
      };
      waiting.add(go);
      timer = this.#clock.after(ms, go);
      cancellation.add(go);
    });
  }
}
