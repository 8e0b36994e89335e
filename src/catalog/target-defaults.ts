/**
 * The defaults for the health of targets: probes, ejection, panic and recovery.
 *
 * Part of the tables in defaults.ts, which exports them; the same rules hold.
 */
import {
  EJECTION_OPTIONS,
  PANIC_OPTIONS,
  PROBE_OPTIONS,
  SLOW_START_OPTIONS,
} from "./options/health.js";
import { defaultsOf } from "./options/option.js";

/** When a target is ejected because it is worse than its peers; needs several targets. */
export const EJECTION = {
  ...defaultsOf(EJECTION_OPTIONS),
  /** How far its success rate must be below theirs, or one failure would eject. */
  successGapMin: 0.1,
  /** A slow target is also this much slower: five times one millisecond harms no client. */
  latencyGapMsMin: 250,
  /** The window of the comparisons; the same as the breaker's. */
  windowMs: 10_000,
  /** How often the comparisons are made. */
  compareMs: 1_000,
  /** Before the ejection, other targets are preferred after this long without a byte. */
  overdueMsMin: 20,
  /** A target is silent after this multiple of the longest usual time to answer … */
  silenceFactor: 2,
  /** … which is the mean plus this many mean deviations, as in TCP (RFC 6298). */
  silenceDeviations: 4,
  /** The weight of one answer in that mean, an eighth as in RFC 6298 §2.3 … */
  usualGain: 0.125,
  /** … and in the mean deviation, a quarter. */
  usualDeviationGain: 0.25,
  /** Exchanges that wait for it; fewer may just be slow requests. */
  silentWaitingMin: 3,
  /** The silence is checked twice, a quarter of its length apart, while peers answer. */
  silenceConfirmRatio: 0.25,
  /** While peers answer, a trial fails after at least this long without an answer. */
  trialMs: 500,
  /** Every further ejection is twice as long. */
  ejectFactor: 2,
  /** As for breakers: many gateways must not try at the same moment. */
  ejectJitter: 0.5,
  /** One ejection is forgotten after this time without a further one. */
  forgetMs: 30_000,
  /** After a lost connection, calls that cannot be repeated avoid the target this long … */
  suspectMs: 1_000,
  /** … if another can take them; this long after a second loss in a row, which is no accident … */
  suspectAgainMs: 4_000,
  /** … and twice as long each time that such a call has tried it in vain, up to this. */
  suspectMsMax: 8_000,
} as const;

/** How failures of the target are distinguished from failures of the request. */
export const EVIDENCE = {
  /**
   * A broken target differs from a poisonous request by missing good answers. When ten should have
   * arrived by now and none has, chance explains it once in twenty thousand times …
   */
  missedMin: 10,
  /** … and pauses of callers or of garbage collection are shorter than this. */
  missedMsMin: 500,
  /** Calls of other routes that may try a suspect target at once, and fail per open time. */
  witnessesMax: 3,
  /** After its open time, for this long, only routes that have not failed there try it. */
  graceMs: 250,
  /** Routes kept per target; the one that failed longest ago is evicted. */
  routesMax: 64,
  /** Of a route's name, which comes from the request. */
  routeCharsMax: 120,
  /** A route that failed twice in a row at one target goes to others … */
  avoidedAfter: 2,
  /** … for a breaker's first open time, doubled after each failed trial … */
  routeMs: 1_000,
  /** … up to this: a route has fewer calls than a target, so its recovery shows later. */
  routeMsMax: 10_000,
  /** A route without a good answer for this long is rejected, once enough calls have failed. */
  routeMissedMsMin: 2_000,
  /** … or this long, if few good answers since it failed do not show what is usual. */
  routeMissedMs: 10_000,
  /**
   * A route with few good answers since it failed needs this many times more failures in a row:
   * thirty by default. Poison that is four times as frequent as good calls reaches that once in a
   * thousand times …
   */
  unseenFactor: 6,
  /** … in which one that kept its caller waiting for this long … */
  slowMs: 1_000,
  /** … counts as so many: fifteen in a row are chance in one of thirty cases. */
  slowFactor: 2,
  /** From this share of failed calls on, a route fails systematically and not by chance. */
  failingRatio: 0.3,
  /** A route that has not failed for this long is forgotten. */
  forgetMs: 60_000,
  /**
   * This many calls in a row that each end a kept connection, while others do not, count as
   * failures …
   */
  staleInRow: 3,
  /** … unless this many others were answered since. */
  staleMemory: 1_000,
} as const;

/** Rules for routes of an upstream; each call is compared with all of them. */
export const ROUTES = {
  /** Each costs some fifty nanoseconds per call. */
  rulesMax: 100,
} as const;

/** A target that answers 4xx to everything while its peers answer well. */
export const REFUSING = {
  /** Good answers that are missing from it, and that each of its peers has given. */
  missedMin: 10,
  /** So many refusals in a row, while no peer has refused anything, are reported. */
  oddMin: 3,
  /** Enough while no peer has refused anything, unless clients are led to targets of their own. */
  goodMinAlone: 1,
  /** Peers who have not answered yet are preferred for this long, so that they can. */
  compareMs: 100,
  /** Its peers are preferred for this long, unless Retry-After names another time … */
  waitMs: 5_000,
  /** … which is accepted up to this. */
  waitMsMax: 30_000,
  /** Then one call tries it, and no other is sent there for this long. */
  trialMs: 1_000,
  /** The number of answers after which older ones count half. */
  remembered: 128,
} as const;

/** How the share of a target rises after it was out. */
export const SLOW_START = {
  ...defaultsOf(SLOW_START_OPTIONS),
  /** After a shorter absence caches are still warm. */
  outMsMin: 1_000,
} as const;

/** Active health checks. */
export const PROBE = {
  ...defaultsOf(PROBE_OPTIONS),
  /** This many times as often while the state is uncertain or the target is down. */
  fasterFactor: 5,
  /** The shortest interval that the factor leads to. */
  fasterMsMin: 250,
  /** Up to a tenth is added or subtracted at random, so that gateways do not synchronise. */
  jitter: 0.1,
  /** At most this much of a body is searched. */
  bodyBytesMax: 65_536,
  /** A longer line of an agent is cut. */
  agentBytesMax: 1_024,
  /** Programs that run at once, in all gateways of the process; others wait. */
  commandsMax: 4,
  /** At most this much of what a program writes is kept. */
  outputBytesMax: 4_096,
  /** Of a program, and itself. */
  argumentsMax: 64,
  /** Further checks of a target. */
  checksMax: 8,
  /** Without probes, a target that refuses connections is tried again by TCP after this … */
  reconnectMs: 250,
  /** … doubled each time, up to this. */
  reconnectMsMax: 1_000,
  /** The timeout of one such try. */
  reconnectTimeoutMs: 1_000,
} as const;

/** Waiting when no target is available now and one may be in a moment. */
export const HOPE = {
  /** Covers a restart that is complete but not yet noticed, no more. */
  waitMs: 250,
  /** The same for the first probe of targets that get no call before one has passed. */
  firstProbeMs: 1_000,
  /** The shortest time between two connections tried because calls wait. */
  connectMs: 20,
} as const;

/** When health is overruled. */
export const PANIC = {
  ...defaultsOf(PANIC_OPTIONS),
} as const;

/** Downloads that go on where they broke. */
export const RESUME = {
  /** A body is resumed this many times: what breaks more often has a cause that stays. */
  timesMax: 5,
} as const;

/** What is taken over from before a restart. */
export const RESTORE = {
  /** An older snapshot says nothing of now: a restart takes seconds. */
  ageMsMax: 60_000,
  /** A breaker is opened for this long at most; no open time is longer by default. */
  openMsMax: 60_000,
  /** A longer estimate of an answer's time is cut. */
  latencyMsMax: 60_000,
} as const;

/** Health that targets declare themselves. */
export const DECLARED = {
  /** Without probes it holds for this long: a process is replaced within seconds. */
  believedMs: 10_000,
} as const;

/** DNS lookups. */
export const NAMES = {
  /** A query is repeated after this: one lost packet must not use up connectMs … */
  timeoutMs: 1_000,
  /** … this many times, doubling the wait; /etc/resolv.conf overrides both. */
  tries: 3,
  /** RFC 8305 §3: how long the addresses of one family wait for those of the other. */
  otherFamilyMs: 50,
  /** RFC 8305 §4: how long a family that did not work is remembered. */
  familyMs: 600_000,
  /** An answer is cached for its TTL, and no longer than this. */
  keptMsMax: 60_000,
  /** NXDOMAIN is cached for this; a service that is just starting appears in a moment. */
  absentMs: 1_000,
  /** How often /etc/hosts and /etc/resolv.conf are checked for changes. */
  filesMs: 1_000,
  /** A system lookup that fails after this long was not answered. */
  slowMs: 1_000,
  /** Cached names; the least recently used one is evicted. */
  namesMax: 1_000,
} as const;
