/**
 * Timers that share one timer of the clock with all others of the same length, and those that look
 * at their sockets before they give up.
 *
 * Every call sets a deadline and a timeout of seconds, and is nearly always over long before. So
 * each length has a queue and one timer for its head; setting and cancelling then only touch that.
 * Guarantee: never earlier than asked, and later by a millisecond at the most; with an empty queue
 * no timer is under way. A patient one lets the event loop poll first: when our own process was
 * busy, the answer that it waits for may already lie in a socket's buffer.
 */
import type { Clock, Timer } from "./clock.js";
import { type Linked, LinkedList } from "./linked-list.js";

/** A clock whose long timers are shared. */
export function sharedTimers(clock: Clock): Clock {
  return new SharedTimers(clock);
}

/**
 * A timer that is its own entry in the queue. An object that exists for every call extends it, so
 * that the timer needs no second object.
 */
export abstract class OwnTimer implements Linked<OwnTimer> {
  /** When it fires, or has fired last. */
  dueAt = 0;
  listed = false;
  before: OwnTimer | null = null;
  behind: OwnTimer | null = null;
  /** Null once its time has come, and while there is none. */
  protected keeper: Keeper | null = null;

  /** Its time has come. */
  abstract due(): void;

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
  readonly now: Clock["now"];
  readonly wallNow: Clock["wallNow"];
  readonly sleep: Clock["sleep"];
  readonly turn: Clock["turn"];
  readonly #clock: Clock;
  readonly #queues = new Map<number, TimerQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.now = clock.now.bind(clock);
    this.wallNow = clock.wallNow.bind(clock);
    this.sleep = clock.sleep.bind(clock);
    this.turn = clock.turn.bind(clock);
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
  /** For the whole length; paused while there are none, since one is soon needed again. */
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

type Moments = Pick<Clock, "after" | "turn">;

/** Calls `fn` after this many milliseconds and two turns of the event loop, unless cancelled. */
export function patientTimer(clock: Moments, ms: number, fn: () => void): PatientTimer {
  return new PatientTimer(clock, ms, fn);
}

class PatientTimer implements Pick<Timer, "cancel" | "unref"> {
  #timer: Pick<Timer, "cancel" | "unref">;

  constructor(clock: Moments, ms: number, fn: () => void) {
    this.#timer = clock.after(ms, () => {
      this.#timer = new TwoTurns(clock, fn);
    });
  }

  cancel(): void {
    this.#timer.cancel();
  }

  /** Lets the process end although the call is still to come. */
  unref(): void {
    this.#timer.unref();
  }
}

/** The same for an object that is its own timer. */
export abstract class OwnPatientTimer extends OwnTimer {
  protected readonly clock: Clock;
  private turns: TwoTurns | null = null;

  constructor(clock: Clock) {
    super();
    this.clock = clock;
  }

  /** Its time has come, and the sockets had nothing that would have changed that. */
  protected abstract over(): void;

  due(): void {
    this.turns = new TwoTurns(this.clock, () => this.over());
  }

  cancel(): void {
    this.unset();
    this.turns?.cancel();
  }
}

/** Calls after two turns of the event loop. */
class TwoTurns implements Pick<Timer, "cancel" | "unref"> {
  #turn: Timer;

  constructor(clock: Pick<Clock, "turn">, fn: () => void) {
    this.#turn = clock.turn(() => {
      this.#turn = clock.turn(fn);
    });
  }

  cancel(): void {
    this.#turn.cancel();
  }

  unref(): void {
    this.#turn.unref();
  }
}
