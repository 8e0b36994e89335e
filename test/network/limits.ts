/**
 * The limits that all gateways of the lab have, short so that it ends soon, and apart from each
 * other so that it is visible which of them has ended a call.
 */
export const TIMEOUTS = {
  connectMs: 2_000,
  responseMs: 4_000,
  idleMs: 4_000,
  tunnelIdleMs: 4_000,
  totalMs: 30_000,
} as const;

/** Calls of a row, one after the other: to a single target, and where two others are well. */
export const CALLS = { alone: 1, beside: 12 } as const;
