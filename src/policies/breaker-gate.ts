/**
 * Asks the breaker of the target for a permit, and reports to it, and to the comparison with its
 * peers, how the exchange went.
 *
 * Place: above the attempt timeout, since an attempt that timed out must count against the target.
 * Guarantee: every permit is settled once, when the body of the answer is over, with the verdict
 * that the catalog's blame gives. What is no fault of the target is neutral and counts for nothing.
 * Not here: the state of a breaker (targets/breaker.ts).
 */
import type { ExchangeVerdict } from "../base/permit.js";
import { EVIDENCE, LAYERS } from "../catalog/defaults.js";
import { countsAgainstTarget, FAILURES, type FailureCode } from "../catalog/failures.js";
import type { Outcome } from "../core/outcome.js";
import { type Holder, hold, refused } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";
import { isUnusable, whyNotRepeat } from "../core/repeat.js";
import type { Breaker, BreakerSettings, Doubt } from "../targets/breaker.js";
import type { Exchange, GuardedExchange } from "../targets/exchange.js";
import { ruleFor } from "../targets/route-rules.js";
import { StaleRoutes } from "../targets/stale-routes.js";
import { blameFor } from "../targets/standing.js";
import type { TargetMonitor } from "../targets/target-monitor.js";
import { askUser } from "./ask-user.js";

/** `settings` are those of the breakers of the targets; false when they have none. */
export function breakerGate(settings: BreakerSettings | false): Policy<Exchange, GuardedExchange> {
  return {
    role: "breaker",
    settings:
      settings === false ? { enabled: false } : { ...settings, counts: settings.counts !== false },
    run(exchange, next) {
      const { breaker, health } = exchange.target;
      const guarded = exchange as GuardedExchange;
      if (breaker !== null) {
        const permit = breaker.admit(exchange.request, exchange.timeline.startedAt);
        if ("deniedForMs" in permit) {
          // No transport will see this exchange, so it is ended here.
          exchange.end();
          const { deniedForMs: retryAfterMs, route } = permit;
          const refusal = {
            code: "breaker_open",
            target: exchange.target.id,
            retryAfterMs,
          } as const;
          return refused({ ...refusal, ...(route ? { route } : blameFor([exchange.target])) });
        }
        exchange.permit = permit;
      }
      exchange.monitor = health.monitor;
      exchange.monitor?.began();
      return hold(next, guarded, GATE);
    },
  };
}

const GATE: Holder<Exchange> = {
  known(exchange, outcome) {
    if (outcome.kind === "success") clear(exchange);
    if (exchange.monitor !== null) tellHead(exchange.monitor, exchange, outcome);
    return null;
  },
  over(exchange, code) {
    const { permit, monitor, timeline } = exchange;
    const verdict = verdictOn(exchange, code);
    if (verdict === "failure" || isUnusable(code)) fail(exchange, code);
    const doubted = verdict === "failure" && code !== null && !namesTarget(code);
    const doubt = doubted ? doubtOf(exchange, code) : undefined;
    const isOwn = permit?.settle(verdict, doubt, timeline.endAt) ?? true;
    // What is wrong with our settings of this target alone takes it out while its peers are well.
    if (verdict === "neutral" && !isUnusable(code)) return;
    if (code === null) exchange.target.breaker?.suspects?.ended(exchange.request);
    monitor?.ended(code, timeline.startedAt, isOwn || verdict === "neutral");
  },
};

function fail({ target, attempt }: Exchange, code: FailureCode | null): void {
  // Its name blames only the connection.
  if (code !== STALE.code) target.failedBy = code;
  if (!attempt.triedTargets.includes(target.id)) target.failures += 1;
}

/** A good answer has begun. */
function clear(exchange: Exchange): void {
  const { permit, timeline, target, request } = exchange;
  const { breaker, staleRoutes } = target;
  target.failures = 0;
  const isTimed = breaker !== null && breaker.judged.slowCallMs !== Number.POSITIVE_INFINITY;
  permit?.answered(timeline.headAt, isTimed ? tookMs(exchange, breaker) : -1, request);
  breaker?.suspects?.passed(request);
  if (staleRoutes !== null && breaker !== null) staleRoutes.passed(breaker, request);
}

/** From the end of the request to the head; negative for a route whose failures say nothing. */
function tookMs({ timeline, request }: Exchange, { rules }: Breaker): number {
  if (ruleFor(rules, request.path)?.breaker === false) return -1;
  const { startedAt, sendAt, waitAt, headAt } = timeline;
  const from = waitAt >= 0 ? waitAt : sendAt >= 0 ? sendAt : startedAt;
  return headAt >= 0 ? headAt - from : -1;
}

/** It was lost on a kept connection and is not repeated, as calls of its route are all the time. */
function isNoChance({ target, attempt, request }: Exchange): boolean {
  const { breaker } = target;
  const isLast = attempt.further < 1 || whyNotRepeat(request, STALE) !== null;
  if (breaker === null || !isLast) return false;
  target.staleRoutes ??= new StaleRoutes();
  return target.staleRoutes.lost(breaker.routeOf(request));
}

const STALE = { code: "stale_connection" } as const;

/** Whether a failure is about the connection, which is the same whatever is asked. */
function namesTarget(code: FailureCode): boolean {
  const { phase } = FAILURES[code];
  return phase === "resolve" || phase === "connect" || phase === "secure";
}

function doubtOf({ attempt, target, request, timeline }: Exchange, code: FailureCode): Doubt {
  const isBroken = timeline.headAt >= 0 && FAILURES[code].status !== "received";
  return {
    request,
    repeated: attempt.triedTargets.includes(target.id),
    isSlow: !isBroken && timeline.endAt - timeline.startedAt >= EVIDENCE.slowMs,
    isBroken,
    isHarmless: attempt.further > 0 && whyNotRepeat(request, { code }) === null,
  };
}

function tellHead(
  monitor: TargetMonitor,
  { timeline: { startedAt }, request }: Exchange,
  outcome: Outcome<unknown>,
): void {
  if (outcome.kind === "no_response") {
    monitor.unanswered(startedAt);
    return;
  }
  const { status, rawHeaders } = outcome.response;
  const code = outcome.kind === "success" ? null : outcome.failure.code;
  monitor.answered(startedAt, status, rawHeaders, code, request);
}

function verdictOn(exchange: Exchange, code: FailureCode | null): ExchangeVerdict {
  const { target, monitor, timeline } = exchange;
  // What is wrong with our settings does not let it back either.
  if (monitor !== null && isUnusable(code) && target.breaker?.state === "half_open") {
    return "failure";
  }
  if (code === null) return timeline.isCounted ? "neutral" : "success";
  const counts = target.breaker?.judged.counts ?? false;
  const own = counts === false ? undefined : wordOn(exchange, code, counts);
  if (own !== undefined) return own ? "failure" : "neutral";
  if (code === STALE.code) return isNoChance(exchange) ? "failure" : "neutral";
  return timeline.isCounted || wasHurried(exchange) ? "neutral" : verdictOf(code);
}

function wordOn(
  { request: { method, path } }: Exchange,
  code: FailureCode,
  counts: Exclude<BreakerSettings["counts"], false>,
): boolean | undefined {
  const decided = askUser("breaker.counts", () => counts(code, { method, path }));
  return typeof decided === "boolean" ? decided : undefined;
}

/**
 * Whether the caller's own deadline cut the exchange so soon that nothing is said of its target;
 * else who may send requests with short deadlines could open breakers.
 */
function wasHurried({ call, cancellation, timeline }: Exchange): boolean {
  if (cancellation.by !== "deadline" || call.deadline !== call.callerDeadline) return false;
  return call.deadline - timeline.startedAt < LAYERS.fairAttemptMs;
}

/** What an exchange that ended by this name says of its target; null is a whole answer. */
export function verdictOf(code: FailureCode | null): ExchangeVerdict {
  if (code === null) return "success";
  return countsAgainstTarget(code) ? "failure" : "neutral";
}
