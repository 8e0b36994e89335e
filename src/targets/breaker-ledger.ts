/**
 * What opossum does for a breaker, and nothing else of it: it keeps the state and the window, and
 * judges the failure rate. It never wraps an exchange and sees verdicts only. Failures that may be
 * the fault of what was asked are counted as what it calls rejects, by which it does not judge.
 *
 * A success is an addition in its window, a failure is fired. Time is ours: the window turns when
 * our clock says so, and opossum's own timers are never started, so a ledger at rest costs nothing
 * and keeps no process alive. opossum is made with the first failure only: until then a ledger is
 * closed, whatever its successes are, and they are kept here and handed over to it.
 */

import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import type { Clock } from "../base/clock.js";
import { BREAKER } from "../catalog/defaults.js";
import type { BreakerOptions } from "../catalog/options/breaker.js";

type LedgerOptions = Required<Pick<BreakerOptions, "failureRatio" | "volumeMin" | "windowMs">>;

/** The window forgets one of these at a time. */
const SLICES = BREAKER.windowBuckets;

/** The part of a bucket of opossum's window that is changed here. */
interface Bucket {
  fires: number;
  successes: number;
  rejects: number;
}

/** opossum, and what turns its window. */
interface Circuit {
  readonly breaker: CircuitBreaker;
  readonly turner: EventEmitter;
}

const FAILED = new Error("the exchange failed");

export class BreakerLedger {
  readonly #clock: Pick<Clock, "now">;
  readonly #options: LedgerOptions;
  readonly #sliceMs: number;
  #circuit: Circuit | null = null;
  /** What a success is added to; null before the first one. */
  #bucket: Bucket | null = null;
  /** Successes from before there is a circuit, the newest slice first. */
  #before: Bucket[] = [];
  #slice = 0;

  constructor(clock: Pick<Clock, "now">, options: LedgerOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#sliceMs = options.windowMs / SLICES;
  }

  get state(): "closed" | "open" | "half_open" {
    if (this.#circuit === null || this.#circuit.breaker.closed) return "closed";
    return this.#circuit.breaker.halfOpen ? "half_open" : "open";
  }

  succeeded(at = this.#clock.now()): void {
    this.#turn(at);
    // Firing a success takes opossum some microseconds and a promise; its result is these two.
    const bucket = this.#bucket ?? this.#firstBucket();
    bucket.fires += 1;
    bucket.successes += 1;
  }

  /** A failure that the rate is not judged by. */
  doubted(): void {
    this.#turn();
    this.#made();
    const bucket = this.#bucket as Bucket;
    bucket.fires += 1;
    bucket.rejects += 1;
  }

  failed(): void {
    this.#turn();
    // The action throws, so opossum counts and judges before it returns; its promise adds
    // nothing.
    this.#made().fire().catch(ignore);
  }

  open(): void {
    this.#turn();
    this.#made().open();
  }

  close(): void {
    this.#circuit?.breaker.close();
  }

  /** Trials may begin, with an empty window. */
  halfOpen(): void {
    // opossum goes there by a timer only; one that starts there has an empty window, too.
    this.#before = [];
    this.#make({ enabled: true, closed: false, halfOpen: true });
  }

  counts(): { readonly counted: number; readonly failed: number } {
    this.#turn();
    if (this.#circuit !== null) {
      const { fires, failures, rejects } = this.#circuit.breaker.stats;
      return { counted: fires, failed: failures + rejects };
    }
    return { counted: this.#before.reduce((sum, { fires }) => sum + fires, 0), failed: 0 };
  }

  #firstBucket(): Bucket {
    const bucket = emptyBucket();
    this.#before = [bucket];
    this.#bucket = bucket;
    this.#slice = this.#sliceOf(this.#clock.now());
    return bucket;
  }

  #sliceOf(moment: number): number {
    return Math.floor(moment / this.#sliceMs);
  }

  #turn(moment = this.#clock.now()): void {
    if (this.#bucket === null) return;
    const now = this.#sliceOf(moment);
    // A reading that was handed over may be a moment old.
    if (now <= this.#slice) return;
    for (let step = Math.min(now - this.#slice, SLICES); step > 0; step -= 1) {
      if (this.#circuit !== null) this.#circuit.turner.emit("rotate");
      else if (this.#before.unshift(emptyBucket()) > SLICES) this.#before.pop();
    }
    this.#slice = now;
    this.#bucket =
      this.#circuit === null ? (this.#before[0] ?? null) : newest(this.#circuit.breaker);
  }

  #made(): CircuitBreaker {
    return this.#circuit?.breaker ?? this.#make();
  }

  #make(state?: CircuitState): CircuitBreaker {
    this.#slice = this.#sliceOf(this.#clock.now());
    const turner = new EventEmitter();
    // opossum keeps and changes the options that it is given; these are its own.
    const breaker = new CircuitBreaker(report, {
      ...ledgerOptions(this.#options, turner),
      ...(state === undefined ? {} : { state }),
    });
    // Its first listener for this event starts a timer on the real clock; when to try again is
    // ours.
    breaker.removeAllListeners("open");
    const { window } = breaker.status;
    for (const [index, bucket] of this.#before.entries())
      Object.assign(window[index] ?? {}, bucket);
    this.#before = [];
    this.#bucket = window[0] ?? null;
    this.#circuit = { breaker, turner };
    return breaker;
  }
}

interface CircuitState {
  readonly enabled: boolean;
  readonly closed: boolean;
  readonly halfOpen: boolean;
}

function newest({ status }: CircuitBreaker): Bucket | null {
  return status.window[0] ?? null;
}

function emptyBucket(): Bucket {
  return { fires: 0, successes: 0, rejects: 0 };
}

function ledgerOptions(options: LedgerOptions, turner: EventEmitter) {
  return {
    name: "target",
    timeout: false as const,
    // opossum opens above its threshold, we promise to open at it; less than one part in a billion.
    errorThresholdPercentage: options.failureRatio * 100 - 1e-7,
    // opossum takes whatever is no integer for 0, so that the first failure would open it.
    volumeThreshold: Math.min(Math.ceil(options.volumeMin), Number.MAX_SAFE_INTEGER),
    rollingCountTimeout: options.windowMs,
    rollingCountBuckets: SLICES,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    rotateBucketController: turner,
  };
}

function report(): never {
  throw FAILED;
}

function ignore(): void {}
