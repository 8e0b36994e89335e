/**
 * Permits of a breaker: each is settled once, with how the exchange went.
 * Not here: what that says of the target (breaker.ts).
 */
import type { ExchangeVerdict, Permit } from "../base/permit.js";
import type { Trial } from "./breaker-time.js";
import type { Routed } from "./route-ledger.js";

export interface Denied {
  readonly deniedForMs: number;
  /** What is refused, where it is one route only. */
  readonly route?: string;
}

export interface BreakerPermit extends Permit {
  /**
   * A good answer has begun, which clears the target of what may have been the fault of what was
   * asked. A trial has passed by that and gives its place to the next one, however long its body
   * streams; a body that breaks later counts as a failure all the same. `tookMs` matters where slow
   * answers count, and with it what was asked; it is negative for one that is not judged by it.
   */
  answered(at: number, tookMs?: number, request?: Routed): void;
  /**
   * How it went, and when if that was just read; a failure that does not name the target comes with
   * what was asked. Whether it counts against the target.
   */
  settle(verdict: ExchangeVerdict, doubt?: Doubt, at?: number): boolean;
}

/** A failure that may be the fault of what was asked. */
export interface Doubt {
  readonly request: Routed;
  /** An earlier attempt of the same call was here, too: one call is one witness. */
  readonly repeated: boolean;
  /** It kept its caller waiting. */
  readonly isSlow?: boolean;
  /** It is repeated at another target. */
  readonly isHarmless?: boolean;
  /** Its head was good, and its body broke. */
  readonly isBroken?: boolean;
}

/** Who judges what a permit comes to. */
interface Judge {
  /** A good answer has begun after this time; whether that opened it. */
  slowed(epoch: number, trial: Trial | null, tookMs: number, request: Routed): boolean;
  /** A good answer has begun at this moment. */
  good(epoch: number, at: number): void;
  /** The answer of a trial has begun; whether that counted. */
  answered(epoch: number, trial: Trial): boolean;
  /** It is over; whether that speaks against the target. */
  settle(
    epoch: number,
    trial: Trial | null,
    verdict: ExchangeVerdict,
    doubt?: Doubt,
    at?: number,
  ): boolean;
  /** The body broke of a trial that had passed by its head. */
  brokenLater(doubt?: Doubt): boolean;
}

const NOTHING: Routed = { method: "", path: "" };

// A class, since every exchange asks for one.
export class LedgerPermit implements BreakerPermit {
  private readonly breaker: Judge;
  private readonly epoch: number;
  private readonly trial: Trial | null;
  private settled = false;
  private passed = false;

  constructor(breaker: Judge, epoch: number, trial: Trial | null) {
    this.breaker = breaker;
    this.epoch = epoch;
    this.trial = trial;
  }

  answered(at: number, tookMs = -1, request = NOTHING): void {
    if (this.settled) return;
    if (tookMs >= 0 && this.breaker.slowed(this.epoch, this.trial, tookMs, request)) return;
    this.breaker.good(this.epoch, at);
    if (this.trial === null || this.passed) return;
    this.passed = this.breaker.answered(this.epoch, this.trial);
  }

  settle(verdict: ExchangeVerdict, doubt?: Doubt, at?: number): boolean {
    if (this.settled) return false;
    this.settled = true;
    if (!this.passed) return this.breaker.settle(this.epoch, this.trial, verdict, doubt, at);
    return verdict === "failure" && this.breaker.brokenLater(doubt);
  }
}
