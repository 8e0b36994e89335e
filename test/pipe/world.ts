/**
 * All policies of an upstream together on a virtual clock, above a transport that the test answers.
 * The pipe is the one of the gateway (`assemble`); chance is always its lowest draw unless a test
 * brings its own.
 */
import { Readable } from "node:stream";
import { emitter } from "../../src/base/emitter.js";
import type { Random } from "../../src/base/random.js";
import { BALANCE } from "../../src/catalog/balance-defaults.js";
import { BREAKER, BULKHEAD, RETRY, TIMEOUTS } from "../../src/catalog/defaults.js";
import type { FailureCode } from "../../src/catalog/failures.js";
import { CHAOS, HEDGE, PACE, THROTTLE } from "../../src/catalog/overload-defaults.js";
import { Call, type CallOverrides } from "../../src/core/call.js";
import { NEVER } from "../../src/core/deadline.js";
import type { CallerHints } from "../../src/core/layers.js";
import type { Outcome } from "../../src/core/outcome.js";
import { ReplayBody } from "../../src/core/replay-body.js";
import type { GatewayRequest } from "../../src/core/request.js";
import type { ResponseBody } from "../../src/core/response-body.js";
import { assemble } from "../../src/gateway/assemble.js";
import { type AdaptiveLimitSettings, adaptiveLimit } from "../../src/policies/adaptive-limit.js";
import { type AttemptTimeouts, attemptTimeout } from "../../src/policies/attempt-timeout.js";
import { breakerGate } from "../../src/policies/breaker-gate.js";
import { type BulkheadSettings, bulkhead } from "../../src/policies/bulkhead.js";
import type { CallerKey } from "../../src/policies/caller-shares.js";
import { type ChaosSettings, chaos } from "../../src/policies/chaos.js";
import { drainGate, type Lifecycle, type LifecycleState } from "../../src/policies/drain-gate.js";
import { type HedgeSettings, hedge } from "../../src/policies/hedge.js";
import { loadGuard, loadShed } from "../../src/policies/load-shed.js";
import { type PaceSettings, pace } from "../../src/policies/pace.js";
import { pickTarget } from "../../src/policies/pick-target.js";
import { type PriorityRule, priorityOf } from "../../src/policies/priority.js";
import { type Quota, quotaGate } from "../../src/policies/quota.js";
import { recentFailures } from "../../src/policies/recent-failures.js";
import { type AttemptListener, record } from "../../src/policies/record.js";
import { type Refusals, refusals } from "../../src/policies/refusals.js";
import { type RetrySettings, retry } from "../../src/policies/retry.js";
import { type RetryBudgetOptions, retryBudget } from "../../src/policies/retry-budget.js";
import { type ThrottleSettings, throttle } from "../../src/policies/throttle.js";
import { totalDeadline } from "../../src/policies/total-deadline.js";
import { roundRobin } from "../../src/targets/balance/round-robin.js";
import {
  type BreakerChange,
  type BreakerSettings,
  createBreaker,
} from "../../src/targets/breaker.js";
import { createTarget, parseTarget } from "../../src/targets/target.js";
import { createTargetSet } from "../../src/targets/target-set.js";
import { answeredTransport } from "../../src/testing/answered-transport.js";
import { virtualClock } from "../../src/testing/virtual-clock.js";

export interface WorldOptions {
  /** @default 1 */
  readonly targets?: number;
  readonly totalMs?: number;
  readonly timeouts?: Partial<AttemptTimeouts>;
  readonly bulkhead?: Partial<BulkheadSettings>;
  readonly retry?: Partial<RetrySettings>;
  readonly budget?: Partial<RetryBudgetOptions>;
  readonly breaker?: Partial<BreakerSettings> | false;
  readonly random?: Random;
  readonly listener?: AttemptListener;
  readonly refusals?: Refusals;
  readonly priority?: PriorityRule;
  readonly pace?: Partial<PaceSettings>;
  readonly chaos?: Partial<ChaosSettings>;
  readonly throttle?: Partial<ThrottleSettings>;
  readonly hedge?: Partial<HedgeSettings>;
  readonly quota?: Quota;
  /** Delay of the event loop above which calls are refused. */
  readonly shedMs?: number;
  readonly adaptiveLimit?: AdaptiveLimitSettings;
  /** Tells callers apart. */
  readonly callers?: CallerKey;
}

export type TestLifecycle = Lifecycle & {
  state: LifecycleState;
  maintenance: { readonly retryAfterMs: number } | null;
  running: number;
};

/** A call under way: its outcome once there is one. */
export interface Sending {
  readonly call: Call;
  readonly outcome: Promise<Outcome<ResponseBody>>;
  /** What it came to: status of an answer or the name of its failure; null while it runs. */
  result(): number | FailureCode | null;
}

const LOWEST: Random = { next: () => 0 };

export const idOf = (index: number): string => `http://10.0.0.${index + 1}:8080`;

export function world(options: WorldOptions = {}) {
  const clock = virtualClock();
  const random = options.random ?? LOWEST;
  const wire = answeredTransport(clock);
  const changes: (BreakerChange & { readonly target: string })[] = [];
  const breakerOptions = { ...BREAKER, ...options.breaker };

  const targets = createTargetSet(
    { clock, random },
    Array.from({ length: options.targets ?? 1 }, (_, index) => {
      const address = parseTarget(idOf(index));
      const breaker =
        options.breaker === false
          ? null
          : createBreaker(clock, random, breakerOptions, (change) =>
              changes.push({ target: address.id, ...change }),
            );
      return createTarget(address, breaker);
    }),
    { balancer: roundRobin(), zone: null, overflowBelow: BALANCE.overflowBelow, sticky: null },
  );
  const lifecycle = testLifecycle();
  const budget = retryBudget(clock, { ...RETRY, ...options.budget });
  const placesOptions = { ...BULKHEAD, ...options.bulkhead };
  const learning = options.adaptiveLimit;
  const limit =
    learning === undefined ? null : adaptiveLimit(clock, placesOptions.concurrencyMax, learning);
  const counted = options.refusals ?? refusals();
  const { callers = null } = options;
  const places = bulkhead(clock, random, placesOptions, { limit, callers, refusals: counted });

  const { shedMs } = options;
  const load = shedMs === undefined ? null : loadGuard(clock, random, { eventLoopDelayMs: shedMs });
  const sending =
    options.throttle === undefined
      ? null
      : throttle(clock, random, { ...THROTTLE, ...options.throttle }, counted);

  const paceOptions = { ...PACE, waitMsMax: RETRY.retryAfterWaitMsMax, ...options.pace };
  const pacing =
    options.pace === undefined
      ? null
      : pace({ clock, random, callers: options.callers ?? null, refusals: counted }, paceOptions);

  const { quota } = options;
  const metered =
    quota === undefined
      ? null
      : quotaGate({ clock, random, refusals: counted }, quota, (waiting) =>
          quota.count({
            ...{
              clock,
              events: emitter(),
              upstream: "api",
              rateLimits: new Set(),
              fleet: null,
              waiting,
            },
          } as never),
        );

  const failures = recentFailures(clock, targets);
  const repeats = { clock, random, lifecycle, targets, budget, failures };
  const struck: unknown[] = [];

  const chain = assemble({
    drainGate: drainGate(lifecycle),
    priority: options.priority === undefined ? null : priorityOf(options.priority),
    loadShed: load && loadShed(load, counted),
    totalDeadline: totalDeadline(clock, { totalMs: options.totalMs ?? TIMEOUTS.totalMs }),
    bulkhead: places,
    retry: retry(repeats, { enabled: true, ...RETRY, unprocessedStatuses: [], ...options.retry }),
    hedge: options.hedge === undefined ? null : hedge(repeats, { ...HEDGE, ...options.hedge }),
    pace: pacing,
    quota: metered,
    throttle: sending,
    pickTarget: pickTarget(clock, targets, true),
    breakerGate: breakerGate(options.breaker === false ? false : breakerOptions),
    attemptTimeout: attemptTimeout(clock, { ...TIMEOUTS, ...options.timeouts }),
    record: record(clock, options.listener ?? null),
    chaos:
      options.chaos === undefined
        ? null
        : chaos(clock, random, { ...CHAOS, ...options.chaos }, (met) => void struck.push(met)),
  });
  const step = chain.to(wire.transport);

  return {
    struck,
    clock,
    wire,
    lifecycle,
    targets,
    budget,
    places,
    load,
    pace: pacing,
    throttle: sending,
    changes,
    describe: () => chain.describe(),
    send(
      request: Partial<GatewayRequest> = {},
      overrides: CallOverrides | null = null,
      { attempt = 1, deadlineMs = NEVER }: Partial<CallerHints> = {},
    ): Sending {
      const call = new Call(requestOf(request), clock.now(), "id", overrides);
      call.callerAttempt = attempt;
      call.callerDeadline = clock.now() + deadlineMs;
      return send(step, call);
    },
    /** Everything that a call may take; all zero when no call is under way. */
    held: () => ({
      running: lifecycle.running,
      places: places.running,
      waiting: places.waiting,
      pending: targets.targets.reduce((sum, { pending }) => sum + pending, 0),
      timers: clock.pending(),
    }),
  };
}

export type World = ReturnType<typeof world>;

export const NOTHING_HELD = { running: 0, places: 0, waiting: 0, pending: 0, timers: 0 };

function send(step: (call: Call) => Promise<Outcome<ResponseBody>>, call: Call): Sending {
  let result: number | FailureCode | null = null;
  const outcome = step(call);
  outcome.then(
    (one) => {
      result = one.kind === "no_response" ? one.failure.code : one.response.status;
    },
    // What is thrown is for whoever awaits the outcome.
    () => {},
  );
  return { call, outcome, result: () => result };
}

export function requestOf(request: Partial<GatewayRequest>): GatewayRequest {
  return {
    method: "GET",
    path: "/",
    headers: [],
    body: null,
    contentLength: null,
    replayable: false,
    upgrade: null,
    onInformation: null,
    ...request,
  };
}

/** A body that has streamed past what is kept of it, so that it cannot be sent again. */
export async function spentBody(): Promise<ReplayBody> {
  const body = ReplayBody.fromStream(Readable.from([Buffer.alloc(64)]), {
    keptBytesMax: 16,
    bytesMax: Number.POSITIVE_INFINITY,
    onDemand: null,
  });
  const opened = body.open();
  if (!Buffer.isBuffer(opened)) for await (const _ of opened);
  return body;
}

function testLifecycle(): TestLifecycle {
  const life: TestLifecycle = {
    state: "running",
    get admits() {
      return life.state === "running" || life.state === "lame_duck";
    },
    maintenance: null,
    running: 0,
    begin() {
      life.running += 1;
    },
    end() {
      life.running -= 1;
    },
  };
  return life;
}
