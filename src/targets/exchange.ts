/**
 * An exchange: an attempt that has a target; what a transport performs.
 *
 * It is the meeting place of the policies below target choice and the transport. The transport
 * enters phases and reports progress; the attempt timeout watches and cuts; the first to cut is
 * noted before anything is torn down. `end` gives everything back and is called exactly once, when
 * the body of the answer is over or there will be none.
 */
import type { Clock, Timer } from "../base/clock.js";
import { invariant } from "../base/invariant.js";
import type { Phase } from "../catalog/failures.js";
import type { Attempt } from "../core/attempt.js";
import type { AttemptRecord, Call } from "../core/call.js";
import { Cancellation } from "../core/cancellation.js";
import type { GatewayRequest } from "../core/request.js";
import { Timeline } from "../core/timeline.js";
import type { BreakerPermit } from "./breaker.js";
import type { Target } from "./target.js";
import type { TargetMonitor } from "./target-monitor.js";

/** Someone who watches an exchange go through its phases. */
export interface ExchangeWatch {
  /** A phase began. */
  phase(phase: Phase, now: number): void;
  /** A part of a body moved, either way. */
  progress(): void;
  /** The client takes no more of the answer, or takes it again. */
  clientBehind(isBehind: boolean): void;
  /** The exchange is over, body included. */
  ended(): void;
}

/** How long the head of an answer is waited for, if that is less than what it may take. */
export interface Impatience {
  readonly ms: number;
  /** It is the connection that is doubted, and not the target. */
  readonly stale: boolean;
}

export class Exchange {
  readonly attempt: Attempt;
  readonly call: Call;
  readonly request: GatewayRequest;
  readonly target: Target;
  readonly timeline: Timeline;
  readonly cancellation = new Cancellation();
  watch: ExchangeWatch | null = null;
  /** What its breaker is owed a verdict for; null where there is no breaker. */
  permit: BreakerPermit | null = null;
  /** Who compares the target with its peers; null where it has none. */
  monitor: TargetMonitor | null = null;
  /** What its head came to, once that is known. */
  record: AttemptRecord | null = null;
  /** Set where another attempt does better than to wait for this one. */
  impatience: Impatience | null = null;
  private readonly clock: Clock;
  private ended = false;

  constructor(clock: Clock, attempt: Attempt, target: Target) {
    this.clock = clock;
    this.attempt = attempt;
    this.call = attempt.call;
    this.request = attempt.call.request;
    this.target = target;
    this.timeline = new Timeline(clock.now());
    attempt.running = this.cancellation;
    attempt.call.cancellation.add(this.cancellation);
  }

  /** The transport reached a phase. */
  /** Calls a function later, by the clock of the exchange. */
  after(ms: number, fn: () => void): Timer {
    return this.clock.after(ms, fn);
  }

  enter(phase: Phase, now = this.clock.now()): void {
    this.timeline.enter(phase, now);
    this.watch?.phase(phase, now);
  }

  /** The protocol was switched. */
  switched(): void {
    this.timeline.tunnel = "open";
  }

  /** One side of the tunnel has ended; the other is expected to. */
  halfClosed(): void {
    if (this.ended || this.timeline.tunnel === "closing") return;
    this.timeline.tunnel = "closing";
    this.watch?.phase("receive", this.clock.now());
  }

  /** The transport moved a part of a body. */
  progress(): void {
    this.watch?.progress();
  }

  /** The client takes no more of the answer, or takes it again. */
  clientBehind(isBehind: boolean): void {
    // What is over keeps no upstream waiting; its door sees to the rest.
    if (this.ended || this.timeline.clientBlocked === isBehind) return;
    this.timeline.clientBlocked = isBehind;
    this.watch?.clientBehind(isBehind);
  }

  /** Everything is over, body included. */
  end(): void {
    if (this.ended) invariant(false, "an exchange ends once");
    this.ended = true;
    this.timeline.endAt = this.clock.now();
    this.call.cancellation.remove(this.cancellation);
    this.watch?.ended();
  }
}

declare const stage: unique symbol;
type ExchangeStage<Name extends string> = { readonly [stage]: Name };

/** An exchange that the breaker of its target let through. */
export type GuardedExchange = Exchange & ExchangeStage<"guarded">;
/** An exchange with its timeouts running. */
export type TimedExchange = Exchange & ExchangeStage<"timed">;
/** An exchange that is being recorded; what a transport takes. */
export type RecordedExchange = Exchange & ExchangeStage<"recorded">;
