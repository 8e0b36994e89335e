/**
 * The rules of numeric options: valid values, default, and advice for the rest.
 *
 * `check-number.ts` has the code that uses this table. The compiler compares it with the types in
 * `options.ts`, so no option can be left out.
 */

import {
  BREAKER,
  BULKHEAD,
  EJECTION,
  LIMITS,
  PANIC,
  POOL,
  PROBE,
  RETRY,
  SLOW_START,
  TIMEOUTS,
} from "../catalog/defaults.js";
import { FRONTS } from "../catalog/fronts.js";
import { ADAPTIVE_LIMIT, HEDGE, SHED, THROTTLE } from "../catalog/overload-defaults.js";
import type { FrontOptions } from "./front-options.js";
import type { LimitOptions } from "./limit-options.js";
import type { BreakerOptions, EjectionOptions, PanicOptions, SlowStartOptions } from "./options.js";
import type {
  AdaptiveLimitOptions,
  BulkheadOptions,
  HedgeOptions,
  ShedOptions,
  ThrottleOptions,
} from "./overload-options.js";
import type { ProbeOptions } from "./probe-options.js";
import type { RetryOptions } from "./retry-options.js";
import type { TimeoutOptions } from "./timeout-options.js";

export type Unit = "ms" | "bytes" | "ratio" | "count";

export interface NumberRule {
  readonly initial: number;
  readonly unit: Unit;
  /** What is valid; follows "is not" in a message. */
  readonly wanted: string;
  readonly least: number;
  /** The least value itself is too low. */
  readonly above?: true;
  readonly most: number;
  readonly whole?: true;
  /** A few milliseconds were probably meant as seconds. */
  readonly seldomShort?: true;
  /** Advice for a value below the least, or above the most. */
  readonly tooLow?: string;
  readonly tooHigh?: string;
}

interface SectionTypes {
  readonly timeouts: TimeoutOptions;
  readonly retry: Omit<RetryOptions, "unprocessedStatuses">;
  readonly breaker: BreakerOptions;
  readonly bulkhead: BulkheadOptions;
  readonly adaptiveLimit: AdaptiveLimitOptions;
  readonly throttle: ThrottleOptions;
  readonly hedge: HedgeOptions;
  readonly shed: ShedOptions;
  readonly limits: LimitOptions;
  readonly ejection: EjectionOptions;
  readonly slowStart: SlowStartOptions;
  readonly panic: PanicOptions;
}

export type SectionName = keyof SectionTypes;

type Advice = Pick<NumberRule, "tooLow" | "tooHigh">;

const ANY = Number.POSITIVE_INFINITY;
const FINITE = Number.MAX_VALUE;
const HELD: Advice = { tooHigh: "it is kept in memory, so it must be finite" };
const NO_LIMIT: Advice = { tooLow: "write Infinity for no limit" };

/** Milliseconds above 0, or Infinity for none. */
function cut(initial: number, advice: Advice = NO_LIMIT): NumberRule {
  const wanted = "a number of milliseconds above 0";
  return { initial, unit: "ms", wanted, least: 0, above: true, most: ANY, ...advice };
}

/** The same, where a value of a few milliseconds is unlikely to be meant. */
function longCut(initial: number, advice: Advice = NO_LIMIT): NumberRule {
  return { ...cut(initial, advice), seldomShort: true };
}

/** A finite length of time. */
function span(initial: number): NumberRule {
  const wanted = "a finite number of milliseconds above 0";
  return { ...cut(initial, {}), wanted, most: FINITE, seldomShort: true };
}

function wait(initial: number, most: number): NumberRule {
  const finite = most === ANY ? "" : "finite ";
  const wanted = `a ${finite}number of milliseconds of at least 0`;
  return { initial, unit: "ms", wanted, least: 0, most };
}

function count(initial: number, least: number, most: number, advice: Advice = {}): NumberRule {
  const wanted = `an integer of at least ${least}${most === ANY ? ", or Infinity" : ""}`;
  return { initial, unit: "count", wanted, least, most, whole: true, ...advice };
}

function bytes(initial: number, least: number, most: number, advice: Advice = {}): NumberRule {
  return { ...count(initial, least, most, advice), unit: "bytes" };
}

function ratio(initial: number, advice: Advice): NumberRule {
  const wanted = "a ratio above 0, up to 1";
  return { initial, unit: "ratio", wanted, least: 0, above: true, most: 1, ...advice };
}

/** The numbers of a probe; `read-probe.ts` reads what is no number. */
export const PROBE_NUMBERS = {
  intervalMs: span(PROBE.intervalMs),
  timeoutMs: span(PROBE.timeoutMs),
  fall: count(PROBE.fall, 1, FINITE),
  rise: count(PROBE.rise, 1, FINITE),
} as const satisfies Partial<Record<keyof ProbeOptions, NumberRule>>;

/** The numbers of every section, in the order of `options.ts`. */
export const SECTIONS = {
  timeouts: {
    connectMs: longCut(TIMEOUTS.connectMs),
    responseMs: longCut(TIMEOUTS.responseMs),
    continueMs: wait(TIMEOUTS.continueMs, ANY),
    idleMs: longCut(TIMEOUTS.idleMs),
    tunnelIdleMs: longCut(TIMEOUTS.tunnelIdleMs),
    clientMs: longCut(TIMEOUTS.clientMs),
    totalMs: longCut(TIMEOUTS.totalMs),
    bodyMs: longCut(TIMEOUTS.bodyMs),
  },
  retry: {
    attemptsMax: count(RETRY.attemptsMax, 1, FINITE, {
      tooLow: "write retry: false to make one attempt only",
      tooHigh: "attempts must be finite",
    }),
    replayBodyBytesMax: bytes(RETRY.replayBodyBytesMax, 0, FINITE, {
      tooHigh: "bodies are kept in memory for a repeat",
    }),
    backoffBaseMs: wait(RETRY.backoffBaseMs, FINITE),
    backoffMsMax: wait(RETRY.backoffMsMax, ANY),
    retryAfterWaitMsMax: wait(RETRY.retryAfterWaitMsMax, ANY),
    budgetRatio: {
      initial: RETRY.budgetRatio,
      unit: "ratio",
      wanted: "a finite number of at least 0",
      least: 0,
      most: FINITE,
      tooHigh: "write budgetFloorPerSecond: Infinity for no budget",
    },
    budgetFloorPerSecond: {
      initial: RETRY.budgetFloorPerSecond,
      unit: "count",
      wanted: "a number of at least 0",
      least: 0,
      most: ANY,
    },
  },
  breaker: {
    consecutiveFailures: count(BREAKER.consecutiveFailures, 1, ANY, {
      tooLow: "write Infinity to leave it to failureRatio, or breaker: false for no breaker",
    }),
    failureRatio: ratio(BREAKER.failureRatio, {
      tooLow: "write volumeMin: Infinity to leave it to consecutiveFailures",
    }),
    volumeMin: count(BREAKER.volumeMin, 1, ANY),
    windowMs: span(BREAKER.windowMs),
    openMs: span(BREAKER.openMs),
    openMsMax: longCut(BREAKER.openMsMax),
    trialSuccesses: count(BREAKER.trialSuccesses, 1, FINITE),
  },
  bulkhead: {
    concurrencyMax: count(BULKHEAD.concurrencyMax, 1, FINITE, {
      tooLow: "write bulkhead: false for no limit",
      tooHigh: "write bulkhead: false for no limit",
    }),
    streamsMax: count(BULKHEAD.streamsMax, 0, ANY),
    queueMax: count(BULKHEAD.queueMax, 0, FINITE, { tooHigh: "a queue must be finite" }),
    queueMs: cut(BULKHEAD.queueMs, { tooLow: "write queueMax: 0 to let no call wait" }),
    queueStressMs: wait(BULKHEAD.queueStressMs, ANY),
    criticalShare: {
      initial: BULKHEAD.criticalShare,
      unit: "ratio",
      wanted: "a ratio from 0 to 1",
      least: 0,
      most: 1,
    },
  },
  adaptiveLimit: {
    concurrencyMin: count(ADAPTIVE_LIMIT.concurrencyMin, 1, FINITE),
    concurrencyStart: count(ADAPTIVE_LIMIT.concurrencyStart, 1, FINITE),
    latencyTolerance: {
      initial: ADAPTIVE_LIMIT.latencyTolerance,
      unit: "count",
      wanted: "a number of at least 1",
      least: 1,
      most: FINITE,
      tooLow: "below 1 even the latency at rest would count as queueing",
    },
  },
  throttle: {
    requestsPerAccept: {
      initial: THROTTLE.requestsPerAccept,
      unit: "count",
      wanted: "a number of at least 1",
      least: 1,
      most: FINITE,
      tooLow: "below 1 calls would be rejected even if the upstream accepts all of them",
    },
    windowMs: span(THROTTLE.windowMs),
    refusedMax: {
      initial: THROTTLE.refusedMax,
      unit: "ratio",
      wanted: "a ratio above 0, below 1",
      least: 0,
      above: true,
      most: 0.99,
      tooHigh: "some calls must be sent, or the end of the overload would go unnoticed",
    },
  },
  hedge: {
    delayMs: wait(HEDGE.delayMs, FINITE),
    percentile: {
      initial: HEDGE.percentile,
      unit: "ratio",
      wanted: "a ratio above 0, below 1",
      least: 0,
      above: true,
      most: 0.999,
      tooHigh: "nothing is slower than the slowest; write hedge: false for none",
    },
    attemptsMax: count(HEDGE.attemptsMax, 2, 5, {
      tooLow: "the first attempt counts, too; write hedge: false for no second one",
      tooHigh: "more concurrent attempts add load without a gain",
    }),
  },
  shed: {
    eventLoopDelayMs: {
      ...cut(SHED.eventLoopDelayMs, {}),
      wanted: "a finite number of milliseconds above 0",
      most: FINITE,
    },
  },
  limits: {
    requestBodyBytesMax: bytes(LIMITS.requestBodyBytesMax, 0, ANY),
    responseBodyBytesMax: bytes(LIMITS.responseBodyBytesMax, 1, ANY, NO_LIMIT),
    connectionsMax: count(POOL.connectionsMax, 1, ANY, NO_LIMIT),
    upgradesMax: count(LIMITS.upgradesMax, 0, ANY),
    responseHeaderSectionBytesMax: bytes(LIMITS.responseHeaderSectionBytesMax, 1_024, FINITE, HELD),
    responseHeaderBytesMax: bytes(LIMITS.responseHeaderBytesMax, 256, FINITE, HELD),
    responseHeadersCountMax: count(LIMITS.responseHeadersCountMax, 16, FINITE, HELD),
    trailerSectionBytesMax: bytes(LIMITS.trailerSectionBytesMax, 256, FINITE, HELD),
    trailerBytesMax: bytes(LIMITS.trailerBytesMax, 64, FINITE, HELD),
    clientBytesPerSecondMin: bytes(LIMITS.clientBytesPerSecondMin, 1, FINITE, {
      tooLow: "write timeouts: { clientMs: Infinity } for no limit",
    }),
  },
  ejection: {
    consecutiveFailures: count(EJECTION.consecutiveFailures, 1, ANY, {
      tooLow: "write Infinity to leave it to the other comparisons, or ejection: false for none",
    }),
    successDeviations: {
      initial: EJECTION.successDeviations,
      unit: "count",
      wanted: "a number above 0, or Infinity",
      least: 0,
      above: true,
      most: ANY,
      tooLow: "write Infinity for no comparison of failures",
    },
    latencyFactor: {
      initial: EJECTION.latencyFactor,
      unit: "count",
      wanted: "a number above 1, or Infinity",
      least: 1,
      above: true,
      most: ANY,
      tooLow: "write Infinity for no comparison of latency",
    },
    volumeMin: count(EJECTION.volumeMin, 1, ANY),
    silenceMs: cut(EJECTION.silenceMs, { tooLow: "write Infinity for no ejection by silence" }),
    ejectMs: span(EJECTION.ejectMs),
    ejectMsMax: longCut(EJECTION.ejectMsMax),
    ejectedRatioMax: ratio(EJECTION.ejectedRatioMax, {
      tooLow: "write ejection: false to eject no target",
    }),
  },
  slowStart: {
    rampMs: cut(SLOW_START.rampMs, { tooLow: "write slowStart: false for no ramp" }),
    shareMin: ratio(SLOW_START.shareMin, {
      tooLow: "a target without a share would never get calls again",
    }),
  },
  panic: {
    healthyRatioMin: ratio(PANIC.healthyRatioMin, { tooLow: "write panic: false for no panic" }),
  },
} as const satisfies {
  readonly [Section in SectionName]: Readonly<
    Record<keyof SectionTypes[Section] & string, NumberRule>
  >;
};

/** The numbers of a front, whose defaults are in the catalog of fronts. */
export const FRONT_RULES = {
  keepAliveMs: longCut(FRONTS.nginx.keepAliveMs, { tooLow: "write Infinity if it keeps them" }),
  responseMs: longCut(FRONTS.nginx.responseMs),
  responseHeadBytesMax: bytes(FRONTS.nginx.responseHeadBytesMax, 1, ANY, NO_LIMIT),
  responseFieldBytesMax: bytes(FRONTS.nginx.responseFieldBytesMax, 1, ANY, NO_LIMIT),
} as const satisfies Partial<Record<keyof FrontOptions, NumberRule>>;

/** Sections of an upstream; load shedding belongs to the gateway as a whole. */
export const SECTION_NAMES = (Object.keys(SECTIONS) as readonly SectionName[]).filter(
  (name) => name !== "shed",
);

/** Sections that are on unless `false` is written; the others are always there. */
export const SWITCHABLE: ReadonlySet<string> = new Set<SectionName>([
  "retry",
  "breaker",
  "bulkhead",
  "ejection",
  "slowStart",
  "panic",
]);

/** Sections that are off by default; `true` enables them with their defaults. */
export const OPT_IN: ReadonlySet<string> = new Set<SectionName>([
  "adaptiveLimit",
  "throttle",
  "hedge",
  "shed",
]);

/** What a bare number probably means where a section is expected. */
export const MEANT_BY_NUMBER: Readonly<Record<SectionName, string>> = {
  timeouts: "totalMs",
  retry: "attemptsMax",
  breaker: "consecutiveFailures",
  bulkhead: "concurrencyMax",
  adaptiveLimit: "concurrencyStart",
  throttle: "requestsPerAccept",
  hedge: "delayMs",
  shed: "eventLoopDelayMs",
  limits: "connectionsMax",
  ejection: "consecutiveFailures",
  slowStart: "rampMs",
  panic: "healthyRatioMin",
};
