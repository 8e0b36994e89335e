/**
 * Listens to an event of a server beside other listeners, before them, and never alone.
 *
 * Node behaves differently without a listener for `upgrade`, `connect`, `checkContinue` or, with
 * HTTP/2, `request`. So a listener of ours comes with the first of the application and leaves with
 * its last. It replaces and removes none.
 */
import type { EventEmitter } from "node:events";

type AnyListener = (...args: never[]) => void;

/** Returns how to stop. */
export function alongside(from: EventEmitter, event: string, listener: AnyListener): () => void {
  const ours = listener as (...args: unknown[]) => void;
  let listening = false;
  const join = (): void => {
    if (listening) return;
    listening = true;
    from.prependListener(event, ours);
  };
  const leave = (): void => {
    if (!listening) return;
    listening = false;
    from.off(event, ours);
  };
  // Called before the new listener is added.
  const onAdded = (name: string | symbol): void => {
    if (name === event) join();
  };
  const onRemoved = (name: string | symbol, removed: unknown): void => {
    if (name !== event) return;
    if (removed === ours) listening = false;
    else if (from.listenerCount(event) === 1) leave();
  };
  from.on("newListener", onAdded);
  from.on("removeListener", onRemoved);
  if (from.listenerCount(event) > 0) join();
  return () => {
    from.off("newListener", onAdded);
    from.off("removeListener", onRemoved);
    leave();
  };
}
