/**
 * Overload protection: concurrent calls, the adaptive limit, throttling, hedging, load shedding.
 *
 * `option.ts` describes the form.
 */
import {
  count,
  cut,
  FINITE,
  number,
  type OptionsOf,
  requestKey,
  type Section,
  shortSpan,
  span,
  wait,
} from "./option.js";

export const BULKHEAD_OPTIONS = {
  /**
   * Concurrent calls.
   * @default 1000
   * @remarks Bounds memory and sockets, not the upstream; set it lower when you know its capacity.
   */
  concurrencyMax: count(1_000, {
    least: 1,
    most: FINITE,
    tooLow: "write bulkhead: false for no limit",
    tooHigh: "write bulkhead: false for no limit",
  }),
  /**
   * Concurrent endless answers: upgraded connections (WebSockets) and event streams. Once begun
   * they take no place of `concurrencyMax`; more of them are answered with 503. The default is at
   * least `concurrencyMax`, and at most half of the configured connections.
   * @default 1000
   * @remarks As many as calls, in a pool of their own, since streams stay open for hours.
   */
  streamsMax: count(1_000, { least: 0 }),
  /**
   * Calls that may wait for a place.
   * @default 100
   * @remarks A tenth of the concurrency: a short burst fits, an outage does not pile up.
   */
  queueMax: count(100, { least: 0, most: FINITE, tooHigh: "a queue must be finite" }),
  /**
   * Longest wait for a place.
   * @default 1000
   * @remarks After a second an early 503 serves the client better than more waiting.
   */
  queueMs: cut(1_000, { tooLow: "write queueMax: 0 to let no call wait" }),
  /**
   * A queue that has not been empty for this long is served newest first, and when full it
   * displaces its oldest call; `Infinity` for always oldest first.
   * @default 100
   * @remarks A burst clears in less; a queue that lasts longer is a standing queue, in which the
   * oldest call has the least time left (100 ms is the interval of CoDel, RFC 8289).
   */
  queueStressMs: wait(100),
  /**
   * Share of the places that `SHEDDABLE` and `SHEDDABLE_PLUS` calls may not take.
   * @default 0.2
   * @remarks A fifth is reserved for critical calls, so that a batch job cannot lock users out.
   */
  criticalShare: number(0.2, {
    unit: "ratio",
    wanted: "a ratio from 0 to 1",
    least: 0,
    most: 1,
  }),
  /**
   * Identifies callers, so that none can take all places: a field, a cookie, or a function of the
   * request. Calls without a key count as one caller. Default: all calls are of one caller.
   */
  by: requestKey(),
  /**
   * With `by`, the share of the places, of the queue and of the streams that a caller may take
   * while it is alone. With others each gets less, and there is always a place for one more.
   * @default 0.5
   * @remarks One caller gets a half, two a third each, nine a tenth: as much as is left for the
   * next.
   */
  callerShare: number(0.5, {
    unit: "ratio",
    wanted: "a ratio above 0, below 1",
    least: 0,
    above: true,
    most: 0.99,
    tooHigh: "leave out bulkhead.by for no share",
  }),
} as const satisfies Section;

export interface BulkheadOptions extends OptionsOf<typeof BULKHEAD_OPTIONS> {}

export const ADAPTIVE_LIMIT_OPTIONS = {
  /**
   * Concurrent calls always allowed, however slow the upstream is. The upper bound is
   * `bulkhead.concurrencyMax`.
   * @default 3
   * @remarks Never fewer: one call at a time says nothing about two (three in Envoy, too).
   */
  concurrencyMin: count(3, { least: 1, most: FINITE }),
  /**
   * Concurrent calls until there are measurements.
   * @default 20
   * @remarks Enough for most services until there are measurements (20 in Netflix's limiter).
   */
  concurrencyStart: count(20, { least: 1, most: FINITE }),
  /**
   * Multiple of the latency at rest that does not count as queueing yet.
   * @default 1.5
   * @remarks Up to 1.5 times the latency at rest is noise and a short queue; more is a growing
   * queue.
   */
  latencyTolerance: number(1.5, {
    unit: "count",
    wanted: "a number of at least 1",
    least: 1,
    most: FINITE,
    tooLow: "below 1 even the latency at rest would count as queueing",
  }),
} as const satisfies Section;

export interface AdaptiveLimitOptions extends OptionsOf<typeof ADAPTIVE_LIMIT_OPTIONS> {}

export const THROTTLE_OPTIONS = {
  /**
   * Requests sent for each one that the upstream recently accepted.
   * @default 2
   * @remarks K of the SRE book: twice the accepted load lets the upstream still see its own demand.
   */
  requestsPerAccept: number(2, {
    unit: "count",
    wanted: "a number of at least 1",
    least: 1,
    most: FINITE,
    tooLow: "below 1 calls would be rejected even if the upstream accepts all of them",
  }),
  /**
   * Window in which answers count.
   * @default 30000
   * @remarks Long enough to be smooth, short enough to notice the end of an overload (Envoy's,
   * too).
   */
  windowMs: span(30_000),
  /**
   * Largest share of calls that is rejected.
   * @default 0.9
   * @remarks A tenth is always sent, or recovery would stay unnoticed.
   */
  refusedMax: number(0.9, {
    unit: "ratio",
    wanted: "a ratio above 0, below 1",
    least: 0,
    above: true,
    most: 0.99,
    tooHigh: "some calls must be sent, or the end of the overload would go unnoticed",
  }),
} as const satisfies Section;

export interface ThrottleOptions extends OptionsOf<typeof THROTTLE_OPTIONS> {}

export const PACE_OPTIONS = {
  /**
   * What the upstream counts its limit by, where it has one for each of your callers: a field, a
   * cookie, or a function of the request. Default: its limit is for the gateway as a whole.
   */
  by: requestKey(),
  /**
   * Longest time for which one `Retry-After` holds calls back; then one of them finds out.
   * @default 60000
   * @remarks Limits are mostly counted by the minute; a field that says a day may be a mistake.
   */
  holdMsMax: span(60_000),
  /**
   * Calls that may wait until the time is over, each for at most `retry.retryAfterWaitMsMax`.
   * @default 100
   * @remarks As many as wait for a place of the bulkhead.
   */
  queueMax: count(100, { least: 0, most: FINITE, tooHigh: "a queue must be finite" }),
} as const satisfies Section;

export interface PaceOptions extends OptionsOf<typeof PACE_OPTIONS> {}

export const HEDGE_OPTIONS = {
  /**
   * Wait before the call is sent to a second target, too; 0 derives it from recent latency.
   * @default 0
   * @remarks A fixed time is wrong after the next release.
   */
  delayMs: wait(0, FINITE),
  /**
   * With `delayMs: 0`, the percentile of recent latency that is used as the wait.
   * @default 0.95
   * @remarks One call in twenty is sent twice; slower ones justify the cost (Dean, Barroso 2013).
   */
  percentile: number(0.95, {
    unit: "ratio",
    wanted: "a ratio above 0, below 1",
    least: 0,
    above: true,
    most: 0.999,
    tooHigh: "nothing is slower than the slowest; write hedge: false for none",
  }),
  /**
   * Concurrent attempts of one call, the first included.
   * @default 2
   * @remarks The first and one more. A third gains next to nothing.
   */
  attemptsMax: count(2, {
    least: 2,
    most: 5,
    tooLow: "the first attempt counts, too; write hedge: false for no second one",
    tooHigh: "more concurrent attempts add load without a gain",
  }),
} as const satisfies Section;

export interface HedgeOptions extends OptionsOf<typeof HEDGE_OPTIONS> {}

export const SHED_OPTIONS = {
  /**
   * Event loop delay, smoothed over half a second, above which calls are rejected: increasingly
   * many, the least important first. Below half of it the share decreases again.
   * @default 100
   * @remarks Users notice a tenth of a second, and garbage collection takes far less.
   */
  eventLoopDelayMs: shortSpan(100),
} as const satisfies Section;

export interface ShedOptions extends OptionsOf<typeof SHED_OPTIONS> {}
