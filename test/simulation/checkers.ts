/**
 * What must be true at every moment of a simulated world, told as sentences when it is not.
 * The checkers count for themselves what the policies count too, and believe none of their numbers.
 */
import { BREAKER, EVIDENCE, RETRY } from "../../src/catalog/defaults.js";
import { FAILURES } from "../../src/catalog/failures.js";
import type { Call } from "../../src/core/call.js";
import { promisedIdempotent } from "../../src/core/repeat.js";
import type { Sent } from "../../src/testing/answered-transport.js";
import type { Sending, World } from "../pipe/world.js";

/** What the checkers hold the world against. */
export interface Limits {
  readonly attemptsMax: number;
  readonly concurrencyMax: number;
  readonly queueMax: number;
  readonly totalMs: number;
  readonly trialsMax: number;
  readonly budgetRatio: number;
  readonly budgetFloorPerSecond: number;
}

/** What a client does. */
export interface Plan {
  readonly method: string;
  readonly replayable: boolean;
  readonly hasBody: boolean;
}

export interface Checkers {
  readonly history: string[];
  readonly violations: string[];
  arrived(sending: Sending, plan: Plan): void;
  sent(sent: Sent): void;
  drained(): void;
  ended(held: object, nothing: object): void;
}

interface Followed {
  readonly index: number;
  readonly sending: Sending;
  readonly plan: Plan;
  readonly sent: Sent[];
  /** It came before the drain. */
  readonly letIn: boolean;
  outcomes: number;
}

interface Trial {
  readonly sent: Sent;
  readonly target: string;
  readonly changesSeen: number;
  readonly at: number;
}

// A ring of ten slices counts at least nine and at most ten tenths of its window.
const SURELY_COUNTED_MS = RETRY.budgetWindowMs * 0.9;

export function checkersOf(made: World, limits: Limits): Checkers {
  const { clock } = made;
  const history: string[] = [];
  const violations: string[] = [];
  const followed = new Map<Call, Followed>();
  const arrivals: number[] = [];
  const repeats: number[] = [];
  let trials: Trial[] = [];
  let drained = false;

  const note = (line: string): void => void history.push(`${clock.now().toFixed(3)} ${line}`);
  const must = (holds: boolean, sentence: string): void => {
    if (!holds) violations.push(`${clock.now().toFixed(3)} ${sentence}`);
  };

  const checkPlaces = (): void => {
    must(made.places.running <= limits.concurrencyMax, "more calls ran than there are places");
    must(made.places.waiting <= limits.queueMax, "more calls waited than the queue holds");
  };
  const checkBudget = (): void => {
    const now = clock.now();
    const recent = repeats.filter((at) => at > now - SURELY_COUNTED_MS).length;
    // A repeat was paid for before its pause.
    const { budgetWindowMs, backoffMsMax } = RETRY;
    const calls = arrivals.filter((at) => at > now - budgetWindowMs - backoffMsMax).length;
    const floor = (limits.budgetFloorPerSecond * RETRY.budgetWindowMs) / 1_000;
    must(recent <= calls * limits.budgetRatio + floor, "repeats went beyond the budget");
  };
  const changesOf = (target: string): number =>
    made.changes.filter((change) => change.target === target).length;
  const checkBreaker = (sent: Sent): void => {
    const state = sent.exchange.target.breaker?.state;
    must(state !== "open", "an exchange was sent to a target whose breaker is open");
    if (state !== "half_open") return;
    const { target } = sent;
    const at = clock.now();
    trials.push({ sent, target, changesSeen: changesOf(target), at });
    // A good head frees the place of a trial, however long its body streams.
    trials = trials.filter(
      ({ sent: one, at: since }) =>
        one.exchange.timeline.headAt < 0 && sentPending(one) && at - since < BREAKER.trialMs,
    );
    const now = trials.filter(
      (trial) => trial.target === target && trial.changesSeen === changesOf(target),
    );
    const { inDoubt } = sent.exchange.target.breaker ?? {};
    const most = inDoubt === true ? EVIDENCE.witnessesMax : limits.trialsMax;
    must(now.length <= most, "more trials ran at once than are allowed");
  };
  const checkRepeat = (one: Followed, sent: Sent): void => {
    const { request, deadline } = one.sending.call;
    const { number } = sent.exchange.attempt;
    const earlier = one.sending.call.attempts;
    const last = earlier.at(-1);
    must(last !== undefined && last.code !== null, "a call was sent again that had not failed");
    if (last?.code === undefined || last.code === null) return;
    const repeat = FAILURES[last.code].repeat;
    const harmless = promisedIdempotent(request);
    must(
      repeat === "safe" || (repeat === "idempotent" && harmless),
      "sent twice what may act twice",
    );
    const free = number === last.number;
    must(!free || last.code === "stale_connection", "an attempt was free that should have cost");
    const freeRepeats = earlier.length - (number - 1);
    must(freeRepeats <= RETRY.freeRepeatsMax, "more repeats were free than one for each call");
    must(deadline - clock.now() >= RETRY.attemptMsMin, "an attempt began that could not end");
    if (free) return;
    repeats.push(clock.now());
    checkBudget();
  };
  const checkOutcome = (one: Followed, result: number | string | null): void => {
    const { call } = one.sending;
    one.outcomes += 1;
    must(one.outcomes === 1, "a call ended twice");
    must(clock.now() <= call.deadline, "a call ended after its deadline");
    must(call.attempts.length === one.sent.length, "the record does not tell what was sent");
    const numbers = call.attempts.map(({ number }) => number);
    must(
      numbers.every((number, at) => at === 0 || number - (numbers[at - 1] ?? 0) <= 1),
      "attempts are not numbered in turn",
    );
    must((numbers.at(-1) ?? 0) <= limits.attemptsMax, "more attempts were made than allowed");
    const good = call.attempts.length > 0 && call.attempts.at(-1)?.code === null;
    must(good === (call.stopReason === null) || one.sent.length === 0, "no reason was noted");
    note(`#${one.index} ended ${result} after ${numbers.length} (${call.stopReason})`);
  };

  return {
    history,
    violations,
    arrived(sending, plan) {
      const one = { index: followed.size, sending, plan, sent: [], letIn: !drained, outcomes: 0 };
      followed.set(sending.call, one);
      arrivals.push(clock.now());
      note(`#${one.index} arrived ${plan.method}`);
      checkPlaces();
      sending.outcome.then(
        () => checkOutcome(one, sending.result()),
        (error: unknown) => must(false, `a call threw: ${String(error)}`),
      );
    },
    sent(sent) {
      const one = followed.get(sent.exchange.call);
      must(one !== undefined, "something was sent for no call");
      if (one === undefined) return;
      // A call that was let in before, and waited for its place, is still served.
      const owed = one.letIn && one.sent.length === 0;
      must(!drained || owed, "something new was sent after the drain had begun");
      note(`#${one.index} sent to ${sent.target} as ${sent.exchange.attempt.number}`);
      if (one.sent.length > 0) checkRepeat(one, sent);
      one.sent.push(sent);
      checkBreaker(sent);
      checkPlaces();
    },
    drained() {
      drained = true;
      note("drain");
    },
    ended(held, nothing) {
      must(JSON.stringify(held) === JSON.stringify(nothing), `held back: ${JSON.stringify(held)}`);
      for (const { index, sending, outcomes, sent } of followed.values()) {
        must(outcomes === 1, `call #${index} ended ${outcomes} times`);
        must(sending.call.cancellation.listening === 0, `somebody still listens to #${index}`);
        for (const one of sent) must(!sentPending(one), `an exchange of #${index} never ended`);
      }
      note(`breakers: ${made.changes.map(({ reason }) => reason).join(" ")}`);
    },
  };
}

/** Whether an exchange is under way, its body included. */
function sentPending({ exchange }: Sent): boolean {
  return exchange.timeline.endAt < 0;
}
