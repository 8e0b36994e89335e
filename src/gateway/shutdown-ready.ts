/**
 * When a process may say that it serves: all of its servers listen, and what the application wants
 * to have done first is done.
 */
import type { Server as NetServer } from "node:net";

/** Calls `tell` once. Returns how to stop waiting. */
export function whenReady(
  servers: readonly NetServer[],
  first: PromiseLike<unknown> | undefined,
  tell: () => void,
  failed: (error: unknown) => void,
): () => void {
  let missing = servers.length + 1;
  let stopped = false;
  const one = (): void => {
    missing -= 1;
    if (missing === 0 && !stopped) tell();
  };
  const waiting = servers.filter(({ listening }) => !listening);
  missing -= servers.length - waiting.length;
  for (const server of waiting) server.once("listening", one);
  Promise.resolve(first).then(one, failed);
  return () => {
    stopped = true;
    for (const server of waiting) server.off("listening", one);
  };
}
