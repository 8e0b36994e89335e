/**
 * A timer that looks at its sockets before it gives up.
 *
 * Timers run before the event loop polls. When our own process was busy, the answer that a timeout
 * waits for may already lie in a socket's buffer; two turns later it has been read.
 */
import type { Clock, Timer } from "../base/clock.js";

/** Calls `fn` after this many milliseconds and two turns of the event loop, unless cancelled. */
export function patientTimer(
  clock: Pick<Clock, "after" | "turn">,
  ms: number,
  fn: () => void,
): Pick<Timer, "cancel" | "unref"> {
  let timer = clock.after(ms, () => {
    timer = clock.turn(() => {
      timer = clock.turn(fn);
    });
  });
  return { cancel: () => timer.cancel(), unref: () => timer.unref() };
}
