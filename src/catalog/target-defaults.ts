/**
 * The defaults of what is known of targets: probes, ejection, panic and the way back.
 *
 * Part of the tables in defaults.ts, which exports them; the same rules hold.
 */

/** When a target is taken out because it is worse than its peers; only where there are several. */
export const EJECTION = {
  /** Gateway failures in a row. Fewer than the breaker needs, since peers take the calls. */
  consecutiveFailures: 3,
  /** Standard deviations that the share of good answers may lie below that of the peers … */
  successDeviations: 3,
  /** … and at least this much below, or peers without any failure would eject for a single one. */
  successGapMin: 0.1,
  /** Times as slow as the peers. Twice is a busy neighbour; this is something broken. */
  latencyFactor: 5,
  /** Milliseconds slower at the least: five times a millisecond is nobody's trouble. */
  latencyGapMsMin: 250,
  /** Answers in the window below which the comparisons say nothing. */
  volumeMin: 50,
  /** The window of the comparisons, that of the breaker. */
  windowMs: 10_000,
  /** How often the comparisons are made. */
  compareMs: 1_000,
  /** The shortest silence that counts: pauses of a garbage collector are shorter. */
  silenceMs: 100,
  /** Before it is ejected, others are asked first, if nothing was heard for this long. */
  overdueMsMin: 20,
  /** A target is silent after this many times what its answers usually take at the most … */
  silenceFactor: 2,
  /** … where "at the most" is the mean and this many mean deviations, as TCP reckons (RFC 6298). */
  silenceDeviations: 4,
  /** The weight of one answer in that mean, an eighth as in RFC 6298 §2.3 … */
  usualGain: 0.125,
  /** … and in the mean deviation, a quarter. */
  usualDeviationGain: 0.25,
  /** Exchanges that wait for it; fewer may be a slow request each. */
  silentWaitingMin: 3,
  /** The silence is looked at twice, a quarter of its length apart, while peers answer. */
  silenceConfirmRatio: 0.25,
  /** A trial without an answer for this long, at the least, has failed while peers answer. */
  trialMs: 1_000,
  /** The first ejection; a restart takes about a second. */
  ejectMs: 1_000,
  /** Every further one is twice as long … */
  ejectFactor: 2,
  /** … up to a minute. */
  ejectMsMax: 60_000,
  /** As with breakers, so that many gateways do not try at the same moment. */
  ejectJitter: 0.5,
  /** One ejection is forgotten after this time without a further one. */
  forgetMs: 30_000,
  /** Never more than this share at once, rounded down, yet one of two. */
  ejectedRatioMax: 0.5,
  /** After a loss, calls that cannot be repeated avoid the target for this long, while others … */
  suspectMs: 1_000,
  /** … take them, and for this long after a second one in a row, which is no chance any more. */
  suspectMsMax: 4_000,
} as const;

/** What failures say that may be the fault of what was asked. */
export const EVIDENCE = {
  /**
   * A target that answers nobody well any more is told from poison by the good answers that stay
   * away. When ten should have come by now, chance explains it once in twenty thousand times …
   */
  missedMin: 10,
  /** … and a pause of its callers, or of its garbage collector, is shorter than this. */
  missedMsMin: 500,
  /** Calls of other routes that may ask a target in doubt at once, and in vain in one open time. */
  witnessesMax: 3,
  /** For so long after its open time only what has not failed there tries it. */
  graceMs: 250,
  /** Routes that are kept for each target; the one that failed longest ago makes room. */
  routesMax: 64,
  /** Of its name, which somebody else may choose. */
  routeCharsMax: 120,
  /** A route that failed twice in a row at one target is asked for elsewhere … */
  avoidedAfter: 2,
  /** … for as long as a breaker opens at first, twice as long each time that a trial fails … */
  routeMs: 1_000,
  /** … up to this: a route has fewer calls than a target, so it is found out more slowly. */
  routeMsMax: 10_000,
  /** A route of which nothing was answered well for so long is refused, once enough have failed. */
  routeMissedMsMin: 2_000,
  /** From this share of its calls on, a route fails by itself and not by chance. */
  failingRatio: 0.3,
  /** A route that has not failed for so long is forgotten. */
  forgetMs: 60_000,
} as const;

/** Rules for routes of an upstream, of which each call is compared with all. */
export const ROUTES = {
  /** Some fifty nanoseconds each. */
  rulesMax: 100,
} as const;

/** A target that refuses what the others answer, by 4xx to everything. */
export const REFUSING = {
  /** Good answers that should have come of it by now, and that each of the others has given. */
  missedMin: 10,
  /** The others are asked first for so long, unless Retry-After names another time … */
  waitMs: 5_000,
  /** … which is believed up to this. */
  waitMsMax: 30_000,
  /** After that one call finds out, and nobody else is sent there for so long. */
  trialMs: 1_000,
  /** Answers after which those before count half. */
  remembered: 128,
} as const;

/** How a target comes back after it was out. */
export const SLOW_START = {
  /** Caches fill and code is compiled within seconds. */
  rampMs: 10_000,
  /** Where the ramp begins. A tenth is enough to learn from (Envoy's least). */
  shareMin: 0.1,
  /** Who was out for less has no cold caches. */
  outMsMin: 1_000,
} as const;

/** Active health checks. */
export const PROBE = {
  /** Between two probes of a target that is up; nginx Plus has 5 s, HAProxy 2 s. */
  intervalMs: 5_000,
  /** A health check that takes longer is none. */
  timeoutMs: 2_000,
  /** Failed probes in a row until it counts as down … */
  fall: 3,
  /** … and good ones until it counts as up. HAProxy's numbers. */
  rise: 2,
  /** This many times as often while the state is in doubt or the target is down. */
  fasterFactor: 5,
  /** Never more often than this by that factor. */
  fasterMsMin: 250,
  /** Up to a tenth is added or taken away at random, so that many gateways do not fall in step. */
  jitter: 0.1,
  /** Of a body that is looked into. */
  bodyBytesMax: 65_536,
  /** Without probes, a target that cannot be connected to is tried again this soon by TCP … */
  reconnectMs: 250,
  /** … twice as long after each time, up to this. */
  reconnectMsMax: 1_000,
  /** How long one such try may take. */
  reconnectTimeoutMs: 1_000,
} as const;

/** When nobody takes a call, and somebody may in a moment. */
export const HOPE = {
  /** A restart was over when the call came, and is only being found out; longer is no moment. */
  waitMs: 250,
  /** Connections that are tried because calls wait come no closer than this. */
  connectMs: 20,
} as const;

/** When health is overruled. */
export const PANIC = {
  /**
   * With fewer than half of the targets left by probes and their own word, either the word is wrong
   * or those that are left would be overrun: trying all is better than refusing (Envoy's 50 %).
   */
  healthyRatioMin: 0.5,
} as const;

/** What targets say of themselves. */
export const DECLARED = {
  /** Without probes it is believed for this long: a process is replaced within seconds. */
  believedMs: 10_000,
} as const;

/** Look-ups of host names. */
export const NAMES = {
  /** A name server is asked again after this: one lost packet must not take connectMs … */
  timeoutMs: 1_000,
  /** … and so many times, each wait twice as long; unless /etc/resolv.conf has its own numbers. */
  tries: 3,
  /** RFC 8305 §3: how long the addresses of one family wait for those of the other. */
  otherFamilyMs: 50,
  /** RFC 8305 §4: how long it is remembered that a family did not work. */
  familyMs: 600_000,
  /** An answer is kept as long as it lives, and no longer than this. */
  keptMsMax: 60_000,
  /** That there is no such name is kept for this; who is just being started appears in a moment. */
  absentMs: 1_000,
  /** How often it is looked whether /etc/hosts or /etc/resolv.conf has changed. */
  filesMs: 1_000,
  /** A look-up of the system that fails after so long was not answered. */
  slowMs: 1_000,
  /** Names that are remembered; the one that was unused for longest makes room. */
  namesMax: 1_000,
} as const;
