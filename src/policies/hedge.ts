/**
 * Asks another target, too, when an answer takes longer than nearly all do; the first good one
 * wins.
 *
 * Place: right below retry, whose budget pays for it. Guarantee: only what asks for no change of
 * state is asked twice (RFC 9110 §9.2.1): of two DELETE at once the second could win with its 404.
 * The body is none or all here, the other target was not tried, no breaker is open, since a partial
 * outage is the wrong time for more load, and no drain is under way. Losers are cut as soon as one
 * has won, and say nothing about their targets.
 * Not here: what happens when all of them fail; then there is one outcome, as without a hedge.
 */

import type { Clock, Timer } from "../base/clock.js";
import { type RecentPercentile, recentPercentile } from "../base/recent-percentile.js";
import type { HedgeOptions } from "../catalog/options/overload.js";
import { HEDGE } from "../catalog/overload-defaults.js";
import { type Attempt, type HedgedAttempt, lastNumber, targetsTried } from "../core/attempt.js";
import { remainingMs } from "../core/deadline.js";
import type { Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import { isSafe } from "../core/repeat.js";
import type { TargetSet } from "../targets/target-set.js";
import { type Lifecycle, refusesRepeats } from "./drain-gate.js";
import type { RecentFailures } from "./recent-failures.js";
import type { RetryBudget } from "./retry-budget.js";

export type HedgeSettings = Required<HedgeOptions>;

export interface HedgeShared {
  readonly clock: Clock;
  readonly lifecycle: Pick<Lifecycle, "state">;
  readonly targets: TargetSet;
  readonly budget: RetryBudget;
  readonly failures: RecentFailures;
}

export function hedge(shared: HedgeShared, options: HedgeSettings): Policy<Attempt, HedgedAttempt> {
  const { clock } = shared;
  const { delayMs, percentile } = options;
  const latencies = recentPercentile(HEDGE);
  const waitMs = (): number | null => {
    if (delayMs > 0) return delayMs;
    const usual = latencies.at(percentile);
    return usual === null ? null : Math.max(HEDGE.delayMsMin, usual);
  };
  return {
    role: "hedge",
    settings: { ...options },
    run<Body>(attempt: Attempt, below: PipeStep<HedgedAttempt, Body>) {
      const next = below as PipeStep<Attempt, Body>;
      if (!mayBeHedged(attempt)) return next(attempt);
      const afterMs = waitMs();
      if (afterMs !== null)
        return new Race(shared, options, latencies, next, attempt, afterMs).result;
      const startedAt = clock.now();
      return Pending.of(next(attempt)).subscribe((outcome) => {
        if (outcome.kind === "success") latencies.add(clock.now() - startedAt);
      });
    },
  };
}

/** What can be known before it is sent. A repeat is no first try, and layers do not multiply. */
function mayBeHedged({ call, number }: Attempt): boolean {
  const { request, overrides, callerAttempt } = call;
  const { method, body, upgrade } = request;
  if (number > 1 || callerAttempt > 1 || overrides?.hedge === false) return false;
  if (overrides?.retry === false || !isSafe(method) || upgrade !== null) return false;
  return body === null || (body.complete && body.replayable);
}

interface Runner {
  readonly attempt: Attempt;
  readonly startedAt: number;
}

class Race<Body> {
  readonly result = new Pending<Body>();
  readonly #shared: HedgeShared;
  readonly #options: HedgeSettings;
  readonly #latencies: RecentPercentile;
  readonly #next: PipeStep<Attempt, Body>;
  readonly #first: Attempt;
  readonly #afterMs: number;
  readonly #running = new Set<Runner>();
  #started = 0;
  #timer: Timer | null = null;
  #winner: Outcome<Body> | null = null;
  /** The outcome of an attempt that failed while another one still runs. */
  #failed: Outcome<Body> | null = null;

  constructor(
    shared: HedgeShared,
    options: HedgeSettings,
    latencies: RecentPercentile,
    next: PipeStep<Attempt, Body>,
    first: Attempt,
    afterMs: number,
  ) {
    this.#shared = shared;
    this.#options = options;
    this.#latencies = latencies;
    this.#next = next;
    this.#first = first;
    this.#afterMs = afterMs;
    this.#start(first);
    this.#arm();
  }

  #start(attempt: Attempt): void {
    const runner: Runner = { attempt, startedAt: this.#shared.clock.now() };
    this.#running.add(runner);
    this.#started += 1;
    Pending.of(this.#next(attempt)).subscribe((outcome) => this.#ended(runner, outcome));
  }

  #arm(): void {
    const isOver = this.#winner !== null || this.#running.size === 0;
    if (isOver || this.#started >= this.#options.attemptsMax) return;
    this.#timer = this.#shared.clock.after(this.#afterMs, () => this.#onDelay());
  }

  #onDelay(): void {
    this.#timer = null;
    if (!this.#mayStart()) return;
    const first = this.#first;
    const further: Attempt = {
      call: first.call,
      number: lastNumber(first) + 1,
      triedTargets: targetsTried(first),
      further: 0,
      target: null,
      running: null,
      hedges: null,
    };
    first.hedges = [...(first.hedges ?? []), further];
    this.#start(further);
    this.#arm();
  }

  /** Asks everyone who has a say, those who pay last. */
  #mayStart(): boolean {
    const { clock, lifecycle, targets, budget, failures } = this.#shared;
    const { call } = this.#first;
    if (call.cancellation.by !== null || refusesRepeats(lifecycle)) return false;
    if (remainingMs(call.deadline, clock.now()) < HEDGE.attemptMsMin) return false;
    if (!targets.hasUntried(targetsTried(this.#first))) return false;
    const isWell = targets.targets.every(
      ({ breaker }) => (breaker?.state ?? "closed") === "closed",
    );
    return isWell && budget.withdraw(failures.coverAll());
  }

  #ended(runner: Runner, outcome: Outcome<Body>): void {
    this.#running.delete(runner);
    if (this.#winner !== null) giveUp(outcome);
    else if (outcome.kind === "success") this.#win(runner, outcome);
    else this.#lose(outcome);
    if (this.#running.size > 0) return;
    this.#timer?.cancel();
    const over = this.#winner ?? this.#failed;
    if (over !== null) this.result.settle(over);
  }

  #win(runner: Runner, outcome: Outcome<Body>): void {
    const { clock, budget } = this.#shared;
    this.#winner = outcome;
    this.#timer?.cancel();
    this.#latencies.add(clock.now() - runner.startedAt);
    if (this.#failed !== null) giveUp(this.#failed);
    for (let hedges = this.#started; hedges > 1; hedges -= 1) budget.helped();
    for (const loser of [...this.#running]) {
      // It would have taken longer, which is all that is known; without it the wait would shrink.
      this.#latencies.add(clock.now() - loser.startedAt);
      loser.attempt.running?.cut("hedge");
    }
  }

  /** Of two failures an answer says more than none. */
  #lose(outcome: Outcome<Body>): void {
    const held = this.#failed;
    if (held === null) this.#failed = outcome;
    else if (held.kind === "error_response" && outcome.kind === "no_response") return;
    else {
      giveUp(held);
      this.#failed = outcome;
    }
  }
}

function giveUp(outcome: Outcome<unknown>): void {
  if (outcome.kind !== "no_response") void outcome.response.discard();
}
