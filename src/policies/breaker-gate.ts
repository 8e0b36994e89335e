/**
 * Asks the breaker of the target for a permit, and tells it, and who compares the target with its
 * peers, how the exchange went.
 *
 * Place: above the attempt timeout, since an attempt that timed out must count against the target.
 * Guarantee: every permit is settled once, when the body of the answer is over, with the verdict
 * that the catalog's blame gives. What is no fault of the target is neutral and counts for nothing.
 * Not here: the state of a breaker (targets/breaker.ts).
 */
import { freePermit, type Verdict } from "../base/permit.js";
import { LAYERS } from "../catalog/defaults.js";
import { FAILURES, type FailureCode } from "../catalog/failures.js";
import type { Outcome } from "../core/outcome.js";
import type { Policy, Step } from "../core/pipe.js";
import { isUnusable } from "../core/repeat.js";
import type { BreakerOptions, BreakerPermit } from "../targets/breaker.js";
import type { Exchange, GuardedExchange } from "../targets/exchange.js";
import type { TargetMonitor } from "../targets/target-monitor.js";
import { Holding, holding, refused } from "./holding.js";

/** `settings` are those of the breakers of the targets; false when they have none. */
export function breakerGate(settings: BreakerOptions | false): Policy<Exchange, GuardedExchange> {
  return {
    role: "breaker",
    settings: settings === false ? { enabled: false } : { ...settings },
    run<Body>(exchange: Exchange, next: Step<GuardedExchange, Body>): Promise<Outcome<Body>> {
      const { breaker, health } = exchange.target;
      const { monitor } = health;
      if (breaker === null) {
        if (monitor === null) return next(exchange as GuardedExchange);
        return holding(
          next,
          exchange as GuardedExchange,
          new Watched<Body>(exchange, NO_BREAKER, monitor),
        );
      }
      const permit = breaker.admit();
      if ("deniedForMs" in permit) {
        // No transport will see this exchange, so it is ended here.
        exchange.end();
        const target = exchange.target.id;
        return refused({ code: "breaker_open", target, retryAfterMs: permit.deniedForMs });
      }
      const held =
        monitor === null
          ? new Permitted<Body>(exchange, permit)
          : new Watched<Body>(exchange, permit, monitor);
      return holding(next, exchange as GuardedExchange, held);
    },
  };
}

const NO_BREAKER: BreakerPermit = { ...freePermit, answered: () => {} };

/**
 * Whether the caller's own deadline cut the exchange so soon that nothing is said of its target;
 * else who may send requests with short deadlines could open breakers.
 */
function wasHurried({ call, cancellation, timeline }: Exchange): boolean {
  if (cancellation.by !== "deadline" || call.deadline !== call.callerDeadline) return false;
  return call.deadline - timeline.startedAt < LAYERS.fairAttemptMs;
}

class Permitted<Body> extends Holding<Body> {
  protected readonly exchange: Exchange;
  private readonly permit: BreakerPermit;

  constructor(exchange: Exchange, permit: BreakerPermit) {
    super();
    this.exchange = exchange;
    this.permit = permit;
  }

  override known(outcome: Outcome<Body>): void {
    if (outcome.kind === "success") this.permit.answered();
  }

  over(code: FailureCode | null): void {
    this.settle(code);
  }

  protected settle(code: FailureCode | null): Verdict {
    const verdict = this.verdict(code);
    this.permit.settle(verdict);
    return verdict;
  }

  protected verdict(code: FailureCode | null): Verdict {
    const neutral = this.exchange.timeline.isCounted || wasHurried(this.exchange);
    return neutral ? "neutral" : verdictOf(code);
  }
}

/** The same with who compares the target with its peers. */
class Watched<Body> extends Permitted<Body> {
  private readonly monitor: TargetMonitor;

  constructor(exchange: Exchange, permit: BreakerPermit, monitor: TargetMonitor) {
    super(exchange, permit);
    this.monitor = monitor;
    monitor.began();
  }

  override known(outcome: Outcome<Body>): void {
    super.known(outcome);
    const { startedAt } = this.exchange.timeline;
    if (outcome.kind === "no_response") {
      this.monitor.unanswered(startedAt);
      return;
    }
    const { status, rawHeaders } = outcome.response;
    const code = outcome.kind === "success" ? null : outcome.failure.code;
    this.monitor.answered(startedAt, status, rawHeaders, code);
  }

  // What is wrong with our settings of this target alone takes it out while its peers are well.
  override over(code: FailureCode | null): void {
    const verdict = this.settle(code);
    if (verdict === "neutral" && !isUnusable(code)) return;
    this.monitor.ended(code, this.exchange.timeline.startedAt);
  }

  // Nor does that let it back.
  protected override verdict(code: FailureCode | null): Verdict {
    const trial = this.exchange.target.breaker?.state === "half_open";
    return trial && isUnusable(code) ? "failure" : super.verdict(code);
  }
}

/** What an exchange that ended by this name says of its target; null is a whole answer. */
export function verdictOf(code: FailureCode | null): Verdict {
  if (code === null) return "success";
  const { blame } = FAILURES[code];
  const counts = blame === "upstream" || blame === "overload" || blame === "network";
  return counts ? "failure" : "neutral";
}
