/**
 * What may be set of further attempts; a part of the options of an upstream.
 *
 * The defaults stand in the catalog, and a test compares those that are told here with them.
 */

export interface RetryOptions {
  /**
   * Attempts of one call, the first included.
   * @default 3
   */
  readonly attemptsMax?: number;
  /**
   * Bytes of a request body that are kept for a repeat.
   * @default 65536
   */
  readonly replayBodyBytesMax?: number;
  /**
   * First wait before a repeat to the same target; doubles, with full jitter.
   * @default 25
   */
  readonly backoffBaseMs?: number;
  /**
   * Longest wait before a repeat.
   * @default 250
   */
  readonly backoffMsMax?: number;
  /**
   * Longest time that a call waits because an upstream's `Retry-After` asks for it, over all its
   * attempts; an answer that asks for more is passed on. The deadline bounds it in any case.
   * @default 2000
   */
  readonly retryAfterWaitMsMax?: number;
  /**
   * Share that repeats may add to the calls of the last ten seconds.
   * @default 0.2
   */
  readonly budgetRatio?: number;
  /**
   * Repeats per second that are allowed whatever the share.
   * @default 10
   */
  readonly budgetFloorPerSecond?: number;
  /**
   * Statuses that the application promises to answer only before it has done anything, such as
   * `[503]`. A request that gets one is repeated elsewhere whatever its method, a POST too. Only
   * you can know that; without the promise RFC 9110 §9.2.2 forbids it.
   * @default []
   */
  readonly unprocessedStatuses?: readonly number[];
}
