/**
 * The defaults of overload protection, and of features that are off unless they are enabled.
 *
 * As in defaults.ts, the unit is in the name and the reason stands beside the number.
 */

import { CHAOS_OPTIONS } from "./options/chaos.js";
import { defaultsOf } from "./options/option.js";
import {
  ADAPTIVE_LIMIT_OPTIONS,
  HEDGE_OPTIONS,
  PACE_OPTIONS,
  SHED_OPTIONS,
  THROTTLE_OPTIONS,
} from "./options/overload.js";

/** The limit that follows the capacity of the upstream. */
export const ADAPTIVE_LIMIT = {
  ...defaultsOf(ADAPTIVE_LIMIT_OPTIONS),
  /** The limit moves once per this time … */
  windowMs: 250,
  /** … if at least this many answers arrived, so that one slow answer moves nothing. */
  samplesMin: 10,
  /** A fifth of the way at a time: noise of two windows cancels out. */
  smoothing: 0.2,
  /** One bad window never costs more than half of the limit. */
  gradientMin: 0.5,
  /** A window with rejections or timeouts costs a tenth, as in TCP-like limiters (AIMD). */
  overloadFactor: 0.9,
  /** How far a window at rest moves the baseline latency. */
  baselineSmoothing: 0.1,
  /** A full limit hides the latency at rest, so it is measured again now and then … */
  remeasureMs: 30_000,
  /** … by halving the limit for one window: less than 0.5 % of the throughput. */
  remeasureFactor: 0.5,
} as const;

/** Client-side throttling: how much is still sent to an upstream that rejects calls. */
export const THROTTLE = {
  ...defaultsOf(THROTTLE_OPTIONS),
  /** This many requests get half of their weight; a single 503 in a quiet hour, almost none. */
  volume: 10,
} as const;

/** Calls that wait for the end of a Retry-After. */
/** Failures on purpose. */
export const CHAOS = {
  ...defaultsOf(CHAOS_OPTIONS),
} as const;

export const PACE = {
  ...defaultsOf(PACE_OPTIONS),
  /** Limits that are remembered at the same time; calls of further callers do not wait. */
  holdsMax: 1_000,
  /** After the time is over it is known for this long, so that the next calls do not all go. */
  keptMs: 10_000,
} as const;

/** Load shedding while the event loop of this process is late. */
export const SHED = {
  ...defaultsOf(SHED_OPTIONS),
  /** Below half of it shedding decreases; in between nothing changes, or it would flap. */
  calmRatio: 0.5,
  /** Often enough to see short pauses, seldom enough to cost nothing. */
  sampleMs: 20,
  /** A single pause of 200 ms shows as a third of it. */
  smoothingMs: 500,
  /** From no call to all calls in two seconds; ordinary calls are rejected after the first. */
  riseMs: 2_000,
  /** Slower on the way back, since returning clients add load again. */
  fallMs: 4_000,
  /** One pause, however long, moves it a tenth of the way up. */
  stepMsMax: 200,
  /** Without calls for a second there is nothing to protect. */
  idleMs: 1_000,
} as const;

/** A second request to another target while the first has not answered. */
export const HEDGE = {
  ...defaultsOf(HEDGE_OPTIONS),
  /** Timers are no finer, and calls this fast need no help. */
  delayMsMin: 2,
  /** With less time before the deadline no answer can arrive. */
  attemptMsMin: 20,
  /** Latencies kept: enough that the slowest twentieth is a dozen … */
  kept: 256,
  /** … and the fewest from which a percentile is taken. */
  least: 50,
  /** Sorting is cheap, but not for every call. */
  sortEvery: 16,
} as const;
