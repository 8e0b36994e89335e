/**
 * Makes the attempts of a call: the first, and further ones while all that has a say in it agrees.
 *
 * Place: above target choice, so that a repeat may go elsewhere.
 * Guarantee: nothing is sent twice that may act twice; no wait and no attempt begins that cannot
 * end before the deadline; the reason why no further attempt was made is noted in the call. An
 * answer that will be repeated is discarded first.
 * Not here: what a failure and a method allow (core/repeat.ts). p-retry turns the loop and is
 * entered after a first failure only; decision, budget and sleep are ours.
 */

import pRetry from "p-retry";
import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { RETRY } from "../catalog/defaults.js";
import { FAILURES, hasTrait } from "../catalog/failures.js";
import type { RetryOptions } from "../catalog/options/retry.js";
import { type Attempt, lastNumber, targetsTried } from "../core/attempt.js";
import type { Call, SeatedCall, StopReason } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { remainingMs } from "../core/deadline.js";
import type { Failure } from "../core/failure.js";
import { ReplacedError } from "../core/named-error.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { type Holder, Pending } from "../core/pending.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import { isUnsent, isUnusable, whyNotRepeat } from "../core/repeat.js";
import type { Routed } from "../targets/route-of.js";
import type { TargetSet } from "../targets/target-set.js";
import { askUser } from "./ask-user.js";
import { backoffMs } from "./backoff.js";
import { type Lifecycle, refusesRepeats } from "./drain-gate.js";
import { pause } from "./pause.js";
import type { RecentFailures } from "./recent-failures.js";
import type { RetryBudget } from "./retry-budget.js";

type Shared = "replayBodyBytesMax" | "budgetRatio" | "budgetFloorPerSecond";

export interface RetrySettings extends Omit<Required<RetryOptions>, Shared> {
  /** False makes one attempt and repeats nothing; a call may still ask for more. */
  readonly enabled: boolean;
  /** With less time than this before the deadline an attempt is not begun. */
  readonly attemptMsMin: number;
}

/** What the attempts of all calls share. */
export interface RetryShared {
  readonly clock: Clock;
  readonly random: Random;
  readonly lifecycle: Pick<Lifecycle, "state">;
  readonly targets: TargetSet;
  readonly budget: RetryBudget;
  readonly failures: RecentFailures;
}

const NONE_TRIED: readonly string[] = [];

export function retry(shared: RetryShared, options: RetrySettings): Policy<SeatedCall, Attempt> {
  const { enabled, attemptsMax, attemptMsMin, backoffBaseMs, backoffMsMax } = options;
  const { retryAfterWaitMsMax, unprocessedStatuses, when } = options;
  const { settings } = shared.budget;
  const repeating: Holder<First> = {
    known(first, outcome, isStray) {
      if (outcome.kind === "success" || isStray) return null;
      // Most refusals end here, and cost no promise.
      const turn = { attempt: first, freeRepeats: 0, askedToWaitMs: 0 };
      const plan = decide(shared, options, turn, outcome);
      return plan === null ? null : repeat(shared, options, first.again, { turn, outcome, plan });
    },
    over: null,
  };
  return {
    role: "retry",
    settings: enabled
      ? {
          ...{ attemptsMax, attemptMsMin, backoffBaseMs, backoffMsMax, retryAfterWaitMsMax },
          ...{ unprocessedStatuses, ...settings, when: when !== false },
        }
      : { enabled },
    run(call, next) {
      shared.budget.deposit(call.startedAt);
      const first: First = {
        call,
        number: 1,
        triedTargets: NONE_TRIED,
        further: attemptsAllowed(call, options) - 1,
        target: null,
        running: null,
        hedges: null,
        again: next,
      };
      return Pending.of(next(first)).inform(repeating, first);
    },
  };
}

/** The first attempt of a call, with what would make a further one of it. */
interface First extends Attempt {
  readonly again: PipeStep<Attempt, unknown>;
}

/** Where a call stands between two attempts. */
interface Turn {
  attempt: Attempt;
  freeRepeats: number;
  /** What the Retry-After fields of all attempts add up to. */
  askedToWaitMs: number;
}

type Failed<Body> = Exclude<Outcome<Body>, { kind: "success" }>;

interface FirstFailure<Body> {
  readonly turn: Turn;
  readonly outcome: Failed<Body>;
  readonly plan: NextAttempt;
}

/** The only error that crosses p-retry; it has no meaning outside of this file. */
class AttemptFailed extends Error {}

async function repeat<Body>(
  shared: RetryShared,
  options: RetrySettings,
  next: PipeStep<Attempt, Body>,
  { turn, outcome: failed, plan: firstPlan }: FirstFailure<Body>,
): Promise<Outcome<Body>> {
  const { call } = turn.attempt;
  const firstNumber = turn.attempt.number;
  let outcome: Outcome<Body> = failed;
  let known: NextAttempt | null = firstPlan;

  const mayRepeat = async (): Promise<boolean> => {
    if (outcome.kind === "success") return false;
    const plan = known ?? decide(shared, options, turn, outcome);
    known = null;
    if (plan === null) return false;
    if (outcome.kind === "error_response") await outcome.response.discard();
    await pause(shared.clock, plan.waitMs, call.cancellation);
    const by = call.cancellation.by ?? (refusesRepeats(shared.lifecycle) ? "shutdown" : null);
    if (by !== null) {
      call.stopReason = REASON_OF_CUT[by];
      outcome = interrupted(by, outcome);
      return false;
    }
    if (plan.free) turn.freeRepeats += 1;
    turn.attempt = nextAttempt(turn.attempt, plan.free, attemptsAllowed(call, options));
    return true;
  };
  const tryOnce = async (times: number): Promise<Outcome<Body>> => {
    // The first time is the attempt that has failed already.
    if (times > 1) outcome = await next(turn.attempt);
    if (outcome.kind !== "success") throw new AttemptFailed();
    shared.failures.proved(turn.attempt.target);
    if (turn.attempt.number > firstNumber) shared.budget.helped();
    return outcome;
  };

  try {
    return await pRetry(tryOnce, {
      // One more than can be used, so that it is always our decision that ends the loop.
      retries: attemptsAllowed(call, options) + RETRY.replacedRepeatsMax + 1,
      minTimeout: 0,
      factor: 1,
      shouldRetry: ({ error }) => error instanceof AttemptFailed && mayRepeat(),
    });
  } catch (error) {
    if (error instanceof AttemptFailed) return outcome;
    throw error;
  }
}

/** The plan for a repeat; null where none is made, and the reason is noted in the call. */
function decide<Body>(
  shared: RetryShared,
  options: RetrySettings,
  turn: Turn,
  outcome: Failed<Body>,
): NextAttempt | null {
  const { attempt, freeRepeats } = turn;
  const failure = withWord(withPromise(outcome, options), outcome, attempt, options);
  shared.failures.failed(attempt.target, failure.code);
  turn.askedToWaitMs += failure.retryAfterMs ?? 0;
  const attemptsMax = attemptsAllowed(attempt.call, options);
  const { askedToWaitMs } = turn;
  const asked = { attempt, attemptsMax, freeRepeats, askedToWaitMs, failure };
  const plan = planRepeat(shared, options, asked);
  if (plan.stop === null) return plan;
  attempt.call.stopReason = plan.stop;
  return null;
}

function attemptsAllowed(call: Call, options: RetrySettings): number {
  const override = call.overrides?.retry;
  if (override === undefined) return options.enabled ? options.attemptsMax : 0;
  return override === false ? 0 : (override.attemptsMax ?? options.attemptsMax);
}

const REASON_OF_CUT = {
  client: "client_gone",
  upload: "body_not_replayable",
  timeout: "no_time_left",
  body_timeout: "no_time_left",
  deadline: "no_time_left",
  shutdown: "draining",
  // Single exchanges are cut for this, never a call.
  hedge: "attempts_exhausted",
} as const satisfies Record<CutBy, StopReason>;

/** The failure, and with it what the application has promised about such an answer. */
function withPromise<Body>(outcome: Failed<Body>, { unprocessedStatuses }: RetrySettings): Failure {
  const { failure } = outcome;
  // What the answer itself says stands over what was promised for all of them.
  if (outcome.kind === "no_response" || failure.repeat !== undefined) return failure;
  const { status } = outcome.response;
  return unprocessedStatuses.includes(status) ? { ...failure, repeat: "safe" } : failure;
}

/** The failure, and with it what `retry.when` says of it. */
function withWord<Body>(
  failure: Failure,
  outcome: Failed<Body>,
  { call: { request }, number }: Attempt,
  { when }: RetrySettings,
): Failure {
  if (when === false || failure.repeat === "never") return failure;
  const { method, path } = request;
  const { code } = failure;
  const status = outcome.kind === "no_response" ? null : outcome.response.status;
  const decided = askUser("retry.when", () =>
    when({ code, status, attempt: number, method, path }),
  );
  if (decided === undefined) return failure;
  if (decided !== true) return { ...failure, repeat: "never" };
  return FAILURES[code].repeat === "safe"
    ? failure
    : { ...failure, repeat: failure.repeat ?? "idempotent" };
}

interface RepeatQuestion {
  readonly attempt: Attempt;
  readonly attemptsMax: number;
  readonly freeRepeats: number;
  /** What the Retry-After fields of all attempts add up to. */
  readonly askedToWaitMs: number;
  readonly failure: Failure;
}

interface NextAttempt {
  readonly stop: null;
  readonly waitMs: number;
  readonly free: boolean;
}

type Plan = { readonly stop: StopReason } | NextAttempt;

function freeRepeatsOf({ code, cause }: Failure): number {
  if (cause instanceof ReplacedError) return RETRY.replacedRepeatsMax;
  return hasTrait(code, "free_repeat") ? RETRY.freeRepeatsMax : 0;
}

const AT_ONCE_AND_FREE = { stop: null, waitMs: 0, free: true } as const satisfies Plan;

/** Asks everyone who has a say, those who pay last. */
function planRepeat(shared: RetryShared, options: RetrySettings, asked: RepeatQuestion): Plan {
  const { attempt, attemptsMax, freeRepeats, failure } = asked;
  const { call } = attempt;
  const { clock, lifecycle, budget } = shared;
  const stop = whyNotAllowed(call, failure, attemptsMax);
  if (stop !== null) return { stop };
  if (refusesRepeats(lifecycle)) return { stop: "draining" };
  const leftMs = remainingMs(call.deadline, clock.now());
  if (freeRepeats < freeRepeatsOf(failure)) {
    return leftMs < options.attemptMsMin ? { stop: "no_time_left" } : AT_ONCE_AND_FREE;
  }
  if (lastNumber(attempt) >= attemptsMax) return { stop: "attempts_exhausted" };
  // Repeats of two layers multiply. What was never written has cost the upstream nothing.
  if (call.callerAttempt > 1 && !isUnsent(failure)) return { stop: "caller_repeats" };
  const waitMs = waitBefore(shared, options, attempt, failure);
  if (waitMs === null) return { stop: "no_other_target" };
  if (waitMs + options.attemptMsMin > leftMs) return { stop: "no_time_left" };
  // A user waits behind a gateway: an answer is better than a longer wait than this.
  if (waitMs > 0 && asked.askedToWaitMs > options.retryAfterWaitMsMax) {
    return { stop: "retry_after_too_long" };
  }
  const isSuspect = failsEverywhere(shared.targets, call.request);
  if (!budget.withdraw(shared.failures.coverAll(), isSuspect)) return { stop: "budget_exhausted" };
  return { stop: null, waitMs, free: false };
}

/** Whether its route fails at every target that takes calls, and not by chance. */
function failsEverywhere({ targets }: RetryShared["targets"], request: Routed): boolean {
  return targets.every(({ breaker }) => {
    if (breaker === null) return false;
    return breaker.state !== "closed" || breaker.suspects?.isHopeless(request) === true;
  });
}

function whyNotAllowed(call: Call, failure: Failure, attemptsMax: number): StopReason | null {
  const { by } = call.cancellation;
  if (by !== null) return REASON_OF_CUT[by];
  if (attemptsMax === 0) return "retry_off";
  // RFC 6585 §4: a 429 that does not say when to come back is no invitation to try.
  const { code, retryAfterMs, repeat } = failure;
  if (code === "received_rate_limited" && retryAfterMs === undefined && repeat === undefined) {
    return "not_repeatable";
  }
  return whyNotRepeat(call.request, failure);
}

/** The wait before a repeat, null when no target would take it. */
function waitBefore(
  { random, targets }: RetryShared,
  options: RetrySettings,
  attempt: Attempt,
  { code, retryAfterMs }: Failure,
): number | null {
  const spread = (): number => backoffMs(random, attempt.number, options);
  // A rate limit is meant for us, not for one target; elsewhere it would only be evaded.
  if (code === "received_rate_limited") return (retryAfterMs ?? 0) + spread();
  // Another target has not failed, so it needs no rest.
  if (targets.hasUntried(targetsTried(attempt))) return 0;
  // Our own refusal: to wait for a breaker inside the gateway is what a breaker is to prevent.
  if (hasTrait(code, "no_target")) return null;
  if (isUnusable(code)) return null;
  const waitMs = (retryAfterMs ?? 0) + spread();
  if (targets.deniedForMs() <= waitMs) return waitMs;
  // One that is just being found out may take it.
  return targets.hope(false) === null ? null : waitMs;
}

function nextAttempt(attempt: Attempt, free: boolean, allowed: number): Attempt {
  const { call, number, triedTargets } = attempt;
  // A connection that had grown stale says nothing about the target.
  if (free) return newAttempt(call, number, triedTargets, allowed - number);
  const next = lastNumber(attempt) + 1;
  return newAttempt(call, next, targetsTried(attempt), allowed - next);
}

function newAttempt(
  call: Call,
  number: number,
  triedTargets: readonly string[],
  further: number,
): Attempt {
  return { call, number, triedTargets, further, target: null, running: null, hedges: null };
}

/** What a call comes to that was cut between two attempts. */
function interrupted<Body>(by: CutBy, outcome: Outcome<Body>): Outcome<Body> {
  if (by === "client") return noResponse({ code: "client_closed_request" });
  if (by === "upload") return noResponse({ code: "request_body_failed" });
  if (outcome.kind === "no_response") return outcome;
  // The answer has been given up for a repeat that will not come.
  return noResponse({ code: by === "shutdown" ? "draining" : "deadline_exceeded" });
}
