/**
 * A call that no target takes now: it is rejected, or waits if one may take it within a moment.
 *
 * Place: inside pick-target, for as long as a restart that is over is being found out. In an outage
 * every call comes by here, so who waits shares what is waited for and the timer with all others.
 * Guarantee: it ends with a target, with the cut of the call or with a refusal, after `HOPE.waitMs`
 * at the latest, or `HOPE.firstProbeMs` where nothing is known of a target yet; neither a timer nor
 * a listener is left behind.
 */
import type { Clock, Timer } from "../base/clock.js";
import { HOPE, RETRY_AFTER } from "../catalog/defaults.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Call } from "../core/call.js";
import type { CutBy, Cuttable } from "../core/cancellation.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { GatewayRequest } from "../core/request.js";
import { blameFor } from "../targets/standing.js";
import type { TargetSet } from "../targets/target-set.js";

/**
 * Waits for `first`, and on for what may be hoped for then. `go` chooses and sends at once, or of
 * calls that wait together two would take the place of one; null while there is still no target.
 */
export function waitForRecovery<Body>(
  timers: Pick<Clock, "after">,
  targets: TargetSet,
  call: Call,
  go: () => Pending<Body> | null,
  first: Promise<unknown>,
): Pending<Body> {
  return new RecoveryWait(timers, targets, call, go, first).coming;
}

// A class, since in an outage every call makes one.
class RecoveryWait<Body> implements Cuttable {
  readonly coming = new Pending<Body>();
  readonly #targets: TargetSet;
  readonly #call: Call;
  readonly #go: () => Pending<Body> | null;
  #timer: Timer | null;

  constructor(
    timers: Pick<Clock, "after">,
    targets: TargetSet,
    call: Call,
    go: () => Pending<Body> | null,
    first: Promise<unknown>,
  ) {
    this.#targets = targets;
    this.#call = call;
    this.#go = go;
    this.#timer = timers.after(waitMsFor(targets), () => this.#onTimer());
    call.cancellation.add(this);
    void first.then(this.#onNews);
  }

  cut(by: CutBy): void {
    this.#end(noResponse(cutWhileWaiting(by)));
  }

  readonly #onNews = (): void => {
    if (this.#timer === null) return;
    if (this.#went()) return;
    const hope = this.#targets.hope(true);
    if (hope === null) this.#refuse();
    else void hope.then(this.#onNews);
  };

  #onTimer(): void {
    if (!this.#went()) this.#refuse();
  }

  #refuse(): void {
    this.#end(noResponse(refusal(this.#targets, this.#call.request)));
  }

  /** Whether a target takes it; what is thrown is a bug of ours, and ends the wait as well. */
  #went(): boolean {
    try {
      const coming = this.#go();
      if (coming === null) return false;
      this.#stop();
      coming.subscribe((outcome) => this.coming.settle(outcome));
    } catch (cause) {
      this.#end(noResponse({ code: "proxy_internal_error", cause }));
    }
    return true;
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#call.cancellation.remove(this);
  }

  #end(outcome: Outcome<Body>): void {
    this.#stop();
    this.coming.settle(outcome);
  }
}

function waitMsFor({ targets }: TargetSet): number {
  return targets.some(({ health }) => health.untried) ? HOPE.firstProbeMs : HOPE.waitMs;
}

/** What a call comes to that was cut while it waited for a target. */
export function cutWhileWaiting(by: CutBy): Failure {
  return { code: CODE_OF_CUT[by] };
}

const CODE_OF_CUT = {
  client: "client_closed_request",
  upload: "request_body_failed",
  shutdown: "draining",
  deadline: "deadline_exceeded",
  timeout: "deadline_exceeded",
  body_timeout: "deadline_exceeded",
  hedge: "hedge_cancelled",
} as const satisfies Record<CutBy, FailureCode>;

/**
 * With one target its breaker is the reason; with several, that none of them is fit. Where they
 * would take other calls, it is the breaker of the route.
 */
export function refusal(set: TargetSet, request: GatewayRequest): Failure {
  if (set.deniedForMs() === 0) {
    const retryAfterMs = Math.max(1, set.deniedForMs(request));
    const route = set.targets[0]?.breaker?.routeOf(request);
    return { code: "breaker_open", ...(route !== undefined && { route }), retryAfterMs };
  }
  const soonest = set.deniedForMs();
  const retryAfterMs = Number.isFinite(soonest) && soonest > 0 ? soonest : RETRY_AFTER.fallbackMs;
  const [only, other] = set.targets;
  if (only === undefined && set.noneSince !== null) return { ...set.noneSince, retryAfterMs };
  const more = { retryAfterMs, ...blameFor(set.targets) };
  const isOut = only?.health.untried === true || only?.disabled === true;
  if (only === undefined || other !== undefined || isOut) {
    return { code: "no_healthy_target", ...more };
  }
  return { code: "breaker_open", target: only.id, ...more };
}
