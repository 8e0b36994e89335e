/**
 * Gives an attempt its target, and makes it an exchange.
 *
 * Place: below retry, so that a repeat may go elsewhere; above the breaker, which is the target's.
 * Guarantee: the target counts the exchange as pending until the body of its answer is over.
 * Not here: the order of preference (targets/target-set.ts) and the permit (breaker-gate.ts).
 */
import type { Clock } from "../base/clock.js";
import type { Attempt, ThrottledAttempt } from "../core/attempt.js";
import type { Call } from "../core/call.js";
import type { CutBy } from "../core/cancellation.js";
import { failureOf, noResponse, type Outcome } from "../core/outcome.js";
import { type Holder, hold, type Pending, refused } from "../core/pending.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import { promisedIdempotent } from "../core/repeat.js";
import { Exchange } from "../targets/exchange.js";
import type { Target } from "../targets/target.js";
import type { TargetSet } from "../targets/target-set.js";
import { verdictOf } from "./breaker-gate.js";
import { limitTrial } from "./trial.js";
import { cutWhileWaiting, refusal, waitForRecovery } from "./wait-for-recovery.js";

export function pickTarget(
  clock: Clock,
  targets: TargetSet,
  repeats: boolean,
  timers: Pick<Clock, "after"> = clock,
): Policy<ThrottledAttempt, Exchange> {
  const { balancer, overflowBelow, sticky } = targets.balancing;
  const underWay = underWayAt(clock, targets);
  const pick = <Body>(attempt: Attempt, next: PipeStep<Exchange, Body>): Promise<Outcome<Body>> => {
    const { call, triedTargets } = attempt;
    const careful = !repeats || isLostIfItFails(call);
    const target = targets.choose(call.request, triedTargets, careful);
    // Where it has failed already, another one may be back by now.
    const isNew = triedTargets.length === 0 || !triedTargets.includes(target?.id ?? "");
    if (target !== null && isNew) return send(attempt, target, next);
    const hope = targets.hope(false);
    if (hope === null) {
      return target === null
        ? refused(refusal(targets, call.request))
        : send(attempt, target, next);
    }
    return later(attempt, careful, hope, next);
  };
  // By itself, since a function that makes another one prepares for it in every call.
  const later = <Body>(
    attempt: Attempt,
    careful: boolean,
    hope: Promise<unknown>,
    next: PipeStep<Exchange, Body>,
  ): Promise<Outcome<Body>> => {
    const { call, triedTargets } = attempt;
    const go = (): Pending<Body> | null => {
      const found = targets.choose(call.request, triedTargets, careful);
      return found && send(attempt, found, next);
    };
    return waitForRecovery(timers, targets, call, go, hope);
  };
  const send = <Body>(
    attempt: Attempt,
    target: Target,
    next: PipeStep<Exchange, Body>,
  ): Pending<Body> => {
    attempt.target = target.id;
    const exchange = new Exchange(clock, attempt, target);
    // Whether a target is well again matters only where there is another.
    if (targets.targets.length > 1) limitTrial(exchange, targets, exchange.timeline.startedAt);
    targets.begin(target);
    return hold(next, exchange, underWay);
  };
  const pickOnceKnown = <Body>(
    awaited: Promise<void>,
    attempt: Attempt,
    next: PipeStep<Exchange, Body>,
  ): Promise<Outcome<Body>> =>
    whenKnown(awaited, attempt).then((cut) =>
      cut === null ? pick(attempt, next) : noResponse(cutWhileWaiting(cut)),
    );
  return {
    role: "pick_target",
    settings: { balancer: balancer.name, overflowBelow, sticky: sticky !== null },
    run(attempt, next) {
      const { awaited } = targets;
      if (awaited === null || targets.targets.length > 0) return pick(attempt, next);
      return pickOnceKnown(awaited, attempt, next);
    },
  };
}

/** What a target counts as under way. */
function underWayAt(clock: Clock, targets: TargetSet): Holder<Exchange> {
  return {
    known(exchange, outcome) {
      // How fast a target is matters only where there is another.
      if (targets.targets.length > 1) observe(clock, targets, exchange, outcome);
      return null;
    },
    over({ target, timeline }) {
      if (target.latency.swallowed > 0) target.latency.ended(timeline.startedAt);
      targets.end(target);
    },
  };
}

/** Whether nothing would be sent again, were there no good answer. */
function isLostIfItFails({ request, overrides, callerAttempt }: Call): boolean {
  if (!promisedIdempotent(request)) return true;
  const { body, contentLength } = request;
  if (body !== null && !body.replays(contentLength)) return true;
  return callerAttempt > 1 || overrides?.retry === false;
}

/** Waits for the first targets; answers who has cut the call meanwhile. */
function whenKnown(awaited: Promise<void>, { call }: Attempt): Promise<CutBy | null> {
  const { cancellation } = call;
  if (cancellation.by !== null) return Promise.resolve(cancellation.by);
  return new Promise((resolve) => {
    const over = (): void => {
      cancellation.remove(over);
      resolve(cancellation.by);
    };
    cancellation.add(over);
    void awaited.then(over);
  });
}

/** Refusals of who asks, which say nothing of the target; quick ones are no virtue of it. */
const NO_SERVICE: ReadonlySet<number> = new Set([408, 421, 425, 429]);

/** Notes how long the answer took to begin; what failed is noted as a long wait. */
function observe(
  clock: Clock,
  targets: TargetSet,
  { target, timeline }: Exchange,
  outcome: Outcome<unknown>,
): void {
  const { startedAt, sendAt, waitAt, headAt } = timeline;
  const code = failureOf(outcome)?.code ?? null;
  const status = outcome.kind === "no_response" ? null : outcome.response.status;
  if (status !== null && status < 500) {
    targets.answered(target, startedAt, status, failureOf(outcome)?.retryAfterMs);
  }
  if (
    (status !== null && NO_SERVICE.has(status)) ||
    (code !== null && verdictOf(code) === "failure")
  ) {
    const now = clock.now();
    target.latency.fail(now - startedAt, now);
  } else if (code === null && status !== null) {
    // Not the upload, which may be as slow as its client.
    const from = waitAt >= 0 ? waitAt : sendAt >= 0 ? sendAt : startedAt;
    const now = headAt >= 0 ? headAt : clock.now();
    if (status < 400) target.latency.observe(now - from, now);
    else target.latency.refused(now - from, now);
  }
}
