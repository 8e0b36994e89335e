/**
 * The defaults of overload protection, and of features that are off unless they are enabled.
 *
 * As in defaults.ts, the unit is in the name and the reason stands beside the number.
 */
/** The limit that follows the capacity of the upstream. */
export const ADAPTIVE_LIMIT = {
  /** Never fewer: one call at a time says nothing about two (three in Envoy, too). */
  concurrencyMin: 3,
  /** Enough for most services until there are measurements (20 in Netflix's limiter). */
  concurrencyStart: 20,
  /** Up to 1.5 times the latency at rest is noise and a short queue; more is a growing queue. */
  latencyTolerance: 1.5,
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
  /** K of the SRE book: twice the accepted load lets the upstream still see its own demand. */
  requestsPerAccept: 2,
  /** Long enough to be smooth, short enough to notice the end of an overload (Envoy's, too). */
  windowMs: 30_000,
  /** This many requests get half of their weight; a single 503 in a quiet hour, almost none. */
  volume: 10,
  /** A tenth is always sent, or recovery would stay unnoticed. */
  refusedMax: 0.9,
} as const;

/** Load shedding while the event loop of this process is late. */
export const SHED = {
  /** Users notice a tenth of a second, and garbage collection takes far less. */
  eventLoopDelayMs: 100,
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
  /** 0 derives it from recent latency. A fixed time is wrong after the next release. */
  delayMs: 0,
  /** One call in twenty is sent twice; slower ones justify the cost (Dean, Barroso 2013). */
  percentile: 0.95,
  /** The first and one more. A third gains next to nothing. */
  attemptsMax: 2,
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
