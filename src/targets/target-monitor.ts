/**
 * Counts what the exchanges of one target come to, so that it can be compared with its peers.
 *
 * A class with plain numbers, since it is told three times for every exchange. It judges nothing
 * but its own silence: whether an answer is overdue by what its answers usually take.
 */
import type { Clock } from "../base/clock.js";
import { type RollingWindow, rollingWindow } from "../base/rolling-window.js";
import { EJECTION } from "../catalog/defaults.js";
import type { Lately } from "./outlier.js";

/** Who is told what the exchanges of a target come to. */
export interface MonitorListener {
  answered(status: number, rawHeaders: readonly string[]): void;
  ended(): void;
}

type Counted = "answers" | "failures" | "heads" | "ms";

const NOBODY: MonitorListener = { answered: () => {}, ended: () => {} };

export class TargetMonitor {
  listener: MonitorListener = NOBODY;
  /** Gateway failures in a row. */
  failuresInRow = 0;
  readonly #clock: Pick<Clock, "now">;
  readonly #window: RollingWindow<Counted>;
  #waiting = 0;
  /** Since when nothing was heard, although something was awaited all the time. */
  #quietSince = 0;
  /** What an answer takes, and how far answers are from that, both as moving means. */
  #usualMs = 0;
  #deviationMs = 0;
  #answers = 0;
  #suspectUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
    this.#window = rollingWindow(clock, EJECTION.windowMs, ["answers", "failures", "heads", "ms"]);
  }

  /** An exchange is about to be sent. */
  began(): void {
    if (this.#waiting === 0) this.#quietSince = this.#clock.now();
    this.#waiting += 1;
  }

  /** The head of an answer has come. */
  answered(startedAt: number, status: number, rawHeaders: readonly string[]): void {
    const now = this.#clock.now();
    this.#waiting -= 1;
    this.#quietSince = now;
    this.#observe(now - startedAt);
    this.listener.answered(status, rawHeaders);
  }

  /** No answer will come. */
  unanswered(): void {
    this.#waiting -= 1;
  }

  /** It is over, body included, and says something of the target. */
  ended(failed: boolean, isGatewayFailure: boolean): void {
    this.#window.add("answers");
    if (failed) this.#window.add("failures");
    if (failed && isGatewayFailure) {
      const again = EJECTION.ejectFactor ** Math.min(this.failuresInRow, 6);
      this.failuresInRow += 1;
      this.#suspectUntil = this.#clock.now() + EJECTION.suspectMs * again;
    } else if (!failed) {
      this.failuresInRow = 0;
      this.#suspectUntil = Number.NEGATIVE_INFINITY;
    }
    this.listener.ended();
  }

  /** It failed lately and has not answered well since; what cannot be repeated avoids it. */
  get suspect(): boolean {
    return this.failuresInRow > 0 && this.#clock.now() < this.#suspectUntil;
  }

  /** What an answer takes at the most, when all is as usual; 0 while nothing is known. */
  get longestMs(): number {
    return this.#usualMs + EJECTION.silenceDeviations * this.#deviationMs;
  }

  /** Exchanges that wait for the head of an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How long nothing has been heard, by enough exchanges that wait; 0 otherwise. */
  silentMs(now: number): number {
    return this.#waiting < EJECTION.silentWaitingMin ? 0 : now - this.#quietSince;
  }

  /** The last seconds, to compare with those of the peers. */
  lately(): Lately {
    const { answers, failures, heads, ms } = this.#window.totals();
    return { answers, failures, meanMs: heads > 0 ? ms / heads : 0 };
  }

  /** What was counted before it was out says nothing of what comes back. */
  forget(): void {
    this.#window.clear();
    this.failuresInRow = 0;
    this.#quietSince = this.#clock.now();
  }

  // RFC 6298 §2: a moving mean and a moving mean deviation, the first answer sets both.
  #observe(ms: number): void {
    this.#window.add("heads");
    this.#window.add("ms", ms);
    this.#answers += 1;
    if (this.#answers === 1) {
      this.#usualMs = ms;
      this.#deviationMs = ms / 2;
      return;
    }
    const off = ms - this.#usualMs;
    this.#deviationMs += EJECTION.usualDeviationGain * (Math.abs(off) - this.#deviationMs);
    this.#usualMs += EJECTION.usualGain * off;
  }
}
