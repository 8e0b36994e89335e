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
  #lastFailed = false;
  #failures = 0;
  #failedAt = 0;
  /** What was begun before says nothing of now. */
  #since = Number.NEGATIVE_INFINITY;
  /** Exchanges under way that were begun before it was taken out. */
  swallowed = 0;

  /** Whether anything was observed yet. */
  get known(): boolean {
    return this.#seenAt !== Number.NEGATIVE_INFINITY;
  }

  /** The estimate at this moment, in milliseconds; 0 when nothing is known. */
  at(now: number): number {
    if (this.#ms === 0) return 0;
    return this.#ms * Math.exp((this.#seenAt - now) / BALANCE.decayMs);
  }

  /** What was estimated at that moment, before a restart; what is known already is newer. */
  restore(ms: number, at: number): void {
    if (this.known) return;
    this.#ms = ms;
    this.#seenAt = at;
  }

  observe(ms: number, now: number): void {
    if (now - ms < this.#since) return;
    // Who was not asked for a while, since it was slow or failed, is well again at once.
    if (ms < this.#ms && this.isQuiet(now - ms)) this.#seenAt = Number.NEGATIVE_INFINITY;
    this.#lastFailed = false;
    this.#add(ms, now);
  }

  /** It refused what was asked, which is quicker than to serve it: it looks no quicker by that. */
  refused(ms: number, now: number): void {
    if (!this.known || now - ms < this.#since) return;
    this.#add(Math.max(ms, this.at(now)), now);
  }

  /** Nothing has been observed for so long that it is worth a call to ask. */
  isQuiet(now: number): boolean {
    return this.known && now - this.#seenAt >= BALANCE.quietMs;
  }

  /** What was observed last was a failure. */
  get lastFailed(): boolean {
    return this.#lastFailed;
  }

  #add(ms: number, now: number): void {
    const kept = this.known ? Math.exp((this.#seenAt - now) / BALANCE.decayMs) : 0;
    this.#ms = this.#ms * kept + ms * (1 - kept);
    this.#seenAt = now;
  }

  /** An exchange has failed after this time. */
  fail(ms: number, now: number): void {
    if (now - ms < this.#since) return;
    this.#lastFailed = true;
    this.#add(Math.max(ms, BALANCE.failureMs), now);
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

  /** An exchange that was begun then is over. */
  ended(startedAt: number): void {
    if (startedAt < this.#since && this.swallowed > 0) this.swallowed -= 1;
  }

  /**
   * The target is taken out, with so many exchanges under way. Nothing is known any more, as at the
   * start; nor is what was begun before, which may end long after the target is well again.
   */
  forget(now: number, pending: number): void {
    this.#since = now;
    this.swallowed = pending;
    this.#ms = 0;
    this.#seenAt = Number.NEGATIVE_INFINITY;
    this.#failures = 0;
    this.#lastFailed = false;
  }
}
