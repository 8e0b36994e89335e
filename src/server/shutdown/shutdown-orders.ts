/**
 * Who may order a shutdown: signals, and the messages of process managers.
 *
 * Guarantee: the first order begins it, a later one forces it; one order that is delivered twice
 * (to a process group, and passed on by npm or a shell) is one order. Listeners of others stay.
 */
import type { Clock } from "../../base/clock.js";
import { SHUTDOWN } from "../../catalog/defaults.js";
import type { ProcessManager } from "./managers/manager.js";

export interface Orders {
  begin(reason: string): void;
  force(): void;
}

/** Returns how to stop listening. */
export function listenForOrders(
  clock: Clock,
  signals: readonly NodeJS.Signals[],
  managers: readonly ProcessManager[],
  { begin, force }: Orders,
): () => void {
  let firstAt: number | null = null;
  const onOrder = (reason: string): void => {
    if (firstAt === null) {
      firstAt = clock.now();
      begin(reason);
    } else if (clock.now() - firstAt > SHUTDOWN.sameSignalMs) force();
  };
  for (const signal of signals) process.on(signal, onOrder);
  const stops = managers.map((manager) => manager.listen(onOrder));
  return () => {
    for (const signal of signals) process.off(signal, onOrder);
    for (const stop of stops) stop();
  };
}
