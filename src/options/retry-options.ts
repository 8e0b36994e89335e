/**
 * Options of repeats; a part of the options of an upstream.
 *
 * The defaults are in the catalog; a test compares the `@default` lines here with them.
 */

export interface RetryOptions {
  /**
   * Attempts of one call, the first included.
   * @default 3
   */
  readonly attemptsMax?: number;
  /**
   * Bytes of a request body kept for a repeat; larger bodies are not repeated.
   * @default 65536
   */
  readonly replayBodyBytesMax?: number;
  /**
   * First wait before a repeat to the same target; doubles each time, with full jitter.
   * @default 25
   */
  readonly backoffBaseMs?: number;
  /**
   * Longest wait before a repeat.
   * @default 250
   */
  readonly backoffMsMax?: number;
  /**
   * Longest time that a call waits for an upstream's `Retry-After`, over all attempts; an answer
   * that asks for more is passed on. The deadline always bounds it.
   * @default 2000
   */
  readonly retryAfterWaitMsMax?: number;
  /**
   * Repeats allowed, as a share of the calls of the last ten seconds.
   * @default 0.2
   */
  readonly budgetRatio?: number;
  /**
   * Repeats per second that are always allowed, regardless of the share.
   * @default 10
   */
  readonly budgetFloorPerSecond?: number;
  /**
   * Statuses that the application only sends before it has done anything, such as `[503]`. A
   * request that gets one is repeated elsewhere regardless of its method, a POST too. Only you can
   * know that; without this promise RFC 9110 §9.2.2 forbids it.
   * @default []
   */
  readonly unprocessedStatuses?: readonly number[];
}
