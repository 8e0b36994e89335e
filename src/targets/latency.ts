/**
 * How long a target took to answer lately: a moving average over time, not over calls.
 *
 * An observation weighs by the time since the one before, so ten calls within a millisecond count
 * no more than one. The estimate falls while nothing is observed: who was slow is tried again.
 */
import { BALANCE } from "../catalog/balance-defaults.js";

export class Latency {
  #ms = 0;
  #seenAt = Number.NEGATIVE_INFINITY;

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

  /** Nothing is known any more, as at the start. */
  forget(): void {
    this.#ms = 0;
    this.#seenAt = Number.NEGATIVE_INFINITY;
  }
}
