/**
 * When a process may say that it serves: all of its servers listen, what the application wants to
 * have done first is done, and nothing holds the start of the gateway.
 *
 * Not whether it is ready: an upstream that is down is no reason for a process manager to restart
 * this process, or to give up its start.
 */
import type { Server as NetServer } from "node:net";
import type { Clock, Timer } from "../../base/clock.js";
import { PROCESS_MANAGERS } from "../../catalog/defaults.js";

export interface StartWaits {
  readonly servers: readonly NetServer[];
  readonly first: PromiseLike<unknown> | undefined;
  /** Whether health says that the gateway is starting. */
  isStarting(): boolean;
  notify(): void;
  failed(error: unknown): void;
}

/** Notifies once. Returns how to stop waiting. */
export function whenReady(clock: Clock, waits: StartWaits): () => void {
  const { servers, first, isStarting, notify, failed } = waits;
  const waiting = servers.filter(({ listening }) => !listening);
  let missing = waiting.length + 1;
  let timer: Timer | null = null;
  let stopped = false;
  const look = (): void => {
    if (stopped) return;
    if (!isStarting()) {
      notify();
      return;
    }
    timer = clock.after(PROCESS_MANAGERS.startPollMs, look);
    timer.unref();
  };
  const one = (): void => {
    missing -= 1;
    if (missing === 0) look();
  };
  for (const server of waiting) server.once("listening", one);
  Promise.resolve(first).then(one, failed);
  return () => {
    stopped = true;
    timer?.cancel();
    for (const server of waiting) server.off("listening", one);
  };
}
