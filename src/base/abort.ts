/**
 * Listening to abort signals without leaving listeners behind.
 * Signals of callers often live for a whole process; each listener that stays on one is a leak. So
 * everything here hands back a way to unlink, and unlinks by itself once the signal has fired.
 * Guarantee: a signal that has already been aborted is treated as one that aborts right now.
 */
import { defaultMaxListeners, getMaxListeners, setMaxListeners } from "node:events";

/**
 * Node warns of a leak from the eleventh listener on, and eleven calls that share one signal are no
 * leak. Beyond this many, the number that Node's own fetch has chosen, they well may be.
 */
export const LISTENERS_MAX = 1500;

/** Joined signals: `signal` aborts with the first of its sources, until `unlink` is called. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Takes the listeners off all sources; may be called any number of times. */
  unlink(): void;
}

const nothingToUnlink = (): void => {};

/** Calls `fn` with the reason once the signal aborts, at once if it has; returns how to unlink. */
export function onAbort(
  signal: AbortSignal | undefined,
  fn: (reason: unknown) => void,
): () => void {
  if (signal === undefined) return nothingToUnlink;
  if (signal.aborted) {
    fn(signal.reason);
    return nothingToUnlink;
  }
  expectManyListeners(signal);
  const listener = (): void => fn(signal.reason);
  signal.addEventListener("abort", listener, { once: true });
  return () => signal.removeEventListener("abort", listener);
}

/** One signal that aborts as soon as any of the given ones does, with the same reason. */
export function linkSignals(...signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const unlinks: (() => void)[] = [];
  const unlink = (): void => {
    for (const unlinkOne of unlinks.splice(0)) unlinkOne();
  };
  for (const signal of signals) {
    if (controller.signal.aborted) break;
    unlinks.push(
      onAbort(signal, (reason) => {
        unlink();
        controller.abort(reason);
      }),
    );
  }
  // A source that had aborted before the loop reached it found the list of links incomplete.
  if (controller.signal.aborted) unlink();
  return { signal: controller.signal, unlink };
}

/** Settles as the promise does, or rejects with the reason of the signal if that comes first. */
export function untilAborted<Value>(
  promise: PromiseLike<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  return new Promise<Value>((resolve, reject) => {
    const unlink = onAbort(signal, reject);
    promise.then(
      (value) => {
        unlink();
        resolve(value);
      },
      (error: unknown) => {
        unlink();
        reject(error);
      },
    );
  });
}

function expectManyListeners(signal: AbortSignal): void {
  // A signal of another making has no such limit; and a limit that was set stays.
  if (!(signal instanceof EventTarget)) return;
  if (getMaxListeners(signal) === defaultMaxListeners) setMaxListeners(LISTENERS_MAX, signal);
}
