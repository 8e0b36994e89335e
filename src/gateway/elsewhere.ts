/**
 * A call at another upstream than the one that it was made for: a call of its own there, with that
 * upstream's policies, that ends with the first and has what is left of its time.
 *
 * Guarantee: no call comes back to an upstream that it has been at, so that upstreams may name each
 * other; the second call is reported as one of the other upstream, once.
 */
import type { Call, CallOverrides } from "../core/call.js";
import { failureOf } from "../core/outcome.js";
import { type Holder, Pending } from "../core/pending.js";
import type { PipeStep } from "../core/pipe.js";
import { OwnScope } from "./call-scope.js";
import type { GatewayCore } from "./core.js";
import type { UpstreamCore } from "./upstream.js";

/** Where the calls come from that were made for another upstream: with what is known of that. */
interface Origin {
  readonly call: Call;
  readonly upstream: string;
}

const ORIGINS = new WeakMap<Call, Origin>();

/** Whether a call, or the one that it was made for, has been at this upstream. */
export function hasBeenAt(call: Call, current: string, name: string): boolean {
  if (current === name) return true;
  for (let from = ORIGINS.get(call); from !== undefined; from = ORIGINS.get(from.call)) {
    if (from.upstream === name) return true;
  }
  return false;
}

/** The latest moment by which the second call must be over; it never gets more time. */
function deadlineOf(call: Call): number {
  return Math.min(call.callerDeadline, call.deadline);
}

export function hasTimeLeft(call: Call, now: number): boolean {
  return deadlineOf(call) > now;
}

/** Takes the call through the other upstream, whose `step` is over the same kind of transport. */
export function goElsewhere<Body>(
  gateway: GatewayCore,
  from: string,
  call: Call,
  other: UpstreamCore,
  kind: "routed" | "failover",
  step: PipeStep<Call, Body>,
): Pending<Body> {
  const overrides = call.overrides === null ? null : ofAnyUpstream(call.overrides);
  const inside = { gateway, core: other };
  const scope = new OwnScope(inside, kind, call.request, overrides, { id: call.id });
  const second = scope.call;
  ORIGINS.set(second, { call, upstream: from });
  second.callerDeadline = Math.min(second.callerDeadline, deadlineOf(call));
  second.callerAttempt = call.callerAttempt;
  second.priority = call.priority;
  const code = call.failure?.code ?? null;
  call.detour = { kind, upstream: other.name, code, call: second, status: null };
  call.cancellation.add(second.cancellation);
  return Pending.of(step(second)).inform(LINKED, { call, second, scope, other });
}

/** Two calls that are one to their caller. */
interface TwoCalls {
  readonly call: Call;
  readonly second: Call;
  readonly scope: OwnScope;
  readonly other: UpstreamCore;
}

const LINKED: Holder<TwoCalls> = {
  known({ call, second, other }, outcome) {
    if (outcome.kind !== "no_response") {
      second.answeredBy = "upstream";
      if (call.detour !== null) call.detour = { ...call.detour, cookie: cookieOf(other, second) };
    }
    call.failure = failureOf(outcome);
    return null;
  },
  over({ call, second, scope }) {
    call.cancellation.remove(second.cancellation);
    scope.over();
  },
};

/** What was said of the failure of the first upstream is nothing to the other one. */
function ofAnyUpstream({ fallback: _, upstream: _of, ...overrides }: CallOverrides): CallOverrides {
  return overrides;
}

/** The cookie that leads the client back to the target of the other upstream. */
function cookieOf({ targets }: UpstreamCore, { request, attempts, detour }: Call): string | null {
  if (detour !== null) return detour.cookie ?? null;
  const target = attempts.at(-1)?.target ?? null;
  return target === null ? null : (targets.balancing.sticky?.setCookie(request, target) ?? null);
}
