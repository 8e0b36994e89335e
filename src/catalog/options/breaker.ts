/**
 * When a target gets no more calls, and how it returns.
 *
 * `option.ts` describes the form.
 */
import type { FailureCode } from "../rows/failure-code.js";
import {
  count,
  FINITE,
  longCut,
  type OptionsOf,
  predicate,
  ratio,
  type Section,
  span,
} from "./option.js";

/** The request of a failure, for `breaker.counts`. */
export interface CountedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

export const BREAKER_OPTIONS = {
  /**
   * Consecutive failures that open it, weighted by evidence against the target (docs/evidence.md).
   * @default 5
   * @remarks Detects a hard outage quickly; fewer would trip on a restart (5 in Envoy and Finagle).
   */
  consecutiveFailures: count(5, {
    least: 1,
    tooLow: "write Infinity to leave it to failureRatio, or breaker: false for no breaker",
  }),
  /**
   * Share of failures that opens it; for a single target, only connection failures count.
   * @default 0.5
   * @remarks A partial outage: half of the calls fail.
   */
  failureRatio: ratio(0.5, {
    tooLow: "write volumeMin: Infinity to leave it to consecutiveFailures",
  }),
  /**
   * Exchanges in the window that the share needs.
   * @default 20
   * @remarks So that noise in quiet hours does not trip it.
   */
  volumeMin: count(20, { least: 1 }),
  /**
   * Window over which the share is measured.
   * @default 10000
   * @remarks Long enough for `volumeMin`, short enough to forget an outage; counted in buckets.
   */
  windowMs: span(10_000),
  /**
   * Open time, with jitter; doubles while connections fail and other targets take the calls.
   * @default 1000
   * @remarks A restart takes about a second; longer only penalises healthy
   * targets.
   */
  openMs: span(1_000),
  /**
   * Longest open time.
   * @default 60000
   * @remarks A minute; an accepted connection ends it sooner.
   */
  openMsMax: longCut(60_000),
  /**
   * Successful trials that close it.
   * @default 3
   * @remarks One lucky success must not bring back the full load.
   */
  trialSuccesses: count(3, { least: 1, most: FINITE }),
  /**
   * A good answer is slow if its head takes this long after the request was sent; `Infinity`:
   * never.
   * @default Infinity
   * @remarks Only you know what is too slow here; targets are compared with their peers anyway.
   */
  slowCallMs: longCut(Infinity),
  /**
   * With `slowCallMs`: share of slow answers, of at least `volumeMin` good ones in the window, that
   * opens it, even for a single target. A slow trial fails. If at least ten answers are of other
   * routes than the slowest, so many of these must be slow as well.
   * @default 0.5
   * @remarks As for failures: when half of the answers come too late, the others soon will.
   */
  slowRatio: ratio(0.5, { tooLow: "leave out slowCallMs for no such limit" }),
  /**
   * Decides whether a failure counts against its target: `true` or `false`, or `undefined` for the
   * verdict that its blame gives. Good answers always count for it. If it throws, the blame
   * decides.
   * @default false
   * @remarks The blame of a failure says whose fault it is.
   */
  counts: predicate<(code: FailureCode, request: CountedRequest) => boolean | undefined>(),
} as const satisfies Section;

export interface BreakerOptions extends OptionsOf<typeof BREAKER_OPTIONS> {}
