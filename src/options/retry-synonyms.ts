/**
 * Names from other libraries for options of `retry`, and how ours differ.
 *
 * A part of synonyms.ts.
 */

const FOR_NON_IDEMPOTENT = "is a promise about non-idempotent requests; others are repeated anyway";

export const RETRY_SYNONYMS: Readonly<Record<string, string>> = {
  retries: "attemptsMax",
  maxRetries: "attemptsMax",
  limit: "attemptsMax",
  max: "attemptsMax",
  count: "attemptsMax",
  delay: "backoffBaseMs",
  retryDelay: "backoffBaseMs",
  initialDelay: "backoffBaseMs",
  baseDelay: "backoffBaseMs",
  minTimeout: "backoffBaseMs",
  maxTimeout: "backoffMsMax",
  maxDelay: "backoffMsMax",
  maxBackoff: "backoffMsMax",
  backoffLimit: "backoffMsMax",
  budget: "budgetRatio",
  budgetPercent: "budgetRatio",
  minRetriesPerSecond: "budgetFloorPerSecond",
  bufferSize: "replayBodyBytesMax",
  maxBodySize: "replayBodyBytesMax",
  retriableStatusCodes: "unprocessedStatuses",
  retryableStatusCodes: "unprocessedStatuses",
  retryOnStatus: "unprocessedStatuses",
  nonIdempotent: "unprocessedStatuses",
  non_idempotent: "unprocessedStatuses",
};

/** How our option differs from the other library's. */
export const RETRY_DIFFERENCES: Readonly<Record<string, string>> = {
  retriableStatusCodes: FOR_NON_IDEMPOTENT,
  retryableStatusCodes: FOR_NON_IDEMPOTENT,
  retryOnStatus: FOR_NON_IDEMPOTENT,
  nonIdempotent: FOR_NON_IDEMPOTENT,
  non_idempotent: FOR_NON_IDEMPOTENT,
};
