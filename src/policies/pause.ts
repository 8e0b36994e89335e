/**
 * A wait between two attempts that ends at once when the call is cut.
 * Guarantee: neither a timer nor a listener is left behind, whichever of the two ends it.
 */
import type { Clock } from "../base/clock.js";
import type { Cancellation } from "../core/cancellation.js";

/** Resolves after this many milliseconds or with the cut, whichever comes first. */
export function pause(
  clock: Pick<Clock, "after">,
  ms: number,
  cancellation: Cancellation,
): Promise<void> | undefined {
  if (ms <= 0 || cancellation.by !== null) return undefined;
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      cancellation.remove(end);
      resolve();
    };
    const timer = clock.after(ms, end);
    cancellation.add(end);
  });
}
