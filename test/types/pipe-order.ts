/**
 * What must not compile: a pipe in another order than the one argued in `gateway/assemble.ts`.
 * `pipe-order.test.ts` compiles this file; a line that should not compile and does is an error.
 */

import type {
  Attempt,
  HedgedAttempt,
  MeteredAttempt,
  PacedAttempt,
  ThrottledAttempt,
} from "../../src/core/attempt.js";
import type {
  AcceptedCall,
  AdmittedCall,
  BoundedCall,
  Call,
  RankedCall,
  SeatedCall,
} from "../../src/core/call.js";
import { bypass, type PipeStep, type Policy, pipe } from "../../src/core/pipe.js";
import type {
  Exchange,
  GuardedExchange,
  RecordedExchange,
  TimedExchange,
} from "../../src/targets/exchange.js";

declare const drainGate: Policy<Call, AdmittedCall>;
declare const priority: Policy<AdmittedCall, RankedCall>;
declare const loadShed: Policy<RankedCall, AcceptedCall>;
declare const totalDeadline: Policy<AcceptedCall, BoundedCall>;
declare const bulkhead: Policy<BoundedCall, SeatedCall>;
declare const retry: Policy<SeatedCall, Attempt>;
declare const hedge: Policy<Attempt, HedgedAttempt>;
declare const pace: Policy<HedgedAttempt, PacedAttempt>;
declare const quota: Policy<PacedAttempt, MeteredAttempt>;
declare const throttle: Policy<MeteredAttempt, ThrottledAttempt>;
declare const pickTarget: Policy<ThrottledAttempt, Exchange>;
declare const breakerGate: Policy<Exchange, GuardedExchange>;
declare const attemptTimeout: Policy<GuardedExchange, TimedExchange>;
declare const record: Policy<TimedExchange, RecordedExchange>;
declare const chaos: Policy<RecordedExchange, RecordedExchange>;
declare const transport: PipeStep<RecordedExchange, string>;

export const right: PipeStep<Call, string> = pipe<Call>()
  .through(drainGate)
  .through(priority)
  .through(loadShed)
  .through(totalDeadline)
  .through(bulkhead)
  .through(retry)
  .through(hedge)
  .through(pace)
  .through(quota)
  .through(throttle)
  .through(pickTarget)
  .through(breakerGate)
  .through(attemptTimeout)
  .through(record)
  .through(chaos)
  .to(transport);

// A policy that is switched off still has its place.
export const withoutBulkhead = pipe<Call>()
  .through(drainGate)
  .through(priority)
  .through(loadShed)
  .through(totalDeadline)
  .through(bypass<BoundedCall, SeatedCall>("bulkhead"))
  .through(retry);

const admitted = pipe<Call>().through(drainGate);
const accepted = admitted.through(priority).through(loadShed);
const bounded = accepted.through(totalDeadline);
const seated = bounded.through(bulkhead);
const attempts = seated.through(retry);
const paced = attempts.through(hedge).through(pace);
const exchanges = paced.through(quota).through(throttle).through(pickTarget);
const guarded = exchanges.through(breakerGate);
const timed = guarded.through(attemptTimeout);

// @ts-expect-error the deadline above the drain gate: a refused call would take a timer
pipe<Call>().through(totalDeadline);
// @ts-expect-error load shedding above the priority: it would refuse without knowing what matters
admitted.through(loadShed);
// @ts-expect-error the deadline above load shedding: a call that is not served would take a timer
admitted.through(priority).through(totalDeadline);
// @ts-expect-error the throttle above hedging: it would not count the second request
attempts.through(throttle);
// @ts-expect-error the pace below the throttle: it would count what is held back
attempts.through(hedge).through(throttle);
// @ts-expect-error the quota above hedging: it would not count the second request
attempts.through(quota);
// @ts-expect-error the queue above the deadline: waiting would not be part of the promise
accepted.through(bulkhead);
// @ts-expect-error retry without a place: every attempt would queue anew
bounded.through(retry);
// @ts-expect-error the bulkhead below retry: a call would take a place for each attempt
attempts.through(bulkhead);
// @ts-expect-error a target before there is an attempt: a repeat could not go elsewhere
seated.through(pickTarget);
// @ts-expect-error the breaker above target choice: it belongs to a target
attempts.through(breakerGate);
// @ts-expect-error retry below target choice: a repeat could not go elsewhere
exchanges.through(retry);
// @ts-expect-error the timeout above the breaker: a timed-out attempt would not count
exchanges.through(attemptTimeout);
// @ts-expect-error the record above the timeout: it would not see what the wire did
guarded.through(record);
// @ts-expect-error a transport without its record
timed.to(transport);
// @ts-expect-error a transport on a bare call
pipe<Call>().to(transport);
// @ts-expect-error a policy switched off by a name that no policy has
bypass<BoundedCall, SeatedCall>("bulk_head");
