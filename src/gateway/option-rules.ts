/**
 * Every option that is a number: what may be written, what it is otherwise, and what to advise.
 *
 * A table to read; `check-number.ts` holds the code that asks it. The compiler compares it with the
 * types in `options.ts`, so no option can be left out.
 */
import {
  ADAPTIVE_LIMIT,
  BREAKER,
  BULKHEAD,
  LIMITS,
  POOL,
  RETRY,
  TIMEOUTS,
} from "../catalog/defaults.js";
import type {
  AdaptiveLimitOptions,
  BreakerOptions,
  BulkheadOptions,
  LimitOptions,
  RetryOptions,
  TimeoutOptions,
} from "./options.js";

export type Unit = "ms" | "bytes" | "ratio" | "count";

export interface NumberRule {
  readonly initial: number;
  readonly unit: Unit;
  /** What may be written, to follow "is not". */
  readonly wanted: string;
  readonly least: number;
  /** The least value itself is too little. */
  readonly above?: true;
  readonly most: number;
  readonly whole?: true;
  /** A few milliseconds were more likely meant as seconds. */
  readonly seldomShort?: true;
  /** Advice for a value below the least, or above the most. */
  readonly tooLow?: string;
  readonly tooHigh?: string;
}

interface SectionTypes {
  readonly timeouts: TimeoutOptions;
  readonly retry: RetryOptions;
  readonly breaker: BreakerOptions;
  readonly bulkhead: BulkheadOptions;
  readonly adaptiveLimit: AdaptiveLimitOptions;
  readonly limits: LimitOptions;
}

export type SectionName = keyof SectionTypes;

type Advice = Pick<NumberRule, "tooLow" | "tooHigh">;

const ANY = Number.POSITIVE_INFINITY;
const FINITE = Number.MAX_VALUE;
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

/** A length of time that must come to an end. */
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

/** The numbers of every section, in the order of `options.ts`. */
export const SECTIONS = {
  timeouts: {
    connectMs: longCut(TIMEOUTS.connectMs),
    responseMs: longCut(TIMEOUTS.responseMs),
    idleMs: longCut(TIMEOUTS.idleMs),
    totalMs: longCut(TIMEOUTS.totalMs),
    bodyMs: longCut(TIMEOUTS.bodyMs),
  },
  retry: {
    attemptsMax: count(RETRY.attemptsMax, 1, FINITE, {
      tooLow: "write retry: false to make one attempt only",
      tooHigh: "attempts must come to an end",
    }),
    replayBodyBytesMax: bytes(RETRY.replayBodyBytesMax, 0, FINITE, {
      tooHigh: "what is kept for a repeat is kept in memory",
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
    failureRatio: {
      initial: BREAKER.failureRatio,
      unit: "ratio",
      wanted: "a ratio above 0, up to 1",
      least: 0,
      above: true,
      most: 1,
      tooLow: "write volumeMin: Infinity to leave it to consecutiveFailures",
    },
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
    queueMax: count(BULKHEAD.queueMax, 0, FINITE, { tooHigh: "a queue must come to an end" }),
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
      tooLow: "less than the latency at rest would be a sign of a queue all the time",
    },
  },
  limits: {
    requestBodyBytesMax: bytes(LIMITS.requestBodyBytesMax, 0, ANY),
    responseBodyBytesMax: bytes(LIMITS.responseBodyBytesMax, 1, ANY, NO_LIMIT),
    connectionsMax: count(POOL.connectionsMax, 1, ANY, NO_LIMIT),
  },
} as const satisfies {
  readonly [Section in SectionName]: Readonly<
    Record<keyof SectionTypes[Section] & string, NumberRule>
  >;
};

export const SECTION_NAMES = Object.keys(SECTIONS) as readonly SectionName[];

/** Sections that are on unless `false` is written; the others are always there. */
export const SWITCHABLE: ReadonlySet<string> = new Set<SectionName>([
  "retry",
  "breaker",
  "bulkhead",
]);

/** Sections that are off unless they are written; `true` is for their defaults. */
export const OPT_IN: ReadonlySet<string> = new Set<SectionName>(["adaptiveLimit"]);

/** What a bare number most likely means where a section is asked for. */
export const MEANT_BY_NUMBER: Readonly<Record<SectionName, string>> = {
  timeouts: "totalMs",
  retry: "attemptsMax",
  breaker: "consecutiveFailures",
  bulkhead: "concurrencyMax",
  adaptiveLimit: "concurrencyStart",
  limits: "connectionsMax",
};
