/**
 * Margins around the timeouts of a front. As in `defaults.ts`, the unit is in the name, the reason
 * stands beside it.
 */
/** A server behind a front whose timeouts are known. */
export const FRONT = {
  /**
   * Idle connections must be closed by the front, never by us: our time is longer by this, which
   * covers late timers and a request in transit …
   */
  keepAliveMarginMs: 5_000,
  /** … or by this share of the front's, if that is more: Google recommends 620 s over its 600 s. */
  keepAliveMarginRatio: 1 / 30,
  /** For a front that never closes connections: the race remains after an hour of idling. */
  keepAliveMsMax: 3_600_000,
  /** When nothing is known: above the minute of nginx and ALB; Node 26 uses the same. */
  keepAliveUnknownMs: 65_000,
  /** An unused new connection is idle, too, but Node closes it as a slow request head. */
  headersMarginMs: 1_000,
  /** Our answer must arrive before the front times out: a twelfth of its time … */
  responseMarginRatio: 1 / 12,
  /** … but for limits up to this … */
  responseShortMs: 30_000,
  /** … only a second: 29 s are left of the 30 s of Google. */
  responseShortMarginMs: 1_000,
  /** Requests that `auto` examines before it concludes that there is no front. */
  autoRequestsMax: 1_000,
  /** Connections that must end at the same age before `auto` takes it as a timeout … */
  agesMin: 3,
  /** … within this much of it: timers of fronts run late under load, never early. */
  ageToleranceMs: 1_500,
} as const;
