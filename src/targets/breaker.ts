/**
 * The breaker of one target: whether it may be asked, judged by how its last exchanges went.
 *
 * opossum is the ledger (breaker-ledger.ts): it keeps the state and the window and judges the
 * failure rate. Trials, open times and what a result is worth are decided here. Classes, since
 * there is one for each target, and most are never needed: a breaker at rest costs nothing and
 * keeps no process alive.
 * Guarantee: nothing is admitted while open; a result from an earlier state never judges a later
 * one; a neutral result says nothing and gives its place back.
 */
import type { Clock } from "../base/clock.js";
import type { Permit, Verdict } from "../base/permit.js";
import type { Random } from "../base/random.js";
import { BREAKER } from "../catalog/defaults.js";
import { BreakerLedger } from "./breaker-ledger.js";

export type BreakerState = "closed" | "open" | "half_open";

/** Why a breaker went from one state to another. */
export type BreakerReason =
  | "consecutive_failures"
  | "failure_rate"
  | "ejected"
  | "silence"
  | "open_time_over"
  | "trial_failed"
  | "trials_passed";

export interface BreakerChange {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: BreakerReason;
  /** How long it stays open; 0 for the other states. */
  readonly openForMs: number;
}

export interface BreakerSnapshot {
  readonly state: BreakerState;
  readonly consecutiveFailures: number;
  /** Exchanges that counted, and failures among them, in the current window. */
  readonly counted: number;
  readonly failed: number;
  /** How long nothing will be admitted; 0 when something would be now. */
  readonly deniedForMs: number;
}

export interface Breaker {
  readonly state: BreakerState;
  /** When its last open time was over, or will be; 0 before the first. */
  readonly openUntil: number;
  /** A permit that must be settled once, or how long until the next one may be given. */
  admit(): BreakerPermit | { readonly deniedForMs: number };
  /** How long nothing will be admitted, 0 when something would be now. Takes no place. */
  deniedForMs(): number;
  /**
   * Opens it on evidence that is not in its window, or since a trial is silent; for the given time,
   * or for its own.
   */
  open(reason: "ejected" | "silence", openForMs: number | null): void;
  /** Something shows that the target may be back: the open time is over. Trials decide. */
  hasten(): void;
  /** Nobody else is left: the first open time is enough. Once, until it was closed again. */
  lastResort(): void;
  snapshot(): BreakerSnapshot;
}

export interface BreakerPermit extends Permit {
  /**
   * A good answer has begun. A trial has passed by that and gives its place to the next one,
   * however long its body streams; a body that breaks later counts as a failure all the same.
   */
  answered(): void;
}

export interface BreakerOptions {
  /** This many failures in a row open it. */
  readonly consecutiveFailures: number;
  /** So does this share of failures in the window, from 0 to 1 … */
  readonly failureRatio: number;
  /** … once at least this many exchanges counted in it. */
  readonly volumeMin: number;
  readonly windowMs: number;
  /** The first open time; it doubles each time that a trial fails, up to the longest. */
  readonly openMs: number;
  readonly openMsMax: number;
  /** The share of an open time that is added at random, from 0 to 1. */
  readonly openJitter: number;
  /** Trials at once in half_open. */
  readonly trialsMax: number;
  /** Trials that must succeed before it closes. */
  readonly trialSuccesses: number;
  /** How long a trial may hold its place. */
  readonly trialMs: number;
}

type Judgement = Exclude<Verdict, "neutral">;

export function createBreaker(
  clock: Pick<Clock, "now">,
  random: Random,
  options: BreakerOptions,
  onChange: (change: BreakerChange) => void = ignore,
): Breaker {
  return new LedgerBreaker(clock, random, options, onChange);
}

class LedgerBreaker implements Breaker {
  readonly #options: BreakerOptions;
  readonly #onChange: (change: BreakerChange) => void;
  readonly #ledger: BreakerLedger;
  readonly #trials: TrialPlaces;
  readonly #openTime: GrowingTime;
  /** Raised by every change of state; a permit knows the one that it was given in. */
  #epoch = 0;
  #consecutiveFailures = 0;

  constructor(
    clock: Pick<Clock, "now">,
    random: Random,
    options: BreakerOptions,
    onChange: (change: BreakerChange) => void,
  ) {
    this.#options = options;
    this.#onChange = onChange;
    this.#ledger = new BreakerLedger(clock, options);
    this.#trials = new TrialPlaces(clock, options);
    this.#openTime = new GrowingTime(clock, random, options);
  }

  get state(): BreakerState {
    return this.#ledger.state;
  }

  get openUntil(): number {
    return this.#openTime.until;
  }

  admit(): BreakerPermit | { readonly deniedForMs: number } {
    return this.#ledger.state === "closed"
      ? new LedgerPermit(this, this.#epoch, null)
      : this.#admitTrial();
  }

  deniedForMs(): number {
    const { state } = this.#ledger;
    if (state === "closed") return 0;
    return state === "open" ? this.#openTime.leftMs() : this.#trials.waitMs();
  }

  open(reason: "ejected" | "silence", openForMs: number | null): void {
    const { state } = this.#ledger;
    // What ejects judges the time before its trials; silence is that of the trial itself.
    if (state === "open" || (state === "half_open" && reason === "ejected")) return;
    this.#ledger.open();
    this.#changed(state, reason, openForMs);
  }

  hasten(): void {
    this.#openTime.end();
  }

  lastResort(): void {
    this.#openTime.cutShort();
  }

  snapshot(): BreakerSnapshot {
    return {
      state: this.#ledger.state,
      consecutiveFailures: this.#consecutiveFailures,
      ...this.#ledger.counts(),
      deniedForMs: this.deniedForMs(),
    };
  }

  /** A permit that was given in that epoch is settled. */
  settle(epoch: number, trial: Trial | null, verdict: Verdict): void {
    if (epoch !== this.#epoch) return;
    if (trial !== null) this.#trials.leave(trial);
    if (verdict === "neutral") return;
    if (trial === null) this.#judge(verdict);
    else this.#judgeTrial(verdict);
  }

  /** The answer of a trial has begun; whether that counted. */
  answered(epoch: number, trial: Trial): boolean {
    if (epoch !== this.#epoch) return false;
    this.settle(epoch, trial, "success");
    return true;
  }

  /** The body of a trial broke that had passed by its head; what it proved is taken back. */
  brokenLater(): void {
    const { state } = this.#ledger;
    if (state === "closed") this.#judge("failure");
    else if (state === "half_open") this.#judgeTrial("failure");
  }

  #admitTrial(): BreakerPermit | { readonly deniedForMs: number } {
    const wait = this.deniedForMs();
    if (wait > 0) return { deniedForMs: wait };
    if (this.#ledger.state === "open") {
      this.#ledger.halfOpen();
      this.#changed("open", "open_time_over", null);
    }
    return new LedgerPermit(this, this.#epoch, this.#trials.take());
  }

  #judge(verdict: Judgement): void {
    if (verdict === "success") {
      this.#consecutiveFailures = 0;
      this.#ledger.succeeded();
      return;
    }
    this.#consecutiveFailures += 1;
    this.#ledger.failed();
    if (this.#ledger.state === "open") this.#changed("closed", "failure_rate", null);
    else if (this.#consecutiveFailures >= this.#options.consecutiveFailures) {
      this.#ledger.open();
      this.#changed("closed", "consecutive_failures", null);
    }
  }

  #judgeTrial(verdict: Judgement): void {
    if (verdict === "failure") {
      this.#ledger.failed();
      this.#changed("half_open", "trial_failed", null);
    } else if (this.#trials.pass() >= this.#options.trialSuccesses) {
      this.#ledger.close();
      this.#changed("half_open", "trials_passed", null);
    }
  }

  #changed(from: BreakerState, reason: BreakerReason, givenMs: number | null): void {
    const to = this.#ledger.state;
    this.#epoch += 1;
    this.#trials.clear();
    if (to === "closed") {
      this.#consecutiveFailures = 0;
      this.#openTime.forget();
    }
    const openForMs = to === "open" ? this.#openTime.begin(givenMs) : 0;
    this.#onChange({ from, to, reason, openForMs });
  }
}

// A class, since every exchange asks for one.
class LedgerPermit implements BreakerPermit {
  private readonly breaker: LedgerBreaker;
  private readonly epoch: number;
  private readonly trial: Trial | null;
  private settled = false;
  private passed = false;

  constructor(breaker: LedgerBreaker, epoch: number, trial: Trial | null) {
    this.breaker = breaker;
    this.epoch = epoch;
    this.trial = trial;
  }

  answered(): void {
    if (this.trial === null || this.settled || this.passed) return;
    this.passed = this.breaker.answered(this.epoch, this.trial);
  }

  settle(verdict: Verdict): void {
    if (this.settled) return;
    this.settled = true;
    if (!this.passed) this.breaker.settle(this.epoch, this.trial, verdict);
    else if (verdict === "failure") this.breaker.brokenLater();
  }
}

/** How long it stays open: longer each time that it opens again. */
class GrowingTime {
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Random;
  readonly #options: BreakerOptions;
  #openings = 0;
  #openedAt = 0;
  #wasCutShort = false;
  until = 0;

  constructor(clock: Pick<Clock, "now">, random: Random, options: BreakerOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  begin(givenMs: number | null): number {
    const openForMs = givenMs ?? this.#grown();
    this.#openings += 1;
    this.#openedAt = this.#clock.now();
    this.until = this.#openedAt + openForMs;
    return openForMs;
  }

  end(): void {
    this.until = Math.min(this.until, this.#clock.now());
  }

  cutShort(): void {
    if (this.#wasCutShort || this.#clock.now() - this.#openedAt < this.#options.openMs) return;
    this.#wasCutShort = true;
    this.end();
  }

  leftMs(): number {
    return Math.max(0, this.until - this.#clock.now());
  }

  forget(): void {
    this.#openings = 0;
    this.#wasCutShort = false;
  }

  #grown(): number {
    const { openMs, openMsMax, openJitter } = this.#options;
    const ms = openMs * BREAKER.openFactor ** this.#openings;
    return Math.min(ms * (1 + openJitter * this.#random.next()), openMsMax);
  }
}

interface Trial {
  readonly until: number;
}

const NO_TRIALS: readonly Trial[] = [];

/** The places of the trials, and how many of them went well. */
class TrialPlaces {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: BreakerOptions;
  #taken = NO_TRIALS;
  #passed = 0;

  constructor(clock: Pick<Clock, "now">, options: BreakerOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  take(): Trial {
    const trial = { until: this.#clock.now() + this.#options.trialMs };
    this.#taken = [...this.#taken, trial];
    return trial;
  }

  leave(trial: Trial): void {
    this.#taken = this.#taken.filter((other) => other !== trial);
  }

  /** One went well; how many have by now. */
  pass(): number {
    this.#passed += 1;
    return this.#passed;
  }

  /** 0 when a place is free. */
  waitMs(): number {
    const now = this.#clock.now();
    // A trial that hangs, or streams for long, gives its place to the next; its result still
    // counts.
    this.#taken = this.#taken.filter(({ until }) => until > now);
    if (this.#taken.length < this.#options.trialsMax) return 0;
    const soonest = Math.min(...this.#taken.map(({ until }) => until)) - now;
    return Math.min(soonest, this.#options.openMs);
  }

  clear(): void {
    this.#taken = NO_TRIALS;
    this.#passed = 0;
  }
}

function ignore(): void {}
