/**
 * The defaults of what guards against too much, and of what is off unless it is asked for.
 *
 * As in defaults.ts, the unit is in the name and the reason stands beside the number.
 */
/** The limit that follows what the upstream can take. */
export const ADAPTIVE_LIMIT = {
  /** Never fewer: with one at a time nothing can be learnt about two (Envoy has three, too). */
  concurrencyMin: 3,
  /** Enough for most services until something is known (20 in Netflix's limiter). */
  concurrencyStart: 20,
  /** Half as long again as at rest is noise and a short queue; more is a queue that grows. */
  latencyTolerance: 1.5,
  /** The limit moves once in this time … */
  windowMs: 250,
  /** … if this many answers have come, so that one slow answer moves nothing. */
  samplesMin: 10,
  /** A fifth of the way at a time: two windows of noise cancel each other out. */
  smoothing: 0.2,
  /** One bad window never takes more than half. */
  gradientMin: 0.5,
  /** A window with refusals or timeouts takes a tenth, as TCP-like limiters do (AIMD). */
  overloadFactor: 0.9,
  /** How far a window at rest moves what is held for the usual latency. */
  baselineSmoothing: 0.1,
  /** Under a full limit the latency at rest cannot be seen, so it is looked at now and then … */
  remeasureMs: 30_000,
  /** … by halving the limit for one window: less than half of a hundredth of the throughput. */
  remeasureFactor: 0.5,
} as const;

/** Client-side throttling: what an upstream that refuses is still asked. */
export const THROTTLE = {
  /** K of the SRE book: twice what is accepted keeps the upstream's own view of its load alive. */
  requestsPerAccept: 2,
  /** Long enough to be smooth, short enough to notice the end of an overload (Envoy's, too). */
  windowMs: 30_000,
  /** So many requests say half of what they seem to; a single 503 of a quiet hour says nothing. */
  volume: 10,
  /** A tenth is always sent, or nobody would see that it is over. */
  refusedMax: 0.9,
} as const;

/** Refusing calls while this process is late. */
export const SHED = {
  /** A tenth of a second is what users notice, and far above what garbage collection takes. */
  eventLoopDelayMs: 100,
  /** Below half of it calls are taken back; in between nothing changes, or it would flap. */
  calmRatio: 0.5,
  /** Often enough to see short pauses, seldom enough to cost nothing. */
  sampleMs: 20,
  /** A single pause of a fifth of a second shows as a third of it. */
  smoothingMs: 500,
  /** From nobody to everybody in two seconds; ordinary calls are refused after the first. */
  riseMs: 2_000,
  /** Back more slowly, as those who come back make load again. */
  fallMs: 4_000,
  /** One pause, however long, is a tenth of the way up. */
  stepMsMax: 200,
  /** Without calls for a second there is nothing to guard. */
  idleMs: 1_000,
} as const;

/** A second request to another target while the first has not answered. */
export const HEDGE = {
  /** 0: it follows from the latencies of late. A fixed time is wrong after the next release. */
  delayMs: 0,
  /** One in twenty is asked twice; what is slower than that is worth it (Dean, Barroso 2013). */
  percentile: 0.95,
  /** The first and one beside it. A third wins next to nothing more. */
  attemptsMax: 2,
  /** Timers are no finer, and what is this fast needs no help. */
  delayMsMin: 2,
  /** With less before the deadline no answer can come any more. */
  attemptMsMin: 20,
  /** Latencies that are kept: enough for the twentieth part to be a dozen … */
  kept: 256,
  /** … and so few that it says nothing yet. */
  least: 50,
  /** Sorting is cheap, but not for each call. */
  sortEvery: 16,
} as const;
