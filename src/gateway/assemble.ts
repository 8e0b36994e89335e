/**
 * The pipe of an upstream: its policies in order, and the reason for each place.
 *
 * Guarantee: each stage has a type of its own, so that two that change places do not compile.
 * Tests put policies of their own in; the order is always this one.
 */
import type {
  Attempt,
  HedgedAttempt,
  MeteredAttempt,
  PacedAttempt,
  ThrottledAttempt,
} from "../core/attempt.js";
import type {
  AcceptedCall,
  AdmittedCall,
  BoundedCall,
  Call,
  RankedCall,
  SeatedCall,
} from "../core/call.js";
import { bypass, type Policy, pipe, type Role } from "../core/pipe.js";
import type {
  Exchange,
  GuardedExchange,
  RecordedExchange,
  TimedExchange,
} from "../targets/exchange.js";

/** The policies of a pipe; null for one that is switched off. */
export interface Stages {
  readonly drainGate: Policy<Call, AdmittedCall>;
  readonly priority: Policy<AdmittedCall, RankedCall> | null;
  readonly loadShed: Policy<RankedCall, AcceptedCall> | null;
  readonly totalDeadline: Policy<AcceptedCall, BoundedCall>;
  readonly bulkhead: Policy<BoundedCall, SeatedCall> | null;
  readonly retry: Policy<SeatedCall, Attempt>;
  readonly hedge: Policy<Attempt, HedgedAttempt> | null;
  readonly pace: Policy<HedgedAttempt, PacedAttempt> | null;
  readonly quota: Policy<PacedAttempt, MeteredAttempt> | null;
  readonly throttle: Policy<MeteredAttempt, ThrottledAttempt> | null;
  readonly pickTarget: Policy<ThrottledAttempt, Exchange>;
  readonly breakerGate: Policy<Exchange, GuardedExchange>;
  readonly attemptTimeout: Policy<GuardedExchange, TimedExchange>;
  readonly record: Policy<TimedExchange, RecordedExchange>;
  readonly chaos: Policy<RecordedExchange, RecordedExchange> | null;
}

export function assemble(stages: Stages) {
  return (
    pipe<Call>()
      // First: a call that is refused while draining must cost nothing and touch no counter.
      .through(stages.drainGate)
      // Above all that refuses by it.
      .through(orOff(stages.priority, "priority"))
      // Above the timers: what this process cannot serve shall not make work.
      .through(orOff(stages.loadShed, "load_shed"))
      // Above the queue and the repeats: waiting and repeating are part of the promise.
      .through(stages.totalDeadline)
      // Above retry: a call holds one place however often it is repeated.
      .through(orOff(stages.bulkhead, "bulkhead"))
      // Above target choice: a repeat may go elsewhere.
      .through(stages.retry)
      // Below retry, which it saves the wait for a failure; it pays from the same budget.
      .through(orOff(stages.hedge, "hedge"))
      // Below hedging, which sends nothing past it; above the throttle, which counts what is sent.
      .through(orOff(stages.pace, "pace"))
      // Below all that repeats, since each attempt counts; below pace, which may hold it for long.
      .through(orOff(stages.quota, "quota"))
      // Below retry, which it counts; above target choice, since it is about all of them.
      .through(orOff(stages.throttle, "throttle"))
      // Above the breaker: the breaker belongs to a target.
      .through(stages.pickTarget)
      // Above the timeout: an attempt that timed out must count against the target.
      .through(stages.breakerGate)
      // Below the breaker, around the wire only.
      .through(stages.attemptTimeout)
      // Around the wire alone: it sees exactly what that did.
      .through(stages.record)
      // Last: what it does is done in the place of the wire.
      .through(orOff(stages.chaos, "chaos"))
  );
}

function orOff<In, Out>(policy: Policy<In, Out> | null, role: Role): Policy<In, Out> {
  return policy ?? bypass(role);
}
