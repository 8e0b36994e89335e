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

export class Refusing {
  /** Good answers and refusals before those in a row now. */
  #good = 1;
  #refused = 0;
  #inRow = 0;
  #inRowSince = 0;
  /** Good answers of all targets when this one gave its last. */
  #goodOfAll: number;
  #until = 0;

  /** `goodOfAll`: good answers of all targets so far. */
  constructor(goodOfAll: number) {
    this.#goodOfAll = goodOfAll;
  }

  /** What began then was answered well. */
  answered(startedAt: number, goodOfAll: number): void {
    // What was begun before the refusals says how it was before.
    if (this.#inRow > 0 && startedAt < this.#inRowSince) return;
    this.#goodOfAll = goodOfAll;
    this.#refused += this.#inRow;
    this.#good += 1;
    this.#inRow = 0;
    this.#until = 0;
    if (this.#good + this.#refused < REFUSING.remembered) return;
    this.#good /= 2;
    this.#refused /= 2;
  }

  /** It was refused; whether that is more than who asks explains, with so many others beside it. */
  refused(now: number, goodOfAll: number, others: number): boolean {
    if (this.#inRow === 0) this.#inRowSince = now;
    this.#inRow += 1;
    const share = this.#good / (this.#good + this.#refused);
    if (this.#inRow * share < REFUSING.missedMin) return false;
    return goodOfAll - this.#goodOfAll >= REFUSING.missedMin * Math.max(2, others);
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
