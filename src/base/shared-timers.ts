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

/** A clock whose long timers are shared. */
export function sharedTimers(clock: Clock): Clock {
  const queues = new Map<number, TimerQueue>();
  return {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    turn: (fn) => clock.turn(fn),
    after(ms, fn) {
      const length = Math.ceil(ms);
      let queue = queues.get(length);
      if (queue === undefined) {
        // Short ones are few, and what lengths there are may come from outside.
        if (ms < LENGTH_MS_MIN || queues.size >= LENGTHS_MAX) return clock.after(ms, fn);
        queue = new TimerQueue(clock, length);
        queues.set(length, queue);
      }
      return queue.add(fn);
    },
  };
}

const LENGTH_MS_MIN = 1_000;
const LENGTHS_MAX = 64;

/** Node's timers count whole milliseconds and may fire a fraction before their time. */
const EARLY_MS = 1;

// A doubly linked list: who cancels leaves from the middle.
class TimerQueue {
  readonly #clock: Clock;
  readonly #length: number;
  #head: QueuedTimer | null = null;
  #tail: QueuedTimer | null = null;
  #timer: Timer | null = null;

  constructor(clock: Clock, length: number) {
    this.#clock = clock;
    this.#length = length;
  }

  add(fn: () => void): QueuedTimer {
    const timer = new QueuedTimer(this, fn);
    this.append(timer);
    return timer;
  }

  append(timer: QueuedTimer): void {
    timer.dueAt = this.#clock.now() + this.#length;
    timer.queued = true;
    timer.before = this.#tail;
    if (this.#tail === null) this.#head = timer;
    else this.#tail.behind = timer;
    this.#tail = timer;
    this.#timer ??= this.#clock.after(this.#length, this.#onDue);
  }

  remove(timer: QueuedTimer): void {
    if (!timer.queued) return;
    timer.queued = false;
    if (timer.before === null) this.#head = timer.behind;
    else timer.before.behind = timer.behind;
    if (timer.behind === null) this.#tail = timer.before;
    else timer.behind.before = timer.before;
    timer.before = null;
    timer.behind = null;
    if (this.#head !== null) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  readonly #onDue = (): void => {
    this.#timer = null;
    const now = this.#clock.now();
    for (let next = this.#head; next !== null; next = this.#head) {
      if (next.dueAt - now >= EARLY_MS) {
        this.#timer ??= this.#clock.after(next.dueAt - now, this.#onDue);
        return;
      }
      this.remove(next);
      next.fire();
    }
  };
}

class QueuedTimer implements Timer {
  dueAt = 0;
  queued = false;
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
