/**
 * Whether a target refuses what the others answer: 4xx to everything, which no breaker counts.
 *
 * A rate limit that is counted for each process, a wrong key or a route that was never deployed on
 * one instance: such answers come at once, and a balancer that prefers fast targets would send
 * more. A client that is rejected everywhere looks different: good answers are then missing at all
 * targets and not at this one alone. The others are preferred for five seconds or as long as
 * Retry-After says; then one call finds out, and a good answer ends it at once. Until they have
 * answered at all, they are preferred for moments, since refusals come sooner than good answers.
 * Guarantee: nothing is allocated before the first refusal; at most half of the targets are out.
 */
import { REFUSING } from "../catalog/defaults.js";

/** Answers of all targets before the one that is counted now. */
interface AnswersOfAll {
  readonly good: number;
  readonly refused: number;
}

/** What surrounds a refusal. */
interface Rejection {
  readonly all: AnswersOfAll;
  /** The number of its peers. */
  readonly others: number;
  readonly pinned: boolean;
  readonly retryAfterMs: number | undefined;
}

export class Refusing {
  /** Good answers and refusals before those in a row now. */
  #good = 1;
  #refused = 0;
  #inRow = 0;
  #inRowSince = 0;
  /** The answers of all targets when this one gave its last good one. */
  #goodOfAll: number;
  #refusedOfAll: number;
  #until = 0;
  /** Its peers answer well, it alone refuses, and no good answer has come since. */
  isOdd = false;

  constructor(all: AnswersOfAll) {
    this.#goodOfAll = all.good;
    this.#refusedOfAll = all.refused;
  }

  /** What began then was answered well. */
  answered(startedAt: number, all: AnswersOfAll): void {
    // What was begun before the refusals says how it was before.
    if (this.#inRow > 0 && startedAt < this.#inRowSince) return;
    this.#goodOfAll = all.good;
    this.#refusedOfAll = all.refused;
    this.#refused += this.#inRow;
    this.#good += 1;
    this.#inRow = 0;
    this.#until = 0;
    this.isOdd = false;
    if (this.#good + this.#refused < REFUSING.remembered) return;
    this.#good /= 2;
    this.#refused /= 2;
  }

  /**
   * It refused; for how long its peers are preferred from now on, in milliseconds, 0 for no reason
   * to. `pinned`: all calls of one caller go to one target.
   */
  refused(now: number, { all, others, pinned, retryAfterMs = REFUSING.waitMs }: Rejection): number {
    if (this.#inRow === 0) this.#inRowSince = now;
    this.#inRow += 1;
    const share = this.#good / (this.#good + this.#refused);
    // What clients are refused for, the others would have refused as well by now.
    const isAlone = !pinned && all.refused - this.#refusedOfAll < this.#inRow;
    const goodOfOthers = (all.good - this.#goodOfAll) / Math.max(2, others);
    if (isAlone && this.#inRow >= REFUSING.oddMin && goodOfOthers >= REFUSING.missedMin) {
      this.isOdd = true;
    }
    if (this.#inRow * share < REFUSING.missedMin) return 0;
    const each = isAlone ? REFUSING.goodMinAlone : REFUSING.missedMin;
    if (goodOfOthers >= each) {
      return Math.max(Math.min(retryAfterMs, REFUSING.waitMsMax), REFUSING.trialMs);
    }
    // Its answers come sooner than those of its peers, who are asked what they say.
    return isAlone ? REFUSING.compareMs : 0;
  }

  /** The others are asked first from now on. */
  wait(now: number, ms: number): void {
    this.#until = now + ms;
    if (ms >= REFUSING.trialMs) this.isOdd = true;
  }

  /** A call is about to be sent there: where the time is over, it finds out for others. */
  tried(now: number): void {
    if (this.#until > 0 && this.#until <= now) this.#until = now + REFUSING.trialMs;
  }

  holds(now: number): boolean {
    return this.#until > now;
  }
}
