/**
 * Fixes the moment by which the head of an answer must be with the client, and cuts the call there.
 *
 * Place: above the queue and the retries, since waiting and repeating are part of the promise.
 * Guarantee: one timer per call, gone when the head is up. It bounds what a call waits: while the
 * body of a request is on its way the deadline stands still, and once the head is up it is over;
 * bodies have timeouts of their own. A deadline that the caller has named is a moment, and stands.
 * An answer that already lies in the socket when a late timer fires still wins.
 * Not here: the name of the failure. The exchange that is cut knows how far it had got.
 */
import type { Clock } from "../base/clock.js";
import { OwnPatientTimer } from "../base/shared-timers.js";
import type { AcceptedCall, BoundedCall, TimeLimit } from "../core/call.js";
import { NEVER } from "../core/deadline.js";
import { type Holder, hold, refused } from "../core/pending.js";
import type { Policy } from "../core/pipe.js";

export interface TotalDeadlineOptions {
  /** From the first byte of the call; Infinity for no deadline of ours. */
  readonly totalMs: number;
}

export function totalDeadline(
  clock: Clock,
  options: TotalDeadlineOptions,
): Policy<AcceptedCall, BoundedCall> {
  return {
    role: "total_deadline",
    settings: { totalMs: options.totalMs },
    run(call, next) {
      const totalMs = call.overrides?.timeouts?.totalMs ?? options.totalMs;
      // A call goes down the pipe as soon as it has begun.
      const now = call.startedAt;
      // A deadline that the caller has sent along stands where it is the sooner one.
      const deadline = Math.min(call.callerDeadline, now + totalMs);
      call.deadline = deadline;
      const bounded = call as unknown as BoundedCall;
      if (deadline === NEVER) return next(bounded);
      if (deadline <= now) return refused({ code: "deadline_already_over" });
      new Deadline(clock, bounded).set(clock, deadline - now, now);
      return hold(next, bounded, WAITING);
    },
  };
}

const WAITING: Holder<BoundedCall> = {
  known({ timeLimit }) {
    timeLimit?.stop();
    return null;
  },
  over: null,
};

/** The timer of a call: every call makes one. */
class Deadline extends OwnPatientTimer implements TimeLimit {
  private readonly call: BoundedCall;
  private isOver = false;
  /** Attempts whose upload is on its way. */
  private uploads = 0;
  /** When the first of them began, or the last one was over. */
  private changedAt = 0;

  constructor(clock: Clock, call: BoundedCall) {
    super(clock);
    this.call = call;
    call.timeLimit = this;
  }

  stop(): void {
    this.isOver = true;
    this.cancel();
  }

  pause(now: number): void {
    this.uploads += 1;
    if (this.uploads > 1 || this.isOver) return;
    this.changedAt = now;
    this.cutAt(this.call.callerDeadline, now);
  }

  get uploadedAt(): number {
    return this.uploads > 0 ? NEVER : this.changedAt;
  }

  resume(now: number): void {
    this.uploads -= 1;
    if (this.uploads > 0 || this.isOver) return;
    const { deadline, callerDeadline } = this.call;
    this.call.deadline = Math.min(callerDeadline, deadline + now - this.changedAt);
    this.changedAt = now;
    this.cutAt(this.call.deadline, now);
  }

  private cutAt(moment: number, now: number): void {
    this.cancel();
    if (moment !== NEVER) this.set(this.clock, Math.max(0, moment - now), now);
  }

  protected over(): void {
    this.call.cancellation.cut("deadline");
  }
}
