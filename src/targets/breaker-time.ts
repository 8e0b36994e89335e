/**
 * The times of a breaker: how long it stays open, and for how long a trial holds its place.
 * Guarantee: no timers; it is asked how long is left.
 */

import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { BREAKER } from "../catalog/defaults.js";
import type { BreakerOptions } from "../catalog/options/breaker.js";

/** What is set of it, as a breaker has it. */
export interface BreakerTimes extends Required<Pick<BreakerOptions, "openMs" | "openMsMax">> {
  /** The share of an open time that is added at random, from 0 to 1. */
  readonly openJitter: number;
  /** Trials at once in half_open. */
  readonly trialsMax: number;
  /** How long a trial may hold its place. */
  readonly trialMs: number;
}

/** All that a breaker goes by: what can be configured, and what cannot. */
export interface BreakerSettings extends Required<BreakerOptions>, BreakerTimes {}

/**
 * How long it stays open: longer each time that no connection to the target came about, where
 * others take its calls. A probe notices meanwhile when it accepts connections again. Whether one
 * that accepts them answers well is found out by calls only, so it is asked again as soon.
 */
export class GrowingTime {
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Random;
  readonly #options: BreakerTimes;
  #openings = 0;
  #openedAt = 0;
  #wasCutShort = false;
  until = 0;

  constructor(clock: Pick<Clock, "now">, random: Random, options: BreakerTimes) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  begin(givenMs: number | null, grows: boolean): number {
    if (!grows) this.#openings = 0;
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

  /** Until it is over, and this much longer. */
  leftMs(longerMs = 0): number {
    return Math.max(0, this.until + longerMs - this.#clock.now());
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

export interface Trial {
  readonly until: number;
}

const NO_TRIALS: readonly Trial[] = [];

/** The places of the trials, and how many of them went well. */
export class TrialPlaces {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: BreakerTimes;
  #taken = NO_TRIALS;
  #passed = 0;
  #latestAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">, options: BreakerTimes) {
    this.#clock = clock;
    this.#options = options;
  }

  take(): Trial {
    this.#latestAt = this.#clock.now();
    const trial = { until: this.#latestAt + this.#options.trialMs };
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

  /** Its silence has given its place to another one, which decides. */
  isReplaced({ until }: Trial): boolean {
    return until <= this.#latestAt;
  }

  /** Whether fewer than so many are taken. */
  hasPlace(most: number): boolean {
    const now = this.#clock.now();
    // A trial that hangs gives its place to the next, and counts if it goes well after all.
    this.#taken = this.#taken.filter(({ until }) => until > now);
    return this.#taken.length < most;
  }

  /** 0 when a place is free. */
  waitMs(): number {
    const now = this.#clock.now();
    if (this.hasPlace(this.#options.trialsMax)) return 0;
    const soonest = Math.min(...this.#taken.map(({ until }) => until)) - now;
    return Math.min(soonest, this.#options.openMs);
  }

  clear(): void {
    this.#taken = NO_TRIALS;
    this.#passed = 0;
  }
}
