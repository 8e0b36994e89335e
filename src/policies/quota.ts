/**
 * Keeps what is sent within a quota of the upstream's own, such as 600 requests a minute.
 *
 * Place: below retry and hedging, since each attempt counts; above target choice, since the quota
 * is the upstream's. Guarantee: nothing is sent without having been counted; who cannot be sent now
 * waits for its turn, in order, at most `queueMax` of them and each at most `queueMs` and until its
 * own deadline; the others are refused with the time after which it is worthwhile. One question at
 * a time is asked of what counts, and each waiting call leaves nothing behind.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { RETRY } from "../catalog/defaults.js";
import type { Attempt, MeteredAttempt, PacedAttempt } from "../core/attempt.js";
import type { CutBy } from "../core/cancellation.js";
import { remainingMs } from "../core/deadline.js";
import type { Failure } from "../core/failure.js";
import { noResponse, type Outcome } from "../core/outcome.js";
import { Pending, refused } from "../core/pending.js";
import type { PipeStep, Policy } from "../core/pipe.js";
import type { CallerKey } from "./caller-shares.js";
import { spread } from "./drain-rate.js";
import type { Refusals } from "./refusals.js";
import { cutWhileWaiting } from "./wait-for-recovery.js";
import { Waiter, WaitingLine } from "./waiting-line.js";

/** Counts what is sent. */
export interface QuotaCounter {
  /** Takes one; 0 where it may be sent, else the milliseconds after which to ask again. */
  take(key: string): number | Promise<number>;
}

/** What `outgoingQuota` makes. */
export interface Quota {
  /** As `describe()` shows them. */
  readonly settings: () => Readonly<Record<string, unknown>>;
  /** How many may wait, and for how long. */
  readonly queue: () => { readonly queueMax: number; readonly queueMs: number };
  /** What the upstream counts apart; null where it counts all together. */
  readonly callers: () => CallerKey | null;
  /** It is given the upstream, which is made above: see `createOverload`. */
  readonly count: (parts: never) => QuotaCounter;
}

export interface QuotaGate extends Policy<PacedAttempt, MeteredAttempt> {
  readonly waiting: number;
}

interface GateParts {
  readonly clock: Pick<Clock, "now" | "after">;
  readonly random: Random;
  readonly refusals: Refusals;
}

export function quotaGate(
  parts: GateParts,
  quota: Quota,
  count: (waiting: () => number) => QuotaCounter,
): QuotaGate {
  const turns = new Map<string, Turns>();
  const state = { ...quota.queue(), waiting: 0 };
  const counter = count(() => state.waiting);
  const callers = quota.callers();
  return {
    role: "quota",
    settings: { ...quota.settings(), ...quota.queue() },
    get waiting() {
      return state.waiting;
    },
    run<Body>(attempt: PacedAttempt, below: PipeStep<MeteredAttempt, Body>) {
      const next = below as unknown as PipeStep<Attempt, Body>;
      const key = callers?.of(attempt.call.request) ?? "";
      let own = turns.get(key);
      if (own === undefined) {
        // Forgotten as soon as no call waits: the counter alone remembers.
        own = new Turns(parts, state, counter, key, () => turns.delete(key));
        turns.set(key, own);
      }
      return own.run(attempt, next);
    },
  };
}

interface QueueState {
  readonly queueMax: number;
  readonly queueMs: number;
  waiting: number;
}

/** The calls of one key. */
class Turns {
  readonly #parts: GateParts;
  readonly #state: QueueState;
  readonly #counter: QuotaCounter;
  readonly #key: string;
  readonly #over: () => void;
  readonly #line = new WaitingLine();
  #timer: Timer | null = null;
  #asking = false;
  /** When the next one may be sent, as far as it is known. */
  #nextAt = 0;

  constructor(
    parts: GateParts,
    state: QueueState,
    counter: QuotaCounter,
    key: string,
    over: () => void,
  ) {
    this.#parts = parts;
    this.#state = state;
    this.#counter = counter;
    this.#key = key;
    this.#over = over;
  }

  run<Body>(attempt: Attempt, next: PipeStep<Attempt, Body>): Promise<Outcome<Body>> {
    const { call } = attempt;
    if (this.#line.size === 0 && !this.#asking) {
      const asked = this.#counter.take(this.#key);
      if (asked === 0) {
        this.#over();
        return next(attempt);
      }
      this.#asked(asked);
    }
    const now = this.#parts.clock.now();
    const { queueMax, queueMs } = this.#state;
    const patienceMs = Math.min(queueMs, remainingMs(call.deadline, now) - RETRY.attemptMsMin);
    if (call.cancellation.by !== null) return this.#refused(cutWhileWaiting(call.cancellation.by));
    if (patienceMs <= 0 || this.#restMs(now) > patienceMs) {
      return this.#refused(this.#refusal(attempt));
    }
    // The one for whom it is asked waits for the answer, and for no other call.
    const isFirst = this.#asking && this.#line.size === 0;
    if (this.#state.waiting >= queueMax && !isFirst) {
      const victim = queueMax === 0 ? null : this.#line.victim(call.priority, false);
      if (victim === null) return this.#refused(this.#refusal(attempt));
      victim.end(this.#refusal({ call: victim.call }));
    }
    return this.#wait(attempt, next, patienceMs);
  }

  #wait<Body>(attempt: Attempt, next: PipeStep<Attempt, Body>, patienceMs: number): Pending<Body> {
    const { call } = attempt;
    const coming = new Pending<Body>();
    const end = (refusal: Failure | null): void => {
      this.#line.leave(waiter);
      this.#state.waiting -= 1;
      timer.cancel();
      call.cancellation.remove(cut);
      attempt.running = null;
      if (refusal !== null) coming.settle(noResponse(refusal));
      else Pending.safely(next, attempt).subscribe(settle);
      this.#rest();
    };
    const settle = (outcome: Outcome<Body>): void => coming.settle(outcome);
    const waiter = new Waiter(call, end);
    const cut = (by: CutBy): void => end(cutWhileWaiting(by));
    const timer = this.#parts.clock.after(patienceMs, () => end(this.#refusal(attempt)));
    this.#line.join(waiter);
    this.#state.waiting += 1;
    call.cancellation.add(cut);
    // A hedge that has lost goes no further.
    attempt.running = { cut };
    return coming;
  }

  /** Waits for the answer, or until it is worthwhile to ask again. */
  #asked(asked: number | Promise<number>): void {
    if (typeof asked === "number") {
      this.#later(asked);
      return;
    }
    this.#asking = true;
    void asked.then((ms) => {
      this.#asking = false;
      if (ms > 0) this.#later(ms);
      else {
        // What was granted to a call that has left is not used.
        this.#line.next(false)?.end(null);
        this.#pump();
      }
    });
  }

  #later(ms: number): void {
    this.#nextAt = this.#parts.clock.now() + ms;
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(ms, () => {
      this.#timer = null;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#line.size > 0 && !this.#asking) {
      const asked = this.#counter.take(this.#key);
      if (asked !== 0) {
        this.#asked(asked);
        return;
      }
      this.#line.next(false)?.end(null);
    }
    this.#rest();
  }

  /** Without a waiting call there is nothing to wait for. */
  #rest(): void {
    if (this.#line.size > 0 || this.#asking) return;
    this.#timer?.cancel();
    this.#timer = null;
    this.#over();
  }

  #refused<Body>(failure: Failure): Pending<Body> {
    this.#rest();
    return refused(failure);
  }

  #restMs(now: number): number {
    return remainingMs(this.#nextAt, now);
  }

  #refusal({ call }: Pick<Attempt, "call">): Failure {
    const { clock, random, refusals } = this.#parts;
    const retryAfterMs = spread(random, this.#restMs(clock.now()));
    return refusals.note(call, { code: "upstream_throttled", retryAfterMs });
  }
}
