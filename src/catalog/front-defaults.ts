/**
 * What is added to and taken from the times of a front, as `defaults.ts` has the other numbers: the
 * unit is in the name, the reason stands beside it.
 */
/** A server behind a front whose habits are known. */
export const FRONT = {
  /**
   * A connection at rest is closed by the front and never by us: our time is longer by this, which
   * covers late timers and the way of a request …
   */
  keepAliveMarginMs: 5_000,
  /** … or by this share of the front's, if that is more: Google asks for 620 s over its 600 s. */
  keepAliveMarginRatio: 1 / 30,
  /** For a front that keeps connections for good: the race is left once an hour of rest. */
  keepAliveMsMax: 3_600_000,
  /** Unless more is known: above the minute of nginx and ALB, and what Node 26 has by itself. */
  keepAliveUnknownMs: 65_000,
  /** A connection that was opened and not yet used rests, too; Node ends it as a slow head. */
  headersMarginMs: 1_000,
  /** Our own answer must be there before the front gives up: a twelfth of its time … */
  responseMarginRatio: 1 / 12,
  /** … but for limits up to this … */
  responseShortMs: 30_000,
  /** … only a second: 29 s are left of the 30 s of Google. */
  responseShortMarginMs: 1_000,
  /** Requests that `auto` looks at before it takes the server for one without a front. */
  autoRequestsMax: 1_000,
  /** Connections that must have ended at the same age before `auto` believes in it … */
  agesMin: 3,
  /** … within this much of it: timers of fronts run late under load, never early. */
  ageToleranceMs: 1_500,
} as const;
