/**
 * A timer that looks at its sockets before it gives up.
 *
 * Timers run before the event loop polls. When our own process was busy, the answer that a timeout
 * waits for may already lie in a socket's buffer; two turns later it has been read.
 */
import type { Clock, Timer } from "./clock.js";

type Moments = Pick<Clock, "after" | "turn">;

/** Calls `fn` after this many milliseconds and two turns of the event loop, unless cancelled. */
export function patientTimer(
  clock: Moments,
  ms: number,
  fn: () => void,
  now?: number,
): PatientTimer {
  return new PatientTimer(clock, ms, fn, now);
}

// A class, since every call makes one.
class PatientTimer implements Pick<Timer, "cancel" | "unref"> {
  readonly #clock: Moments;
  readonly #fn: () => void;
  #timer: Timer;

  constructor(clock: Moments, ms: number, fn: () => void, now: number | undefined) {
    this.#clock = clock;
    this.#fn = fn;
    this.#timer = clock.after(ms, () => this.#onDue(), now);
  }

  cancel(): void {
    this.#timer.cancel();
  }

  /** Lets the process end although the call is still to come. */
  unref(): void {
    this.#timer.unref();
  }

  #onDue(): void {
    this.#timer = this.#clock.turn(() => {
      this.#timer = this.#clock.turn(this.#fn);
    });
  }
}
