/**
 * Whose answer a call got, and how many attempts it took, where it has gone elsewhere.
 * A call that was answered by its own upstream costs one comparison.
 */
import type { Call } from "./call.js";

/** The call whose attempts the answer comes from: itself, unless it has gone elsewhere. */
export function answeringCall(call: Call): Call {
  let one = call;
  while (one.detour !== null && one.detour.call !== null) one = one.detour.call;
  return one;
}

/** All attempts that were made for a call, wherever. */
export function attemptsFor(call: Call): number {
  let count = call.attempts.length;
  for (let one = call; one.detour !== null && one.detour.call !== null; ) {
    one = one.detour.call;
    count += one.attempts.length;
  }
  return count;
}
