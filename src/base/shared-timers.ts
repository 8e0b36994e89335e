/**
 * Timers that share one timer of the clock with all others of the same length.
 *
 * Every call sets a deadline and a timeout of seconds, and is nearly always over long before.
 * Timers of one length fire in the order in which they were set, so each length needs a queue and
 * one timer for its head; setting and cancelling then only touch the queue.
 * Guarantee: never earlier than asked, and later by a millisecond at the most; with an empty queue
 * no timer is left.
 */
import type { Clock, Timer } from "./clock.js";
import { type Linked, LinkedList } from "./linked-list.js";

/** A clock whose long timers are shared. */
export function sharedTimers(clock: Clock): Clock {
  const queues = new Map<number, TimerQueue>();
  return {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    turn: (fn) => clock.turn(fn),
    after(ms, fn, now) {
      const length = Math.ceil(ms);
      let queue = queues.get(length);
      if (queue === undefined) {
        // Short ones are few, and what lengths there are may come from outside.
        if (ms < LENGTH_MS_MIN || queues.size >= LENGTHS_MAX) return clock.after(ms, fn, now);
        queue = new TimerQueue(clock, length);
        queues.set(length, queue);
      }
      return queue.add(fn, now ?? clock.now());
    },
  };
}

/** In an outage every call waits as long (HOPE.waitMs). */
const LENGTH_MS_MIN = 250;
const LENGTHS_MAX = 64;

/** Node's timers count whole milliseconds and may fire a fraction before their time. */
const EARLY_MS = 1;

class TimerQueue {
  readonly #clock: Clock;
  readonly #length: number;
  readonly #queue = new LinkedList<QueuedTimer>();
  #timer: Timer | null = null;

  constructor(clock: Clock, length: number) {
    this.#clock = clock;
    this.#length = length;
  }

  add(fn: () => void, now: number): QueuedTimer {
    const timer = new QueuedTimer(this, fn);
    this.append(timer, now);
    return timer;
  }

  append(timer: QueuedTimer, now = this.#clock.now()): void {
    timer.dueAt = now + this.#length;
    this.#queue.add(timer);
    this.#timer ??= this.#clock.after(this.#length, this.#onDue);
  }

  remove(timer: QueuedTimer): void {
    if (!this.#queue.delete(timer) || this.#queue.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  readonly #onDue = (): void => {
    this.#timer = null;
    const now = this.#clock.now();
    for (let next = this.#queue.first; next !== null; next = this.#queue.first) {
      if (next.dueAt - now >= EARLY_MS) {
        this.#timer ??= this.#clock.after(next.dueAt - now, this.#onDue);
        return;
      }
      this.remove(next);
      next.fire();
    }
  };
}

class QueuedTimer implements Timer, Linked<QueuedTimer> {
  dueAt = 0;
  listed = false;
  before: QueuedTimer | null = null;
  behind: QueuedTimer | null = null;
  readonly fire: () => void;
  readonly #queue: TimerQueue;
  #cancelled = false;

  constructor(queue: TimerQueue, fire: () => void) {
    this.#queue = queue;
    this.fire = fire;
  }

  cancel(): void {
    this.#cancelled = true;
    this.#queue.remove(this);
  }

  refresh(): void {
    if (this.#cancelled) return;
    this.#queue.remove(this);
    this.#queue.append(this);
  }

  /** A shared timer is gone with the calls that set it, and those keep their sockets anyway. */
  unref(): void {}
}
