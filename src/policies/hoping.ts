/**
 * A call that nobody takes now, but somebody may within a moment, waits for that.
 *
 * Place: inside pick-target, for as long as a restart that is over is being found out. In an outage
 * every call comes by here, so who waits shares what is waited for and the timer with all others.
 * Guarantee: it ends with a target, with the cut of the call or with a refusal, after `HOPE.waitMs`
 * at the latest; neither a timer nor a listener is left behind.
 */
import type { Clock, Timer } from "../base/clock.js";
import { HOPE } from "../catalog/defaults.js";
import type { FailureCode } from "../catalog/failures.js";
import type { Cancellation, CutBy } from "../core/cancellation.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { Pending } from "../core/pending.js";
import type { TargetSet } from "../targets/target-set.js";

export interface Hoped<Body> {
  readonly cancellation: Cancellation;
  /**
   * Chooses and sends at once, or of those who wait together two would take the place of one. Null
   * where there is still nobody.
   */
  readonly go: () => Pending<Body> | null;
  /** Why there is nobody, when it is over. */
  readonly refusal: () => Failure;
}

/** Waits for `first`, and on for what may be hoped for then. */
export function hoping<Body>(
  timers: Pick<Clock, "after">,
  targets: Pick<TargetSet, "hope">,
  call: Hoped<Body>,
  first: Promise<unknown>,
): Pending<Body> {
  return new Hoping(timers, targets, call, first).coming;
}

// A class, since in an outage every call makes one.
class Hoping<Body> {
  readonly coming = new Pending<Body>();
  readonly #targets: Pick<TargetSet, "hope">;
  readonly #call: Hoped<Body>;
  #timer: Timer | null;

  constructor(
    timers: Pick<Clock, "after">,
    targets: Pick<TargetSet, "hope">,
    call: Hoped<Body>,
    first: Promise<unknown>,
  ) {
    this.#targets = targets;
    this.#call = call;
    this.#timer = timers.after(HOPE.waitMs, this.#onTimer);
    call.cancellation.add(this.#onCut);
    void first.then(this.#onNews);
  }

  readonly #onNews = (): void => {
    if (this.#timer === null) return;
    if (this.#went()) return;
    const hope = this.#targets.hope(true);
    if (hope === null) this.#end(noResponse(this.#call.refusal()));
    else void hope.then(this.#onNews);
  };

  readonly #onTimer = (): void => {
    if (!this.#went()) this.#end(noResponse(this.#call.refusal()));
  };

  readonly #onCut = (by: CutBy): void => {
    this.#end(noResponse(cutWhileWaiting(by)));
  };

  /** Whether somebody takes it; what is thrown is a bug of ours, and ends the wait as well. */
  #went(): boolean {
    try {
      const coming = this.#call.go();
      if (coming === null) return false;
      this.#stop();
      coming.tell((outcome) => this.coming.settle(outcome));
    } catch (cause) {
      this.#end(noResponse({ code: "proxy_internal_error", cause }));
    }
    return true;
  }

  #stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#call.cancellation.remove(this.#onCut);
  }

  #end(outcome: Outcome<Body>): void {
    this.#stop();
    this.coming.settle(outcome);
  }
}

/** What a call comes to that was cut while it waited for a target. */
export function cutWhileWaiting(by: CutBy): Failure {
  return { code: CODE_OF_CUT[by] };
}

const CODE_OF_CUT = {
  client: "client_closed_request",
  shutdown: "draining",
  deadline: "deadline_exceeded",
  timeout: "deadline_exceeded",
  body_timeout: "deadline_exceeded",
  hedge: "hedge_cancelled",
} as const satisfies Record<CutBy, FailureCode>;
