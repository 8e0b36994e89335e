/**
 * A timer that looks at its sockets before it gives up.
 *
 * Timers run before the event loop polls. When our own process was busy, the answer that a timeout
 * waits for may already lie in a socket's buffer; two turns later it has been read.
 */
import type { Clock, Timer } from "./clock.js";
import { OwnTimer } from "./shared-timers.js";

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

/** The same for what tells the time by itself. */
export abstract class OwnPatientTimer extends OwnTimer {
  private readonly clock: Clock;
  private turns: TwoTurns | null = null;

  constructor(clock: Clock) {
    super();
    this.clock = clock;
  }

  /** Its time has come, and the sockets had nothing that would have changed that. */
  protected abstract over(): void;

  begin(ms: number, now: number): void {
    this.set(this.clock, ms, now);
  }

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
