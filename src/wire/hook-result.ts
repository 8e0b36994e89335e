/**
 * What hooks of the user give back, which no compiler has checked where they are JavaScript.
 *
 * Guarantee: a promise in the wrong place is recognised, and its rejection ends no process.
 */

/** Whether a hook has returned a promise, of whatever kind. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { readonly then?: unknown }).then === "function"
  );
}

/** A promise that nothing waits for must not end the process when it rejects. */
export function swallow(value: unknown): void {
  if (isPromise(value)) value.then(ignore, ignore);
}

function ignore(): void {}
