/**
 * A clock that stands still until a test moves it, for real sockets: turns of the event loop happen
 * by themselves, since engines wait for them, and timers when their time has come.
 */
import { type Clock, type VirtualClock, virtualClock } from "good-gateway/testing";

export interface MovedClock extends Clock {
  /** Moves on by this much. */
  advance(ms: number): Promise<void>;
}

export function movedClock(): MovedClock {
  const clock: VirtualClock = virtualClock();
  return {
    now: () => clock.now(),
    wallNow: () => clock.wallNow(),
    sleep: (ms, signal) => clock.sleep(ms, signal),
    after: (ms, fn) => clock.after(ms, fn),
    turn(fn) {
      const turn = setImmediate(fn);
      const cancel = (): void => clearImmediate(turn);
      return { cancel, pause: cancel, refresh: () => {}, unref: () => void turn.unref() };
    },
    advance: (ms) => clock.advance(ms),
  };
}
