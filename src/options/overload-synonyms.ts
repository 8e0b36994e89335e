/**
 * Names that limiters, throttles, shedders and guards of other libraries use for our options.
 *
 * Part of the table in `synonyms.ts`; mistyped names are not here.
 */
export const OVERLOAD_SYNONYMS = {
  chaos: {
    rate: "share",
    injectionRate: "share",
    percentage: "share",
    latency: "delayMs",
    latencyMs: "delayMs",
    delay: "delayMs",
    fault: "failure",
    error: "failure",
    route: "path",
  },
  addresses: {
    deny: "forbid",
    block: "forbid",
    blocked: "forbid",
    except: "allow",
    allowed: "allow",
  },
  adaptiveLimit: {
    min: "concurrencyMin",
    minLimit: "concurrencyMin",
    max: "bulkhead.concurrencyMax",
    maxLimit: "bulkhead.concurrencyMax",
    maxConcurrencyLimit: "bulkhead.concurrencyMax",
    initial: "concurrencyStart",
    initialLimit: "concurrencyStart",
    start: "concurrencyStart",
    tolerance: "latencyTolerance",
    rttTolerance: "latencyTolerance",
  },
  pace: {
    key: "by",
    maxHoldMs: "holdMsMax",
    maxQueue: "queueMax",
    maxWaitMs: "retry.retryAfterWaitMsMax",
  },
  throttle: {
    k: "requestsPerAccept",
    multiplier: "requestsPerAccept",
    ratio: "requestsPerAccept",
    window: "windowMs",
    maxRejectionProbability: "refusedMax",
  },
  hedge: {
    after: "delayMs",
    hedgingDelay: "delayMs",
    delay: "delayMs",
    quantile: "percentile",
    maxHedges: "attemptsMax",
    maxHedgedAttempts: "attemptsMax",
  },
  shed: {
    maxEventLoopDelay: "eventLoopDelayMs",
    eventLoopDelay: "eventLoopDelayMs",
    eventLoopLagMs: "eventLoopDelayMs",
    lagMs: "eventLoopDelayMs",
    maxLag: "eventLoopDelayMs",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;
