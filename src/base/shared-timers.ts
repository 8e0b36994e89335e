/**
 * Timers that share one timer of the clock with all others of the same length.
 *
 * Every call sets a deadline and a timeout of seconds, and is nearly always over long before.
 * Timers of one length fire in the order in which they were set, so each length needs a queue and
 * one timer for its head; setting and cancelling then only touch the queue.
 * Guarantee: never earlier than asked, and later by a millisecond at the most; with an empty queue
 * no timer is under way.
 */
import type { Clock, Timer } from "./clock.js";
import { type Linked, LinkedList } from "./linked-list.js";

/** A clock whose long timers are shared. */
export function sharedTimers(clock: Clock): Clock {
  return new SharedTimers(clock);
}

/**
 * What is told by itself when its time has come: it holds its own place in the queue. Whoever makes
 * an object for every call and has it tell the time by this makes no second one for the timer.
 */
export abstract class OwnTimer implements Linked<OwnTimer> {
  /** When it fires, or has fired last. */
  dueAt = 0;
  listed = false;
  before: OwnTimer | null = null;
  behind: OwnTimer | null = null;
  private keeper: Keeper | null = null;

  /** Its time has come. */
  abstract due(): void;

  /** Whether its time is still to come. */
  get isSet(): boolean {
    return this.keeper !== null;
  }

  /** It is due after this many milliseconds, and at no other time that was set before. */
  set(clock: Clock, ms: number, now: number): void {
    this.unset();
    const queue = clock instanceof SharedTimers ? clock.queueOf(ms) : null;
    if (queue === null) this.keeper = new LoneTimer(this, clock, ms, now);
    else queue.take(this, now);
    this.keeper ??= queue;
  }

  unset(): void {
    this.keeper?.release(this);
    this.keeper = null;
  }

  /** The keeper lets go of it, since its time has come. */
  fire(): void {
    this.keeper = null;
    this.due();
  }
}

/** Where a timer is kept until it is due. */
interface Keeper {
  release(timer: OwnTimer): void;
}

/** The clock's own timer: for short times, of which there are few. */
class LoneTimer implements Keeper {
  readonly #timer: Timer;

  constructor(timer: OwnTimer, clock: Clock, ms: number, now: number) {
    timer.dueAt = now + ms;
    this.#timer = clock.after(ms, () => timer.fire(), now);
  }

  release(): void {
    this.#timer.cancel();
  }
}

class SharedTimers implements Clock {
  readonly #clock: Clock;
  readonly #queues = new Map<number, TimerQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  wallNow(): number {
    return this.#clock.wallNow();
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, signal);
  }

  turn(fn: () => void): Timer {
    return this.#clock.turn(fn);
  }

  after(ms: number, fn: () => void, now?: number): Timer {
    const queue = this.queueOf(ms);
    if (queue === null) return this.#clock.after(ms, fn, now);
    const timer = new QueuedFunction(queue, fn);
    queue.take(timer, now ?? this.#clock.now());
    return timer;
  }

  /** The queue of timers of this length; null for what is none of the shared ones. */
  queueOf(ms: number): TimerQueue | null {
    const length = Math.ceil(ms);
    const known = this.#queues.get(length);
    if (known !== undefined) return known;
    // Short ones are few, and what lengths there are may come from outside.
    if (ms < LENGTH_MS_MIN || this.#queues.size >= LENGTHS_MAX) return null;
    const queue = new TimerQueue(this.#clock, length);
    this.#queues.set(length, queue);
    return queue;
  }
}

/** In an outage every call waits as long (HOPE.waitMs). */
const LENGTH_MS_MIN = 250;
const LENGTHS_MAX = 64;

/** Node's timers count whole milliseconds and may fire a fraction before their time. */
const EARLY_MS = 1;

class TimerQueue implements Keeper {
  readonly #clock: Clock;
  readonly #length: number;
  readonly #queue = new LinkedList<OwnTimer>();
  /** For the whole length; paused while nobody waits, since one is soon needed again. */
  #timer: Timer | null = null;
  /** For what is left of the length when the first one has moved. */
  #rest: Timer | null = null;
  #armed = false;

  constructor(clock: Clock, length: number) {
    this.#clock = clock;
    this.#length = length;
  }

  take(timer: OwnTimer, now: number): void {
    timer.dueAt = now + this.#length;
    this.#queue.add(timer);
    if (this.#armed) return;
    this.#armed = true;
    if (this.#timer === null) this.#timer = this.#clock.after(this.#length, this.#onDue);
    else this.#timer.refresh();
  }

  /** The same for one that was let go of. */
  takeAgain(timer: OwnTimer): void {
    this.take(timer, this.#clock.now());
  }

  release(timer: OwnTimer): void {
    if (!this.#queue.delete(timer) || this.#queue.size > 0) return;
    this.#armed = false;
    this.#timer?.pause();
    this.#rest?.cancel();
    this.#rest = null;
  }

  readonly #onDue = (): void => {
    this.#armed = false;
    this.#rest = null;
    const now = this.#clock.now();
    for (let next = this.#queue.first; next !== null; next = this.#queue.first) {
      if (next.dueAt - now >= EARLY_MS) {
        this.#waitFor(next.dueAt - now);
        return;
      }
      this.#queue.delete(next);
      next.fire();
    }
  };

  #waitFor(ms: number): void {
    if (this.#armed) return;
    this.#armed = true;
    this.#rest = this.#clock.after(ms, this.#onDue);
  }
}

class QueuedFunction extends OwnTimer implements Timer {
  readonly due: () => void;
  readonly #queue: TimerQueue;
  #cancelled = false;

  constructor(queue: TimerQueue, fn: () => void) {
    super();
    this.#queue = queue;
    this.due = fn;
  }

  cancel(): void {
    this.#cancelled = true;
    this.pause();
  }

  pause(): void {
    this.#queue.release(this);
  }

  refresh(): void {
    if (this.#cancelled) return;
    this.pause();
    this.#queue.takeAgain(this);
  }

  /** A shared timer is gone with the calls that set it, and those keep their sockets anyway. */
  unref(): void {}
}
