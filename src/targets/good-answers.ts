/**
 * Whether the good answers of a target are missed: they have stayed away for longer than chance
 * explains, although it was asked for them.
 *
 * Time counts from the first call that was sent since the last good answer: without calls no
 * answer is missed, however long that lasts.
 */
import { EVIDENCE } from "../catalog/defaults.js";

export class GoodAnswers {
  /** When one began last; -1 before the first. */
  at = -1;
  /** When the first call was sent since. */
  askedAt = 0;
  /** Since its breaker was closed, the first one began here; -1 before. */
  #from = -1;
  /** Calls since the last one, and those that are over. */
  #asked = 0;
  #settled = 0;

  asked(at: number): void {
    if (this.#asked === 0) {
      this.askedAt = at;
      this.#settled = 0;
    }
    this.#asked += 1;
  }

  /** A call is over, in whatever way. */
  settled(): void {
    this.#settled += 1;
  }

  /** A good answer has begun at this moment. */
  began(at: number): void {
    if (this.#from < 0) this.#from = at;
    this.at = at;
    this.#asked = 0;
  }

  /** The breaker was closed again. */
  closed(): void {
    this.#from = -1;
  }

  /** `good`: of those that are in its window, which is so long. */
  areMissed(now: number, good: number, windowMs: number): boolean {
    const { missedMin, missedMsMin } = EVIDENCE;
    const missedMs = now - this.askedAt;
    if (missedMs >= windowMs) return true;
    // Nothing it was ever asked went well, and nothing is under way.
    if (this.at < 0 && this.#settled >= this.#asked) return true;
    if (this.#asked < missedMin) return false;
    const seenMs = good < missedMin ? windowMs : this.at - this.#from;
    const usualMs = this.at < 0 ? 0 : Math.min(windowMs - missedMs, seenMs) / Math.max(1, good);
    return missedMs >= Math.max(missedMsMin, missedMin * usualMs);
  }
}
