/**
 * The breaker of one target: whether it may be asked, judged by how its last exchanges went.
 *
 * opossum is the ledger. It keeps the state and the window and judges the failure rate; it never
 * wraps an exchange and sees verdicts only. A success is an addition in its window, a failure is
 * fired. Time is ours: its window turns when ours says so, and its own timers are never started, so
 * a breaker at rest costs nothing and keeps no process alive.
 * Guarantee: nothing is admitted while open; a result from an earlier state never judges a later
 * one; a neutral result says nothing and gives its place back.
 */
import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import type { Clock } from "../base/clock.js";
import type { Permit, Verdict } from "../base/permit.js";
import type { Random } from "../base/random.js";
import { BREAKER } from "../catalog/defaults.js";

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
  admit(): Permit | { readonly deniedForMs: number };
  /** How long nothing will be admitted, 0 when something would be now. Takes no place. */
  deniedForMs(): number;
  /** Opens it on evidence that is not in its window; for the given time, or for its own. */
  open(reason: "ejected" | "silence", openForMs: number | null): void;
  /** Something shows that the target may be back: the open time is over. Trials decide. */
  hasten(): void;
  /** Nobody else is left: the first open time is enough. Once, until it was closed again. */
  lastResort(): void;
  snapshot(): BreakerSnapshot;
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

export function createBreaker(
  clock: Pick<Clock, "now">,
  random: Random,
  options: BreakerOptions,
  onChange: (change: BreakerChange) => void = ignore,
): Breaker {
  const states = createStates(clock, random, options, onChange);

  const permit = (trial: Trial | null): Permit => {
    const epoch = states.epoch();
    let settled = false;
    return {
      settle(verdict) {
        if (settled) return;
        settled = true;
        if (epoch !== states.epoch()) return;
        if (trial !== null) states.trials.leave(trial);
        if (verdict === "neutral") return;
        if (trial === null) states.judge(verdict);
        else states.judgeTrial(verdict);
      },
    };
  };

  const admitTrial = (): Permit | { readonly deniedForMs: number } => {
    const wait = states.deniedForMs();
    if (wait > 0) return { deniedForMs: wait };
    if (states.current() === "open") states.halfOpen();
    return permit(states.trials.take());
  };

  return {
    get state() {
      return states.current();
    },
    get openUntil() {
      return states.openTime.until();
    },
    admit: () => (states.current() === "closed" ? permit(null) : admitTrial()),
    deniedForMs: () => states.deniedForMs(),
    open: (reason, openForMs) => states.open(reason, openForMs),
    hasten: () => states.openTime.end(),
    lastResort: () => states.openTime.cutShort(),
    snapshot: () => ({
      state: states.current(),
      ...states.counts(),
      deniedForMs: states.deniedForMs(),
    }),
  };
}

/** The three states, and what leads from one to another. */
function createStates(
  clock: Pick<Clock, "now">,
  random: Random,
  options: BreakerOptions,
  onChange: (change: BreakerChange) => void,
) {
  let ledger = createLedger(clock, options, "closed");
  const trials = trialPlaces(clock, options);
  const openTime = growingTime(clock, random, options);
  // The epoch is raised by every change of state; a permit knows the one that it was given in.
  const memory = { epoch: 0, consecutiveFailures: 0 };

  const changed = (from: BreakerState, reason: BreakerReason, givenMs: number | null): void => {
    const to = ledger.state;
    memory.epoch += 1;
    trials.clear();
    if (to === "closed") {
      memory.consecutiveFailures = 0;
      openTime.forget();
    }
    onChange({ from, to, reason, openForMs: to === "open" ? openTime.begin(givenMs) : 0 });
  };

  return {
    trials,
    openTime,
    current: () => ledger.state,
    epoch: () => memory.epoch,
    judge(verdict: Exclude<Verdict, "neutral">): void {
      if (verdict === "success") {
        memory.consecutiveFailures = 0;
        ledger.succeeded();
        return;
      }
      memory.consecutiveFailures += 1;
      ledger.failed();
      if (ledger.state === "open") changed("closed", "failure_rate", null);
      else if (memory.consecutiveFailures >= options.consecutiveFailures) {
        ledger.open();
        changed("closed", "consecutive_failures", null);
      }
    },
    judgeTrial(verdict: Exclude<Verdict, "neutral">): void {
      if (verdict === "failure") {
        ledger.failed();
        changed("half_open", "trial_failed", null);
      } else if (trials.passed() >= options.trialSuccesses) {
        ledger.close();
        changed("half_open", "trials_passed", null);
      }
    },
    halfOpen(): void {
      // opossum goes there by a timer only; a ledger that starts there has an empty window, too.
      ledger = createLedger(clock, options, "half_open");
      changed("open", "open_time_over", null);
    },
    open(reason: "ejected" | "silence", openForMs: number | null): void {
      if (ledger.state !== "closed") return;
      ledger.open();
      changed("closed", reason, openForMs);
    },
    deniedForMs(): number {
      const { state } = ledger;
      if (state === "closed") return 0;
      return state === "open" ? openTime.leftMs() : trials.waitMs();
    },
    counts: () => ({ consecutiveFailures: memory.consecutiveFailures, ...ledger.counts() }),
  };
}

/** How long it stays open: longer each time that it opens again. */
function growingTime(clock: Pick<Clock, "now">, random: Random, options: BreakerOptions) {
  let openings = 0;
  let openedAt = 0;
  let until = 0;
  let wasCutShort = false;
  const grown = (): number => {
    const ms = options.openMs * BREAKER.openFactor ** openings;
    return Math.min(ms * (1 + options.openJitter * random.next()), options.openMsMax);
  };
  return {
    begin(givenMs: number | null): number {
      const openForMs = givenMs ?? grown();
      openings += 1;
      openedAt = clock.now();
      until = openedAt + openForMs;
      return openForMs;
    },
    end(): void {
      until = Math.min(until, clock.now());
    },
    cutShort(): void {
      if (wasCutShort || clock.now() - openedAt < options.openMs) return;
      wasCutShort = true;
      until = Math.min(until, clock.now());
    },
    until: () => until,
    leftMs: () => Math.max(0, until - clock.now()),
    forget() {
      openings = 0;
      wasCutShort = false;
    },
  };
}

interface Trial {
  readonly until: number;
}

/** The places of the trials, and how many of them went well. */
function trialPlaces(clock: Pick<Clock, "now">, options: BreakerOptions) {
  let taken: readonly Trial[] = [];
  let passed = 0;
  return {
    take(): Trial {
      const trial = { until: clock.now() + options.trialMs };
      taken = [...taken, trial];
      return trial;
    },
    leave(trial: Trial): void {
      taken = taken.filter((other) => other !== trial);
    },
    passed(): number {
      passed += 1;
      return passed;
    },
    /** 0 when a place is free. */
    waitMs(): number {
      const now = clock.now();
      // A trial that hangs, or streams for long, gives its place to the next; its result still
      // counts.
      taken = taken.filter(({ until }) => until > now);
      if (taken.length < options.trialsMax) return 0;
      const soonest = Math.min(...taken.map(({ until }) => until)) - now;
      return Math.min(soonest, options.openMs);
    },
    clear(): void {
      taken = [];
      passed = 0;
    },
  };
}

/** The window forgets one of these at a time. */
const SLICES = BREAKER.windowBuckets;

/** What opossum does for us, and nothing else of it. */
interface Ledger {
  readonly state: BreakerState;
  succeeded(): void;
  failed(): void;
  open(): void;
  close(): void;
  counts(): { readonly counted: number; readonly failed: number };
}

const FAILED = new Error("the exchange failed");

function createLedger(
  clock: Pick<Clock, "now">,
  options: BreakerOptions,
  start: "closed" | "half_open",
): Ledger {
  const turner = new EventEmitter();
  // opossum keeps and changes the options that it is given; these are its own.
  const circuit = new CircuitBreaker(report, {
    ...ledgerOptions(options, turner),
    ...(start === "half_open" ? { state: { enabled: true, closed: false, halfOpen: true } } : {}),
  });
  // Its first listener for this event starts a timer on the real clock; when to try again is ours.
  circuit.removeAllListeners("open");
  const sliceMs = options.windowMs / SLICES;
  let slice = Math.floor(clock.now() / sliceMs);
  let bucket = circuit.status.window[0];

  const turn = (): void => {
    const current = Math.floor(clock.now() / sliceMs);
    if (current === slice) return;
    for (let step = Math.min(current - slice, SLICES); step > 0; step -= 1) turner.emit("rotate");
    slice = current;
    bucket = circuit.status.window[0];
  };

  return {
    get state() {
      if (circuit.closed) return "closed";
      return circuit.halfOpen ? "half_open" : "open";
    },
    succeeded() {
      turn();
      // Firing a success takes opossum some microseconds and a promise; its result is these two.
      if (bucket === undefined) return;
      bucket.fires += 1;
      bucket.successes += 1;
    },
    failed() {
      turn();
      // The action throws, so opossum counts and judges before it returns; its promise tells no
      // more.
      circuit.fire().catch(ignore);
    },
    open: () => circuit.open(),
    close: () => circuit.close(),
    counts() {
      turn();
      const { fires, failures } = circuit.stats;
      return { counted: fires, failed: failures };
    },
  };
}

function ledgerOptions(options: BreakerOptions, turner: EventEmitter) {
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
