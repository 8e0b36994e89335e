/**
 * Counts what the exchanges of one target come to, so that it can be compared with its peers.
 *
 * A class with plain numbers, since it is called three times for every exchange. It judges nothing
 * but its own silence: whether an answer is overdue by what its answers usually take.
 */
import type { Clock } from "../base/clock.js";
import { type RollingWindow, rollingWindow } from "../base/rolling-window.js";
import { EJECTION } from "../catalog/defaults.js";
import { FAILURES, type FailureCode, hasTrait } from "../catalog/failures.js";
import type { Lately } from "./outlier.js";
import type { Routed } from "./route-of.js";
import { Suspicion } from "./suspicion.js";

/** Is notified of what the exchanges of a target come to. */
export interface MonitorListener {
  answered(status: number, rawHeaders: readonly string[], request: Routed): void;
  /** It has failed, and no other has failed in the same way. */
  failed(): void;
}

const COUNTED = ["answers", "failures", "heads", "ms"] as const;
type CountedKind = (typeof COUNTED)[number];

/** When a target of the same upstream was heard of last; shared by all of them. */
export interface LastHeard {
  at: number;
}

/** How long a trial of one of these may wait: the slowest of them takes half as long. */
export function trialMsOf(monitors: readonly (TargetMonitor | null)[]): number {
  let usualMs = 0;
  for (const monitor of monitors) usualMs = Math.max(usualMs, monitor?.longestMs ?? 0);
  return Math.max(EJECTION.trialMs, EJECTION.silenceFactor * usualMs);
}

const IGNORING: MonitorListener = { answered: () => {}, failed: () => {} };

export class TargetMonitor {
  listener: MonitorListener = IGNORING;
  /** Gateway failures in a row. */
  failuresInRow = 0;
  /** Keeps away what cannot be repeated. */
  readonly suspicion: Suspicion;
  readonly #heard: LastHeard;
  readonly #clock: Pick<Clock, "now">;
  readonly #window: RollingWindow<CountedKind>;
  #waiting = 0;
  /** Since when nothing was heard, although something was awaited all the time. */
  #quietSince = 0;
  /** What an answer takes, and how far answers are from that, both as moving means. */
  #usualMs = 0;
  #deviationMs = 0;
  #answers = 0;
  /** When it was taken out, or came back; what was begun before says how it was before. */
  #since = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">, heard: LastHeard) {
    this.#clock = clock;
    this.#heard = heard;
    this.suspicion = new Suspicion(clock);
    this.#window = rollingWindow(clock, EJECTION.windowMs, COUNTED);
  }

  /** An exchange is about to be sent. */
  began(): void {
    if (this.#waiting === 0) this.#quietSince = this.#clock.now();
    this.#waiting += 1;
  }

  /** The head of an answer has come; by this name where it stands for a failure. */
  answered(
    startedAt: number,
    status: number,
    rawHeaders: readonly string[],
    failure: FailureCode | null,
    request: Routed,
  ): void {
    const now = this.#clock.now();
    this.#quietSince = now;
    this.#heard.at = now;
    if (startedAt >= this.#since) {
      this.#waiting -= 1;
      this.#observe(now - startedAt);
    }
    // What an application says of itself is an answer; a gateway's word is none.
    if (hasTrait(failure, "no_service")) this.suspicion.lost(startedAt);
    else this.suspicion.proved(startedAt);
    this.listener.answered(status, rawHeaders, request);
  }

  /** No answer will come. */
  unanswered(startedAt: number): void {
    if (startedAt >= this.#since) this.#waiting -= 1;
  }

  /**
   * What began then is over, body included, and says something of the target; `isOwn` is false for
   * a failure that others have as well, or that a repeat has shown already.
   */
  ended(failure: FailureCode | null, startedAt: number, isOwn = true): void {
    if (startedAt < this.#since) return;
    const failed = failure !== null;
    this.#window.add("answers");
    if (failed) this.#window.add("failures");
    // An application's own error may follow from what was asked; all else is the target's.
    if (failed && failure !== "received_server_error") {
      if (isOwn) this.failuresInRow += 1;
      // A target that was sent nothing has lost nothing, and may be tried like any other. What an
      // answer has said was known with its head.
      if (!hasTrait(failure, "no_service") && FAILURES[failure].repeat !== "safe") {
        this.suspicion.lost(startedAt);
      }
    } else if (!failed) {
      this.failuresInRow = 0;
    }
    if (failed && isOwn) this.listener.failed();
  }

  /**
   * Several exchanges wait, and nothing has been heard for longer than answers usually take, while
   * others were heard. Those are asked first, which keeps what a silent target swallows to a few.
   * When this process itself stood still, none was heard, and none is late.
   */
  get overdue(): boolean {
    if (this.#waiting < EJECTION.silentWaitingMin) return false;
    const quietMs = this.#heard.at - this.#quietSince;
    return quietMs > EJECTION.overdueMsMin && quietMs > this.longestMs;
  }

  /** The same where a single one waits: for a fleet, in which others may wait as well. */
  get late(): boolean {
    const quietMs = this.#waiting < 1 ? 0 : this.#heard.at - this.#quietSince;
    return quietMs > EJECTION.overdueMsMin && quietMs > this.longestMs;
  }

  /** What an answer takes at the most, when all is as usual; 0 while nothing is known. */
  get longestMs(): number {
    return this.#usualMs + EJECTION.silenceDeviations * this.#deviationMs;
  }

  /** Exchanges that wait for the head of an answer. */
  get waiting(): number {
    return this.#waiting;
  }

  /** How long nothing has been heard, by enough exchanges that wait; 0 otherwise. */
  silentMs(now: number): number {
    return this.#waiting < EJECTION.silentWaitingMin ? 0 : now - this.#quietSince;
  }

  /** How long nothing has been heard although something waits, be it a single trial. */
  trialMs(now: number): number {
    return this.#waiting === 0 ? 0 : now - this.#quietSince;
  }

  /** The last seconds, to compare with those of the peers. */
  lately(): Lately {
    const { answers, failures, heads, ms } = this.#window.totals();
    return { answers, failures, meanMs: heads > 0 ? ms / heads : 0 };
  }

  /**
   * It is taken out, or comes back. What was begun before says nothing from here on, though it may
   * end long after: what was swallowed by silence ends with a timeout.
   */
  forget(): void {
    this.#since = this.#clock.now();
    this.#waiting = 0;
    this.#window.clear();
    this.failuresInRow = 0;
    this.#quietSince = this.#since;
  }

  // RFC 6298 §2: a moving mean and a moving mean deviation, the first answer sets both.
  #observe(ms: number): void {
    this.#window.add("heads");
    this.#window.add("ms", ms);
    this.#answers += 1;
    if (this.#answers === 1) {
      this.#usualMs = ms;
      this.#deviationMs = ms / 2;
      return;
    }
    const off = ms - this.#usualMs;
    this.#deviationMs += EJECTION.usualDeviationGain * (Math.abs(off) - this.#deviationMs);
    this.#usualMs += EJECTION.usualGain * off;
  }
}
