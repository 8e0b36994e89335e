/**
 * What a member knows of one key: the units that it has leased and not used, and a lower bound of
 * the store's count.
 *
 * Blocks follow the demand: one that is used up in time is followed by one of twice the size, one
 * that was not needed by half of it. So a key that asks seldom is counted exactly.
 */
import type { RateDecision, RateTaken } from "./gcra.js";

interface WaitingAsk {
  readonly cost: number;
  readonly resolve: (decision: RateDecision) => void;
}

export class Lease {
  /** Units that are paid for. */
  held = 0;
  asking = false;
  readonly waiting: WaitingAsk[] = [];
  giveBack: (units: number) => void = nothing;
  #expiresAt = 0;
  #block = 1;
  /** When the store's backlog would be gone if nobody took any more. */
  #until = 0;

  /** Uses units that are leased; false where they are too few. */
  use(cost: number, now: number): boolean {
    if (this.left(now) < cost) return false;
    this.held -= cost;
    return true;
  }

  left(now: number): number {
    return now < this.#expiresAt ? this.held : 0;
  }

  /** Soon used up, so that the next block should come. */
  get isLow(): boolean {
    return this.#block > 1 && this.held * 2 <= this.#block;
  }

  /** Units to ask for. */
  block(most: number): number {
    this.#block = Math.max(1, Math.min(this.#block, most));
    return this.#block;
  }

  hold(units: number, now: number, leaseMs: number): void {
    const inTime = now < this.#expiresAt;
    if (inTime) this.#block *= 2;
    else this.expire();
    this.held += units;
    this.#expiresAt = now + leaseMs;
  }

  /** What was not used goes back. */
  expire(): void {
    const unused = this.held;
    this.held = 0;
    this.#expiresAt = 0;
    if (unused === 0) return;
    this.#block = Math.max(1, Math.floor(this.#block / 2));
    this.giveBack(unused);
  }

  learn({ backlogMs }: RateTaken, now: number): void {
    this.#until = now + backlogMs;
  }

  /** Of the store, at least. */
  backlogMs(now: number): number {
    return Math.max(0, this.#until - now);
  }
}

function nothing(): void {}
