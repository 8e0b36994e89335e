/**
 * Good answers that took too long: their share of the latest ones.
 *
 * Part of the breaker, which opens by it; there is none unless `breaker.slowCallMs` is set.
 */
import type { Clock } from "../base/clock.js";
import { type RollingWindow, rollingWindow } from "../base/rolling-window.js";

export interface SlowCallSettings {
  /** An answer whose head takes as long is slow. */
  readonly slowCallMs: number;
  /** This share of slow ones among the good answers of the window is too much … */
  readonly slowRatio: number;
  /** … once there are so many. */
  readonly volumeMin: number;
  readonly windowMs: number;
}

export class SlowCalls {
  readonly #options: SlowCallSettings;
  readonly #window: RollingWindow<"answers" | "slow">;

  constructor(clock: Pick<Clock, "now">, options: SlowCallSettings) {
    this.#options = options;
    this.#window = rollingWindow(clock, options.windowMs, ["answers", "slow"]);
  }

  /** Of the window. */
  get slow(): number {
    return this.#window.total("slow");
  }

  isSlow(tookMs: number): boolean {
    return tookMs >= this.#options.slowCallMs;
  }

  /** Counts an answer; whether too many are slow. */
  add(tookMs: number): boolean {
    this.#window.add("answers");
    if (this.isSlow(tookMs)) this.#window.add("slow");
    const { answers, slow } = this.#window.totals();
    return answers >= this.#options.volumeMin && slow >= answers * this.#options.slowRatio;
  }

  forget(): void {
    this.#window.clear();
  }
}
