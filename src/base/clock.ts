/**
 * Time for everything above: the only file that touches Date, performance and timers.
 * Policies take a `Clock`, so that tests can move time by hand; `systemClock` is the real one. It
 * reads the globals when it is called and not when it is loaded, so that fake timers of a test
 * runner reach it too.
 * Guarantee: `now` never runs backwards; a timer that was cancelled never calls, whatever is done
 * to it later.
 */
import timers from "node:timers";
import { onAbort } from "./abort.js";

// Taken at load, and from the module, since jest replaces the globals before that: input and output
// must not wait for a turn that a test holds back.
const { setImmediate: nextTurn, clearImmediate: noTurn } = timers;

/**
 * Whether others that ask the globals for a turn may wait for ever: they are not Node's own. Code
 * that depends on others looks, within true turns, whether they go on.
 */
export function turnsMayBeHeld(): boolean {
  return globalThis.setImmediate !== nextTurn;
}

/** One planned call. */
export interface Timer {
  /** The call will not happen; may be repeated, and is harmless after the call. */
  cancel(): void;
  /** The call will not happen before `refresh`; to go on costs less than a new timer. */
  pause(): void;
  /** Starts the same delay again from now, also after the call has happened; not after `cancel`. */
  refresh(): void;
  /** Lets the process end although the call is still to come. */
  unref(): void;
}

/** A source of time. */
export interface Clock {
  /** Monotonic milliseconds, for lengths of time and deadlines. */
  now(): number;
  /** Milliseconds since 1970, for dates that are shown or sent; it may jump. */
  wallNow(): number;
  /** Waits; rejects with the reason of the signal as soon as that aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls `fn` after this many milliseconds. A caller that has just read the clock passes the
   * reading; nearly all callers have.
   */
  after(ms: number, fn: () => void, now?: number): Timer;
  /**
   * Calls `fn` in the next turn of the event loop, after it has polled for input (check phase). A
   * turn is no time: the real clock makes it under the fake timers of a test runner, too.
   */
  turn(fn: () => void): Timer;
}

/**
 * Node runs a timer with a longer delay after one millisecond; we clamp to it instead (24.8 days).
 */
export const DELAY_MS_MAX = 2 ** 31 - 1;

// A class where the code otherwise prefers functions: one timer is made for each attempt, and three
// closures each would cost more than the timer itself.
class SystemTimer implements Timer {
  private timeout: NodeJS.Timeout | null;
  private paused = false;
  private unreferenced = false;

  constructor(ms: number, fn: () => void) {
    this.timeout = setTimeout(
      () => {
        if (!this.paused) fn();
      },
      Math.min(ms, DELAY_MS_MAX),
    );
  }

  cancel(): void {
    if (this.timeout === null) return;
    clearTimeout(this.timeout);
    // A cleared Timeout is put back on Node's list by its refresh; so we let go of it.
    this.timeout = null;
  }

  // Node's timer goes on without effect: to clear it, and to set another one, takes longer.
  pause(): void {
    this.paused = true;
    this.timeout?.unref();
  }

  refresh(): void {
    if (this.paused && !this.unreferenced) this.timeout?.ref();
    this.paused = false;
    this.timeout?.refresh();
  }

  unref(): void {
    this.unreferenced = true;
    this.timeout?.unref();
  }
}

class SystemTurn implements Timer {
  private readonly fn: () => void;
  private immediate: NodeJS.Immediate;
  private cancelled = false;
  private unreferenced = false;

  constructor(fn: () => void) {
    this.fn = fn;
    this.immediate = nextTurn(fn);
  }

  cancel(): void {
    this.cancelled = true;
    noTurn(this.immediate);
  }

  pause(): void {
    noTurn(this.immediate);
  }

  refresh(): void {
    if (this.cancelled) return;
    noTurn(this.immediate);
    this.immediate = nextTurn(this.fn);
    if (this.unreferenced) this.immediate.unref();
  }

  unref(): void {
    this.unreferenced = true;
    this.immediate.unref();
  }
}

// The global is a getter, and to call it takes half as long again as to read the clock. Fake timers
// replace both or neither of these, and what is read through the object is still theirs.
const { performance: atLoad, setTimeout: timerAtLoad } = globalThis;

/** The clock of the machine. */
export const systemClock: Clock = {
  // HOT: read seven times for a call; 0.2 µs a reading instead of 0.3.
  now: () => (globalThis.setTimeout === timerAtLoad ? atLoad : performance).now(),
  wallNow: () => Date.now(),
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
  after: (ms, fn) => new SystemTimer(ms, fn),
  turn: (fn) => new SystemTurn(fn),
};

/**
 * Calls after the loop has polled at least once more: two turns, since a turn may follow a poll.
 */
export function afterPoll(clock: Pick<Clock, "turn">, fn: () => void): void {
  clock.turn(() => clock.turn(fn));
}

/** How every clock sleeps: one timer, one listener, and neither is left behind. */
export function sleepOn(
  clock: Pick<Clock, "after">,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal === undefined) return new Promise((resolve) => void clock.after(ms, resolve));
  if (signal.aborted) return Promise.reject(signal.reason);
  return new Promise((resolve, reject) => {
    const unlink = onAbort(signal, (reason) => {
      timer.cancel();
      reject(reason);
    });
    const timer = clock.after(ms, () => {
      unlink();
      resolve();
    });
  });
}

/**
 * One true turn of the event loop, even under fake timers. All microtasks that are due have run
 * when it resolves; so a clock that is moved by hand can let the code under test settle.
 */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => void nextTurn(resolve));
}

/** The date at 0 of the clock that never jumps: added to its readings, it dates them. */
export function epochMs(clock: Pick<Clock, "now" | "wallNow">): number {
  return clock.wallNow() - clock.now();
}

/** Milliseconds since 1970 of a date that was received; NaN for what is none. */
export function parseDate(text: string): number {
  return Date.parse(text);
}

/** Milliseconds since 1970 as a date of RFC 3339; `?` for what is none. */
export function isoDate(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : "?";
}

/** The same for one date after another: what it shares with the latest one is kept. */
export function isoDates(): (ms: number) => string {
  let second = 0;
  let text = "";
  return (ms) => {
    if (!Number.isInteger(ms) || ms < 0) return isoDate(ms);
    let fraction = ms - second;
    if (text === "" || fraction < 0 || fraction >= MS_PER_SECOND) {
      fraction = ms % MS_PER_SECOND;
      second = ms - fraction;
      text = isoDate(second).slice(0, -"000Z".length);
    }
    return `${text}${fraction < 10 ? "00" : fraction < 100 ? "0" : ""}${fraction}Z`;
  };
}

const MS_PER_SECOND = 1_000;
