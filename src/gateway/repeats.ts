/**
 * What the repeats of all calls of an upstream share, made from its options, and what is left of
 * it as plain data. Where repeating stands in the pipe is argued in `assemble.ts`.
 */
import { RETRY } from "../catalog/defaults.js";
import type { NormalisedUpstream } from "../options/options.js";
import { recentFailures } from "../policies/recent-failures.js";
import { type RetryShared, retry } from "../policies/retry.js";
import { retryBudget } from "../policies/retry-budget.js";
import type { TargetSet } from "../targets/target-set.js";
import type { GatewayParts } from "./parts.js";

/** Repeats of the last seconds, and how many more there may be. */
export interface RetryBudgetState {
  /** Calls that paid in, in the window of the budget. */
  readonly calls: number;
  /** Repeats that were taken out. */
  readonly repeats: number;
  /** Repeats that may still be made; null without a limit. */
  readonly left: number | null;
}

/** What repeats and hedges share. */
export function repeatsOf(parts: GatewayParts, options: NormalisedUpstream, targets: TargetSet) {
  const settings = options.retry === false ? RETRY : options.retry;
  const budget = retryBudget(parts.clock, {
    budgetRatio: settings.budgetRatio,
    budgetWindowMs: RETRY.budgetWindowMs,
    budgetFloorPerSecond: settings.budgetFloorPerSecond,
  });
  const { clock, random, lifecycle } = parts;
  return { clock, random, lifecycle, targets, budget, failures: recentFailures(clock, targets) };
}

/** Bytes of a request's body that are kept for a repeat; none where no call is repeated. */
export function keptBytesMax(options: NormalisedUpstream, overridden = false): number {
  const { retry, routes } = options;
  if (retry !== false) return retry.replayBodyBytesMax;
  return overridden || isSentElsewhere(options) || routes.some(({ overrides }) => overrides?.retry)
    ? RETRY.replayBodyBytesMax
    : 0;
}

/** Whether another upstream may be sent a body that this one was sent. */
function isSentElsewhere({ fallback, mirror, routes }: NormalisedUpstream): boolean {
  if (mirror !== false || fallback !== false) return true;
  return routes.some(({ overrides }) => overrides?.fallback);
}

export function budgetState({ budget }: RetryShared): RetryBudgetState {
  const { calls, repeats, left } = budget.snapshot();
  return { calls, repeats, left: Number.isFinite(left) ? left : null };
}

export function retryOf({ retry: own }: NormalisedUpstream, repeats: RetryShared) {
  const { attemptsMax, backoffBaseMs, backoffMsMax, ...rest } = own === false ? RETRY : own;
  const { retryAfterWaitMsMax, unprocessedStatuses, when } = rest;
  return retry(repeats, {
    enabled: own !== false,
    attemptsMax,
    attemptMsMin: RETRY.attemptMsMin,
    backoffBaseMs,
    backoffMsMax,
    retryAfterWaitMsMax,
    unprocessedStatuses,
    when,
  });
}
