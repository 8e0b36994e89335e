/**
 * The options against too much: calls at once, the limit that is learnt, throttling, shedding.
 *
 * Part of `options.ts`, which says what the shapes are and where they stand.
 */
export interface BulkheadOptions {
  /**
   * Calls at once.
   * @default 1000
   */
  readonly concurrencyMax?: number;
  /**
   * Answers without an end at once: upgraded connections (WebSockets) and event streams. They take
   * no place of `concurrencyMax` once they have begun; more of them are answered with 503. Without
   * a value it is at least `concurrencyMax`, and at most half of the connections that were written.
   * @default 1000
   */
  readonly streamsMax?: number;
  /**
   * Calls that may wait for a place.
   * @default 100
   */
  readonly queueMax?: number;
  /**
   * Longest wait for a place.
   * @default 1000
   */
  readonly queueMs?: number;
  /**
   * A queue that has not been empty for this long is served from its newest end, and is full at
   * the cost of its oldest; `Infinity` for oldest first at all times.
   * @default 100
   */
  readonly queueStressMs?: number;
  /**
   * Share of the places that calls of the priorities `SHEDDABLE` and `SHEDDABLE_PLUS` cannot take.
   * @default 0.2
   */
  readonly criticalShare?: number;
}

export interface AdaptiveLimitOptions {
  /**
   * Calls at once that are allowed however slow the upstream is. The most that are ever allowed is
   * `bulkhead.concurrencyMax`.
   * @default 3
   */
  readonly concurrencyMin?: number;
  /**
   * Calls at once until something is known.
   * @default 20
   */
  readonly concurrencyStart?: number;
  /**
   * An answer that takes this many times the latency at rest is still no sign of a queue.
   * @default 1.5
   */
  readonly latencyTolerance?: number;
}

export interface ThrottleOptions {
  /**
   * Requests that are sent for each one that the upstream accepted lately.
   * @default 2
   */
  readonly requestsPerAccept?: number;
  /**
   * How long an answer counts.
   * @default 30000
   */
  readonly windowMs?: number;
  /**
   * Largest share of the calls that is refused.
   * @default 0.9
   */
  readonly refusedMax?: number;
}

export interface ShedOptions {
  /**
   * Delay of the event loop, smoothed over half a second, above which calls are refused: more and
   * more of them, the least important first. Below half of it they are taken back.
   * @default 100
   */
  readonly eventLoopDelayMs?: number;
}

export interface HedgeOptions {
  /**
   * Wait for an answer before another target is asked, too; 0 takes it from the latencies of late.
   * @default 0
   */
  readonly delayMs?: number;
  /**
   * Share of the latest calls that were answered sooner than the wait, when `delayMs` is 0.
   * @default 0.95
   */
  readonly percentile?: number;
  /**
   * Attempts of one call at the same time, the first included.
   * @default 2
   */
  readonly attemptsMax?: number;
}
