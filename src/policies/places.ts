/**
 * The places of a bulkhead, and the line of those who wait for one.
 *
 * Place: inside the bulkhead, which makes promises, timers and refusals of it. Guarantee: nobody
 * waits while a place is free that may be taken; sheddable calls leave a share of the places free.
 */
import type { Clock } from "../base/clock.js";
import { PRIORITY_RANK, PRIORITY_UNLESS_GIVEN, type Priority } from "../catalog/priorities.js";
import type { GatewayRequest } from "../core/request.js";
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

/**
 * The places of answers that have no end: upgraded connections and event streams. They rest for
 * hours, so they have a share of their own: many of them take no place from calls that come and go.
 */
export class StreamPlaces {
  readonly places: number;
  running = 0;

  constructor(places: number) {
    this.places = places;
  }

  get isFull(): boolean {
    return this.running >= this.places;
  }

  /** Whether a request would need a place that is not there; known before its answer. */
  refuses({ upgrade }: GatewayRequest): boolean {
    return upgrade !== null && this.isFull;
  }

  /** Takes a place; false where there is none. */
  take(): boolean {
    if (this.isFull) return false;
    this.running += 1;
    return true;
  }

  giveBack(): void {
    this.running -= 1;
  }
}

const TYPE = "content-type";
// The usual spelling costs no lower-case copy.
const USUAL = "Content-Type";
const EVENT_STREAM = /^text\/event-stream\s*(?:;|$)/i;
const SWITCHING = 101;

/** Whether an answer has no end that its head could tell. */
export function isEndless(status: number, rawHeaders: readonly string[]): boolean {
  if (status === SWITCHING) return true;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== TYPE.length || (name !== USUAL && name.toLowerCase() !== TYPE)) continue;
    return EVENT_STREAM.test(rawHeaders[at + 1] as string);
  }
  return false;
}
