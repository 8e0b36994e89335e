/**
 * Who waits for a place, in the order in which they are served and let go.
 *
 * Place: inside the bulkhead. The most important come first. Among equals it is the one that has
 * waited longest, or, when the line has stood for long, the one that came last: its client is the
 * most likely to be still there. Guarantee: joining, leaving and choosing cost the same however
 * long the line is, and who leaves leaves nothing behind.
 */
import { PRIORITIES, PRIORITY_RANK, type Priority } from "../catalog/priorities.js";
import type { Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";

/** One who waits. A link of its list, so that it can leave from the middle. */
export class Waiter {
  readonly call: Call;
  /** Ends the wait: null for a place, else why there is none. */
  readonly end: (refusal: Failure | null) => void;
  older: Waiter | null = null;
  newer: Waiter | null = null;

  constructor(call: Call, end: (refusal: Failure | null) => void) {
    this.call = call;
    this.end = end;
  }
}

/** Those of one priority, by age. */
class Rank {
  #oldest: Waiter | null = null;
  #newest: Waiter | null = null;

  one(newestFirst: boolean): Waiter | null {
    return newestFirst ? this.#newest : this.#oldest;
  }

  first(newestFirst: boolean, fits: (waiter: Waiter) => boolean): Waiter | null {
    let waiter = this.one(newestFirst);
    while (waiter !== null && !fits(waiter)) waiter = newestFirst ? waiter.older : waiter.newer;
    return waiter;
  }

  add(waiter: Waiter): void {
    waiter.older = this.#newest;
    if (this.#newest === null) this.#oldest = waiter;
    else this.#newest.newer = waiter;
    this.#newest = waiter;
  }

  remove(waiter: Waiter): void {
    const { older, newer } = waiter;
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
    waiter.older = null;
    waiter.newer = null;
  }
}

export class WaitingLine {
  readonly #ranks: readonly Rank[] = PRIORITIES.map(() => new Rank());
  size = 0;

  join(waiter: Waiter): void {
    this.#rankOf(waiter).add(waiter);
    this.size += 1;
  }

  /** Must be called once for each who joined, also for those who were chosen. */
  leave(waiter: Waiter): void {
    this.#rankOf(waiter).remove(waiter);
    this.size -= 1;
  }

  /** Whose turn it is. */
  next(newestFirst: boolean): Waiter | null {
    for (let rank = this.#ranks.length - 1; rank >= 0; rank -= 1) {
      const waiter = this.#ranks[rank]?.one(newestFirst) ?? null;
      if (waiter !== null) return waiter;
    }
    return null;
  }

  /** The same among those that fit, which looks at each of the others in the worst case. */
  first(newestFirst: boolean, fits: (waiter: Waiter) => boolean): Waiter | null {
    for (let rank = this.#ranks.length - 1; rank >= 0; rank -= 1) {
      const waiter = this.#ranks[rank]?.first(newestFirst, fits) ?? null;
      if (waiter !== null) return waiter;
    }
    return null;
  }

  /** Who would have to give way to a newcomer; null when all matter as much or more. */
  victim(newcomer: Priority, newestFirst: boolean): Waiter | null {
    const own = PRIORITY_RANK[newcomer];
    for (let rank = 0; rank < own; rank += 1) {
      const waiter = this.#ranks[rank]?.one(!newestFirst) ?? null;
      if (waiter !== null) return waiter;
    }
    // Among equals it is the oldest one's turn to go only where the newest one's is to be served.
    return newestFirst ? (this.#ranks[own]?.one(false) ?? null) : null;
  }

  #rankOf({ call }: Waiter): Rank {
    return this.#ranks[PRIORITY_RANK[call.priority]] as Rank;
  }
}
