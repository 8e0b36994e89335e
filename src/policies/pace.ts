/**
 * Heeds what an upstream asks of all calls: a 429 with Retry-After is a limit of ours, not of the
 * call that met it.
 *
 * Place: below hedging, which sends nothing past it; above the throttle, which counts what is sent.
 * Guarantee: until the time is over nothing is sent. Calls that can wait for it do so, up to
 * `queueMax`, the most important first; the others are refused with the rest of the time. Then one
 * call is sent as a test, and each good answer admits one more at a time, so that waiting calls do
 * not hit the limit together. Without a 429 it costs a look at an empty map; each waiting call ends
 * with its turn, its cut or its time, and leaves nothing behind.
 * Not here: the wait of the call that got the 429, which is a repeat's (retry.ts).
 */
import type { Clock, Timer } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { RETRY } from "../catalog/defaults.js";
import type { PaceOptions } from "../catalog/options/overload.js";
import { PACE } from "../catalog/overload-defaults.js";
import type { Attempt, HedgedAttempt, PacedAttempt } from "../core/attempt.js";
import type { CutBy } from "../core/cancellation.js";
import { remainingMs } from "../core/deadline.js";
import type { Failure } from "../core/failure.js";
import { failureOf, noResponse, type Outcome } from "../core/outcome.js";
import { type Holder, hold as holding, Pending, refused } from "../core/pending.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import type { CallerKey } from "./caller-shares.js";
import { spread } from "./drain-rate.js";
import type { Refusals } from "./refusals.js";
import { cutWhileWaiting } from "./wait-for-recovery.js";
import { Waiter, WaitingLine } from "./waiting-line.js";

export interface PaceSettings extends Required<Omit<PaceOptions, "by">> {
  /** Longest wait of a call. */
  readonly waitMsMax: number;
}

export interface PaceParts {
  readonly clock: Pick<Clock, "now" | "after">;
  readonly random: Random;
  /** Distinguishes limits; null for one. */
  readonly callers: CallerKey | null;
  readonly refusals: Refusals;
}

export interface PaceState {
  readonly heldMs: number;
  readonly held: number;
  readonly waiting: number;
}

export interface Pace extends Policy<HedgedAttempt, PacedAttempt> {
  state(): PaceState;
}

export function pace(parts: PaceParts, options: PaceSettings): Pace {
  const { clock, callers } = parts;
  const holds = new Map<string, Hold>();
  const keyOf = ({ call }: Attempt): string => callers?.of(call.request) ?? "";

  const unheld: Holder<Attempt> = {
    known(attempt, outcome) {
      const ms = askedMs(outcome);
      if (ms === null) return null;
      const key = keyOf(attempt);
      let hold = holds.get(key);
      if (hold === undefined) {
        if (holds.size >= PACE.holdsMax) return null;
        hold = new Hold(parts, options, () => holds.delete(key));
        holds.set(key, hold);
      }
      hold.holdFor(ms);
      return null;
    },
    over: null,
  };
  const { waitMsMax, ...own } = options;
  return {
    role: "pace",
    settings: { ...own, ...(callers !== null && { by: callers.by }), waitMsMax },
    state() {
      const now = clock.now();
      const state = { heldMs: 0, held: 0, waiting: 0 };
      for (const hold of holds.values()) {
        const restMs = hold.restMs(now);
        state.heldMs = Math.max(state.heldMs, restMs);
        if (restMs > 0) state.held += 1;
        state.waiting += hold.waiting;
      }
      return state;
    },
    run<Body>(attempt: HedgedAttempt, below: PipeStep<PacedAttempt, Body>) {
      const next = below as unknown as PipeStep<Attempt, Body>;
      const hold = holds.size === 0 ? undefined : holds.get(keyOf(attempt));
      if (hold === undefined) return holding(next, attempt as Attempt, unheld);
      return hold.run(attempt, next);
    },
  };
}

/** For how long an answer asks us to come back no sooner; null where it does not. */
function askedMs(outcome: Outcome<unknown>): number | null {
  const failure = failureOf(outcome);
  if (failure?.code !== "received_rate_limited") return null;
  const { retryAfterMs = 0 } = failure;
  return retryAfterMs > 0 ? retryAfterMs : null;
}

/** One limit that was met, until it is known to be over. */
class Hold {
  readonly #parts: PaceParts;
  readonly #options: PaceSettings;
  readonly #over: () => void;
  readonly #line = new WaitingLine();
  #until = 0;
  /** Calls that may be under way once the time is over. */
  #window = 1;
  #running = 0;
  #timer: Timer | null = null;

  constructor(parts: PaceParts, options: PaceSettings, over: () => void) {
    this.#parts = parts;
    this.#options = options;
    this.#over = over;
  }

  get waiting(): number {
    return this.#line.size;
  }

  restMs(now: number): number {
    return remainingMs(this.#until, now);
  }

  holdFor(ms: number): void {
    const now = this.#parts.clock.now();
    this.#until = Math.max(this.#until, now + Math.min(ms, this.#options.holdMsMax));
    this.#window = 1;
    this.#wake(this.#until - now);
  }

  run<Body>(attempt: Attempt, next: PipeStep<Attempt, Body>): Promise<Outcome<Body>> {
    const { call } = attempt;
    const now = this.#parts.clock.now();
    if (this.#line.size === 0 && this.#mayGo(now)) return this.#go(attempt, next);
    const { queueMax, waitMsMax } = this.#options;
    const patienceMs = Math.min(waitMsMax, remainingMs(call.deadline, now) - RETRY.attemptMsMin);
    if (call.cancellation.by !== null) return refused(cutWhileWaiting(call.cancellation.by));
    if (patienceMs <= 0 || this.restMs(now) > patienceMs) return refused(this.#refusal(attempt));
    if (this.#line.size >= queueMax) {
      const victim = queueMax === 0 ? null : this.#line.victim(call.priority, false);
      if (victim === null) return refused(this.#refusal(attempt));
      victim.end(this.#refusal({ call: victim.call }));
    }
    return this.#wait(attempt, next, patienceMs);
  }

  #wait<Body>(attempt: Attempt, next: PipeStep<Attempt, Body>, patienceMs: number): Pending<Body> {
    const { call } = attempt;
    const coming = new Pending<Body>();
    const end = (refusal: Failure | null): void => {
      this.#line.leave(waiter);
      timer.cancel();
      call.cancellation.remove(cut);
      attempt.running = null;
      if (refusal !== null) coming.settle(noResponse(refusal));
      else Pending.safely((one: Attempt) => this.#go(one, next), attempt).subscribe(settle);
    };
    const settle = (outcome: Outcome<Body>): void => coming.settle(outcome);
    const waiter = new Waiter(call, end);
    const cut = (by: CutBy): void => end(cutWhileWaiting(by));
    const timer = this.#parts.clock.after(patienceMs, () => end(this.#refusal(attempt)));
    this.#line.join(waiter);
    call.cancellation.add(cut);
    // A hedge that has lost goes no further.
    attempt.running = { cut };
    return coming;
  }

  #refusal({ call }: Pick<Attempt, "call">): Failure {
    const { clock, random, refusals } = this.#parts;
    const retryAfterMs = spread(random, this.restMs(clock.now()));
    return refusals.note(call, { code: "upstream_throttled", retryAfterMs });
  }

  #mayGo(now: number): boolean {
    return this.#running < this.#window && now >= this.#until;
  }

  #go<Body>(attempt: Attempt, next: PipeStep<Attempt, Body>): Pending<Body> {
    this.#running += 1;
    return holding(next, attempt, this.#sent);
  }

  readonly #sent: Holder<Attempt> = {
    known: (_attempt, outcome) => {
      this.#running -= 1;
      const ms = askedMs(outcome);
      if (ms !== null) this.holdFor(ms);
      else if (failureOf(outcome)?.code === "received_rate_limited") this.#window = 1;
      // What brought no answer says nothing of the limit.
      else if (outcome.kind !== "no_response") this.#window += 1;
      this.#pump();
      if (this.#window > 1 && this.#isIdle) this.#end();
      return null;
    },
    over: null,
  };

  #end(): void {
    this.#timer?.cancel();
    this.#over();
  }

  #pump(): void {
    const now = this.#parts.clock.now();
    while (this.#mayGo(now)) {
      const waiter = this.#line.next(false);
      if (waiter === null) return;
      waiter.end(null);
    }
  }

  /** Then releases the waiting calls; with no further calls the limit is soon forgotten. */
  #wake(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(ms, () => {
      this.#pump();
      this.#forget(PACE.keptMs);
    });
    // Waiting calls keep the process alive by their own timers.
    this.#timer.unref();
  }

  #forget(ms: number): void {
    this.#timer = this.#parts.clock.after(ms, () => {
      if (this.#isIdle) this.#over();
      else this.#forget(ms);
    });
    this.#timer.unref();
  }

  get #isIdle(): boolean {
    return this.#running === 0 && this.#line.size === 0;
  }
}
