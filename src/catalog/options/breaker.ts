/**
 * When a target gets no more calls, and how it returns.
 *
 * `option.ts` describes the form.
 */
import { count, FINITE, longCut, type OptionsOf, ratio, type Section, span } from "./option.js";

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
   * opens it, even for a single target. A slow trial fails.
   * @default 0.5
   * @remarks As for failures: when half of the answers come too late, the others soon will.
   */
  slowRatio: ratio(0.5, { tooLow: "leave out slowCallMs for no such limit" }),
} as const satisfies Section;

export interface BreakerOptions extends OptionsOf<typeof BREAKER_OPTIONS> {}
