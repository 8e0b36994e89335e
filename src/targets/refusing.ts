/**
 * Whether a target refuses what the others answer: 4xx to everything, which no breaker counts.
 *
 * A rate limit that is counted for each process, a wrong key or a route that was never deployed on
 * one instance: such answers come at once, and a balancer that prefers fast targets would send
 * more. A client that is rejected everywhere looks different: good answers are then missing at all
 * targets and not at this one alone. The others are preferred for five seconds or as long as
 * Retry-After says; then one call finds out, and a good answer ends it at once.
 * Guarantee: nothing is allocated before the first refusal; at most half of the targets are out.
 */
import { REFUSING } from "../catalog/defaults.js";

/** Answers of all targets before the one that is counted now. */
interface AnswersOfAll {
  readonly good: number;
  readonly refused: number;
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
    if (this.#good + this.#refused < REFUSING.remembered) return;
    this.#good /= 2;
    this.#refused /= 2;
  }

  /**
   * It refused; whether that is more than the caller explains, with so many others beside it.
   * `pinned`: all calls of one caller go to one target.
   */
  refused(now: number, all: AnswersOfAll, others: number, pinned: boolean): boolean {
    if (this.#inRow === 0) this.#inRowSince = now;
    this.#inRow += 1;
    const share = this.#good / (this.#good + this.#refused);
    if (this.#inRow * share < REFUSING.missedMin) return false;
    // What clients are refused for, the others would have refused as well by now.
    const isAlone = !pinned && all.refused - this.#refusedOfAll < this.#inRow;
    const each = isAlone ? REFUSING.goodMinAlone : REFUSING.missedMin;
    return all.good - this.#goodOfAll >= each * Math.max(2, others);
  }

  /** The others are asked first from now on. */
  wait(now: number, retryAfterMs: number | undefined): void {
    const ms = Math.min(retryAfterMs ?? REFUSING.waitMs, REFUSING.waitMsMax);
    this.#until = now + Math.max(ms, REFUSING.trialMs);
  }

  /** A call is about to be sent there: where the time is over, it finds out for others. */
  tried(now: number): void {
    if (this.#until > 0 && this.#until <= now) this.#until = now + REFUSING.trialMs;
  }

  holds(now: number): boolean {
    return this.#until > now;
  }
}
