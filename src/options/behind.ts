/**
 * What follows from the proxies in front of this server: the times of the server, the deadline of
 * calls, the statuses of answers. The facts stand in `catalog/fronts.ts`.
 *
 * Guarantee: these are defaults. Nothing here changes an explicit option.
 */

import type { FailureCode } from "../catalog/failures.js";
import { FRONT } from "../catalog/front-defaults.js";
import type { FrontFacts, FrontName } from "../catalog/fronts.js";
import type { FailureRow } from "../catalog/rows/failure-row.js";

/** A front with the settings that it has here. */
export interface Front extends FrontFacts {
  readonly name: FrontName;
}

/** What stands in front of this server. */
export interface Behind {
  /** The fronts are to be recognised; none is known yet. */
  readonly auto: boolean;
  /** The nearest first. */
  readonly fronts: readonly Front[];
}

/** Times of a server, in Node's names. */
export interface ServerTimes {
  readonly keepAliveTimeout: number;
  readonly headersTimeout: number;
}

/** The times that a server needs behind this front; null for one that nothing is known of. */
export function serverTimes(nearest: Pick<FrontFacts, "keepAliveMs"> | null): ServerTimes {
  const keepAliveTimeout =
    nearest === null ? FRONT.keepAliveUnknownMs : restingMs(nearest.keepAliveMs);
  return { keepAliveTimeout, headersTimeout: keepAliveTimeout + FRONT.headersMarginMs };
}

/** How long we keep a connection that the front keeps for so long. */
function restingMs(keepAliveMs: number): number {
  if (keepAliveMs === Infinity) return FRONT.keepAliveMsMax;
  const margin = Math.max(FRONT.keepAliveMarginMs, keepAliveMs * FRONT.keepAliveMarginRatio);
  return Math.ceil(keepAliveMs + margin);
}

/** The least time that any of the fronts waits for an answer, and ours below it. */
export interface ResponseLimit {
  readonly front: Front;
  readonly totalMs: number;
}

/** Null when no front has a limit. */
export function responseLimit({ fronts }: Behind): ResponseLimit | null {
  const [front] = [...fronts].sort((one, other) => one.responseMs - other.responseMs);
  if (front === undefined || front.responseMs === Infinity) return null;
  return { front, totalMs: totalBelow(front.responseMs) };
}

/** Whole seconds are easier to recognise in a log; short times have none to lose. */
const ROUND_MS = 1_000;
const ROUND_FROM_MS = 10_000;

function totalBelow(responseMs: number): number {
  const margin =
    responseMs > FRONT.responseShortMs
      ? responseMs * FRONT.responseMarginRatio
      : // Half of what is very short, which only tests and probes have.
        Math.min(FRONT.responseShortMarginMs, responseMs / 2);
  const total = responseMs - margin;
  return total < ROUND_FROM_MS ? total : Math.floor(total / ROUND_MS) * ROUND_MS;
}

/** The statuses whose bodies one of the fronts replaces. */
export function replacedBodies({ fronts }: Behind): ReadonlySet<number> {
  return new Set(fronts.flatMap((front) => front.replacedBodies));
}

/**
 * Statuses whose bodies arrive. A failure after which the request may be sent again whatever it
 * does, since nothing of it was sent, becomes 503, which invites that; every other one becomes 500,
 * which does not. So the status still says what a client has to decide by.
 */
export function readableStatuses(
  replaced: ReadonlySet<number>,
): (code: FailureCode, row: FailureRow) => number {
  return (code, { status, repeat }) => {
    // RFC 9111 §5.2.1.7: who asked for this 504 knows it, and needs no body.
    if (code === "only_if_cached" || !replaced.has(Number(status))) return Number(status);
    return repeat === "safe" ? 503 : 500;
  };
}
