/**
 * Good answers that took too long: their share of the latest ones.
 *
 * Part of the breaker, which opens by it; there is none unless `breaker.slowCallMs` is set. Where
 * enough others are quick, one route that is slow is the fault of that route.
 * Guarantee: routes are remembered for slow answers only, and `EVIDENCE.routesMax` of them.
 */
import type { Clock } from "../base/clock.js";
import { type RollingWindow, rollingWindow } from "../base/rolling-window.js";
import { EVIDENCE } from "../catalog/defaults.js";

export interface SlowCallSettings {
  /** An answer whose head takes as long is slow. */
  readonly slowCallMs: number;
  /** This share of slow ones among the good answers of the window is too much … */
  readonly slowRatio: number;
  /** … once there are so many. */
  readonly volumeMin: number;
  readonly windowMs: number;
}

type Answers = RollingWindow<"answers" | "slow">;

export class SlowCalls {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: SlowCallSettings;
  readonly #window: Answers;
  /** Since the first slow answer of each; the latest slow one last. */
  readonly #routes = new Map<string, Answers>();

  constructor(clock: Pick<Clock, "now">, options: SlowCallSettings) {
    this.#clock = clock;
    this.#options = options;
    this.#window = this.#newWindow();
  }

  /** Of the window. */
  get slow(): number {
    return this.#window.total("slow");
  }

  /** Counts an answer of a route; whether too many are slow. Null for a trial, which decides. */
  add(tookMs: number, route: string | null): boolean {
    const isSlow = tookMs >= this.#options.slowCallMs;
    if (route === null) return isSlow;
    count(this.#window, isSlow);
    this.#countRoute(route, isSlow);
    const { answers, slow } = this.#window.totals();
    if (answers < this.#options.volumeMin || !this.#isMuch(slow, answers)) return false;
    let slowest = { answers: 0, slow: 0 };
    for (const one of this.#routes.values()) {
      const totals = one.totals();
      if (totals.slow > slowest.slow) slowest = totals;
    }
    const others = answers - slowest.answers;
    return others < EVIDENCE.missedMin || this.#isMuch(slow - slowest.slow, others);
  }

  forget(): void {
    this.#window.clear();
    this.#routes.clear();
  }

  #isMuch(slow: number, answers: number): boolean {
    return slow >= answers * this.#options.slowRatio;
  }

  #countRoute(route: string, isSlow: boolean): void {
    const known = this.#routes.get(route);
    if (known === undefined && !isSlow) return;
    const window = known ?? this.#newWindow();
    count(window, isSlow);
    if (!isSlow) return;
    this.#routes.delete(route);
    this.#routes.set(route, window);
    if (this.#routes.size <= EVIDENCE.routesMax) return;
    const [oldest] = this.#routes.keys();
    this.#routes.delete(oldest as string);
  }

  #newWindow(): Answers {
    return rollingWindow(this.#clock, this.#options.windowMs, ["answers", "slow"]);
  }
}

function count(window: Answers, isSlow: boolean): void {
  window.add("answers");
  if (isSlow) window.add("slow");
}
