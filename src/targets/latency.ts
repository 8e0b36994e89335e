/**
 * How long a target took to answer lately: a moving average over time, not over calls.
 *
 * An observation weighs by the time since the one before, so ten calls within a millisecond count
 * no more than one. The estimate falls while nothing is observed: who was slow is tried again.
 * Guarantee: who fails fast looks neither quick nor idle. A failure is observed as a long wait, and
 * is counted for about as long.
 */
import { BALANCE } from "../catalog/balance-defaults.js";

export class Latency {
  #ms = 0;
  #seenAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #failedAt = 0;

  /** Whether anything was observed yet. */
  get known(): boolean {
    return this.#seenAt !== Number.NEGATIVE_INFINITY;
  }

  /** The estimate at this moment, in milliseconds; 0 when nothing is known. */
  at(now: number): number {
    if (this.#ms === 0) return 0;
    return this.#ms * Math.exp((this.#seenAt - now) / BALANCE.decayMs);
  }

  observe(ms: number, now: number): void {
    const kept = this.known ? Math.exp((this.#seenAt - now) / BALANCE.decayMs) : 0;
    this.#ms = this.#ms * kept + ms * (1 - kept);
    this.#seenAt = now;
  }

  /** An exchange has failed after this time. */
  fail(ms: number, now: number): void {
    this.observe(Math.max(ms, BALANCE.failureMs), now);
    this.#failures = this.#failuresAt(now) + 1;
    this.#failedAt = now;
  }

  /** How many exchanges have failed lately, as if each were pending until its wait is over. */
  failures(now: number): number {
    // A single one is forgotten after two thirds of the time, and not never.
    return this.#failures === 0 ? 0 : Math.round(this.#failuresAt(now));
  }

  #failuresAt(now: number): number {
    return this.#failures * Math.exp((this.#failedAt - now) / BALANCE.failureMs);
  }

  /** Nothing is known any more, as at the start. */
  forget(): void {
    this.#ms = 0;
    this.#seenAt = Number.NEGATIVE_INFINITY;
    this.#failures = 0;
  }
}
