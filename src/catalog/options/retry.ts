/**
 * Repeats: how many, how far apart, and the budget that all calls share.
 *
 * `option.ts` describes the form.
 */
import type { FailureCode } from "../rows/failure-code.js";
import {
  bytes,
  count,
  FINITE,
  number,
  type OptionsOf,
  predicate,
  type Section,
  statuses,
  wait,
} from "./option.js";

/** An attempt that failed, for `retry.when`. */
export interface FailedAttempt {
  readonly code: FailureCode;
  /** Of an answer; null where there was none. */
  readonly status: number | null;
  /** From 1. */
  readonly attempt: number;
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

export const RETRY_OPTIONS = {
  /**
   * Attempts of one call, the first included.
   * @default 3
   * @remarks The first attempt and two repeats. Further repeats seldom help.
   */
  attemptsMax: count(3, {
    least: 1,
    most: FINITE,
    tooLow: "write retry: false to make one attempt only",
    tooHigh: "attempts must be finite",
  }),
  /**
   * Bytes of a request body kept for a repeat; larger bodies are not repeated.
   * @default 65536
   * @remarks Bounds memory; a larger body streams.
   */
  replayBodyBytesMax: bytes(65_536, {
    least: 0,
    most: FINITE,
    tooHigh: "bodies are kept in memory for a repeat",
  }),
  /**
   * First wait before a repeat to the same target; doubles each time, with full jitter.
   * @default 25
   * @remarks A user waits for the answer, so this is short.
   */
  backoffBaseMs: wait(25, FINITE),
  /**
   * Longest wait before a repeat.
   * @default 250
   * @remarks Ten times the base: it spreads repeats at the same target, but users hardly notice it.
   */
  backoffMsMax: wait(250),
  /**
   * Longest time that a call waits for an upstream's `Retry-After`, over all attempts; an answer
   * that asks for more is passed on. The deadline always bounds it.
   * @default 2000
   * @remarks A user waits for the answer. If the upstream asks for more, the client gets its answer
   * and the field.
   */
  retryAfterWaitMsMax: wait(2_000),
  /**
   * Repeats allowed, as a share of the calls of the last ten seconds.
   * @default 0.2
   * @remarks Repeats may add a fifth to the traffic. A share survives changes of load; a count does
   * not.
   */
  budgetRatio: number(0.2, {
    unit: "ratio",
    wanted: "a finite number of at least 0",
    least: 0,
    most: FINITE,
    tooHigh: "write budgetFloorPerSecond: Infinity for no budget",
  }),
  /**
   * Repeats per second that are always allowed, regardless of the share.
   * @default 10
   * @remarks So that quiet services can repeat at all.
   */
  budgetFloorPerSecond: number(10, {
    unit: "count",
    wanted: "a number of at least 0",
    least: 0,
  }),
  /**
   * Statuses that the application only sends before it has done anything, such as `[503]`. A
   * request that gets one is repeated elsewhere regardless of its method, a POST too. Only you can
   * know that; without this promise RFC 9110 §9.2.2 forbids it.
   * @default []
   */
  unprocessedStatuses: statuses(),
  /**
   * Decides for each failure whether it is repeated: `true` also repeats what the catalog does not,
   * such as a 500, `false` does not repeat it, `undefined` leaves it to the catalog. Methods, body,
   * attempts, time and budget bound it all the same, and what the upstream itself forbids stays
   * forbidden. If it throws, nothing is repeated.
   * @default false
   * @remarks The catalog knows what each failure allows.
   */
  when: predicate<(failed: FailedAttempt) => boolean | undefined>(),
} as const satisfies Section;

export interface RetryOptions extends OptionsOf<typeof RETRY_OPTIONS> {}
