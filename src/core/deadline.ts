/**
 * A moment on the monotonic clock by which something must be over.
 *
 * `NEVER` is the moment of who has no end; all arithmetic works with it.
 */

export const NEVER = Number.POSITIVE_INFINITY;

/** What is left until the moment, never below zero. */
export function remainingMs(deadline: number, now: number): number {
  return deadline > now ? deadline - now : 0;
}
