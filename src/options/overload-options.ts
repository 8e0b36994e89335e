/**
 * Overload protection: concurrent calls, the adaptive limit, throttling, load shedding.
 *
 * Part of `options.ts`, which describes the shapes of options.
 */
export interface BulkheadOptions {
  /**
   * Concurrent calls.
   * @default 1000
   */
  readonly concurrencyMax?: number;
  /**
   * Concurrent endless answers: upgraded connections (WebSockets) and event streams. Once begun
   * they take no place of `concurrencyMax`; more of them are answered with 503. The default is
   * at least `concurrencyMax`, and at most half of the configured connections.
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
   * A queue that has not been empty for this long is served newest first, and when full it
   * displaces its oldest call; `Infinity` for always oldest first.
   * @default 100
   */
  readonly queueStressMs?: number;
  /**
   * Share of the places that `SHEDDABLE` and `SHEDDABLE_PLUS` calls may not take.
   * @default 0.2
   */
  readonly criticalShare?: number;
}

export interface AdaptiveLimitOptions {
  /**
   * Concurrent calls always allowed, however slow the upstream is. The upper bound is
   * `bulkhead.concurrencyMax`.
   * @default 3
   */
  readonly concurrencyMin?: number;
  /**
   * Concurrent calls until there are measurements.
   * @default 20
   */
  readonly concurrencyStart?: number;
  /**
   * Multiple of the latency at rest that does not count as queueing yet.
   * @default 1.5
   */
  readonly latencyTolerance?: number;
}

export interface ThrottleOptions {
  /**
   * Requests sent for each one that the upstream recently accepted.
   * @default 2
   */
  readonly requestsPerAccept?: number;
  /**
   * Window in which answers count.
   * @default 30000
   */
  readonly windowMs?: number;
  /**
   * Largest share of calls that is rejected.
   * @default 0.9
   */
  readonly refusedMax?: number;
}

export interface ShedOptions {
  /**
   * Event loop delay, smoothed over half a second, above which calls are rejected: increasingly
   * many, the least important first. Below half of it the share decreases again.
   * @default 100
   */
  readonly eventLoopDelayMs?: number;
}

export interface HedgeOptions {
  /**
   * Wait before the call is sent to a second target, too; 0 derives it from recent latency.
   * @default 0
   */
  readonly delayMs?: number;
  /**
   * With `delayMs: 0`, the percentile of recent latency that is used as the wait.
   * @default 0.95
   */
  readonly percentile?: number;
  /**
   * Concurrent attempts of one call, the first included.
   * @default 2
   */
  readonly attemptsMax?: number;
}
