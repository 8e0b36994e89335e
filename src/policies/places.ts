/**
 * The places of a bulkhead, and the line of those who wait for one.
 *
 * Place: inside the bulkhead, which makes promises, timers and refusals of it. Guarantee: nobody
 * waits while a place is free that may be taken; sheddable calls leave a share of the places free.
 */
import type { Clock } from "../base/clock.js";
import { PRIORITY_RANK, PRIORITY_UNLESS_GIVEN, type Priority } from "../catalog/priorities.js";
import { type Waiter, WaitingLine } from "./waiting-line.js";

export interface PlacesOptions {
  /** Waiters at the most. */
  readonly queueMax: number;
  /** After this time with somebody in it the line is served from its newest end. */
  readonly queueStressMs: number;
  /** The share of the places that sheddable calls cannot take. */
  readonly criticalShare: number;
}

export class Places {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: PlacesOptions;
  readonly #line = new WaitingLine();
  /** Places that sheddable calls may take. */
  #shared = 0;
  #standsSince = 0;
  count = 0;
  running = 0;

  constructor(clock: Pick<Clock, "now">, count: number, options: PlacesOptions) {
    this.#clock = clock;
    this.#options = options;
    this.resize(count);
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Somebody has been waiting all the time for so long that this is no burst any more. */
  get stressed(): boolean {
    const { queueStressMs } = this.#options;
    return this.#line.size > 0 && this.#clock.now() - this.#standsSince >= queueStressMs;
  }

  isFull(priority: Priority): boolean {
    if (this.running < this.#shared) return false;
    return this.running >= this.count || isSheddable(priority);
  }

  giveBack(): void {
    this.running -= 1;
    if (this.#line.size > 0) this.#fill();
  }

  /** There are this many from now on; who is in too much stays in. */
  resize(count: number): void {
    this.count = count;
    // At least one, so that whoever has only sheddable calls is served, too.
    this.#shared = Math.max(1, Math.floor(count * (1 - this.#options.criticalShare)));
    this.#fill();
  }

  /** Whether there is room in the line, and else who gives way; null when nobody does. */
  roomFor(priority: Priority): "free" | Waiter | null {
    if (this.#line.size < this.#options.queueMax) return "free";
    return this.#line.victim(priority, this.stressed);
  }

  join(waiter: Waiter): void {
    if (this.#line.size === 0) this.#standsSince = this.#clock.now();
    this.#line.join(waiter);
  }

  leave(waiter: Waiter): void {
    this.#line.leave(waiter);
  }

  #fill(): void {
    for (;;) {
      const waiter = this.#line.next(this.stressed);
      if (waiter === null || this.isFull(waiter.call.priority)) return;
      this.running += 1;
      // It leaves the line by this.
      waiter.end(null);
    }
  }
}

function isSheddable(priority: Priority): boolean {
  return PRIORITY_RANK[priority] < PRIORITY_RANK[PRIORITY_UNLESS_GIVEN];
}
