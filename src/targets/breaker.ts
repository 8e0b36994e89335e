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
import type { ExchangeVerdict } from "../base/permit.js";
import type { Random } from "../base/random.js";
import { EVIDENCE } from "../catalog/defaults.js";
import type {
  BreakerChange,
  BreakerReason,
  BreakerSnapshot,
  BreakerState,
} from "./breaker-change.js";
import { BreakerLedger } from "./breaker-ledger.js";
import { type BreakerPermit, type Denied, type Doubt, LedgerPermit } from "./breaker-permit.js";
import { type BreakerSettings, GrowingTime, type Trial, TrialPlaces } from "./breaker-time.js";
import { GoodAnswers } from "./good-answers.js";
import { type Jury, NO_JURY } from "./jury.js";
import { keyOf, type Routed, RouteLedger } from "./route-ledger.js";
import { type RouteRule, ruleFor } from "./route-rules.js";
import { SlowCalls } from "./slow-calls.js";

export type {
  BreakerChange,
  BreakerPermit,
  BreakerReason,
  BreakerSettings,
  BreakerSnapshot,
  BreakerState,
  Denied,
  Doubt,
  Jury,
};

export interface Breaker {
  readonly state: BreakerState;
  /** It is not closed, by failures that may be the fault of what was asked: others find out. */
  readonly inDoubt: boolean;
  /** When its last open time was over, or will be; 0 before the first. */
  readonly openUntil: number;
  /** When a good answer began last; -1 before the first. */
  readonly goodAt: number;
  /** Routes that fail here; null while none does. */
  readonly suspects: RouteLedger | null;
  /** Which answers are slow, and what the application says of failures. */
  readonly judged: Pick<BreakerSettings, "slowCallMs" | "counts">;
  /** Knows what the other targets do; it is not asked where there are none. */
  jury: Jury;
  /** What holds for some routes; none unless they are given. */
  rules: readonly RouteRule[];
  /** The name of the route that a request belongs to, as failures report it. */
  routeOf(request: Routed): string;
  /**
   * A permit that must be settled once, or how long until the next one may be given. `at` is this
   * moment, where that is known.
   */
  admit(request?: Routed, at?: number): BreakerPermit | Denied;
  /**
   * How long nothing will be admitted, 0 when something would be now. Takes no place. Without a
   * request: how long not everything will be.
   */
  deniedForMs(request?: Routed): number;
  /**
   * Opens it for the given time, or for its own, for a reason that is not in its window.
   */
  open(reason: OpenReason, openForMs: number | null): void;
  /** Closes it at once, and forgets the failures, those of routes too. */
  close(): void;
  /** Something shows that the target may be back: the open time is over. Trials decide. */
  hasten(): void;
  /** No other target is left: the first open time is enough. Once, until it was closed again. */
  lastResort(): void;
  snapshot(): BreakerSnapshot;
}

/** What opens it that is not in its window. */
type OpenReason = "ejected" | "silence" | "by_hand" | "restored";
type Judgement = Exclude<ExchangeVerdict, "neutral">;

export function createBreaker(
  clock: Pick<Clock, "now">,
  random: Random,
  options: BreakerSettings,
  onChange: (change: BreakerChange) => void = () => {},
): Breaker {
  return new LedgerBreaker(clock, random, options, onChange);
}

class LedgerBreaker implements Breaker {
  suspects: RouteLedger | null = null;
  jury: Jury = NO_JURY;
  rules: readonly RouteRule[] = [];
  readonly #clock: Pick<Clock, "now">;
  readonly #options: BreakerSettings;
  readonly #onChange: (change: BreakerChange) => void;
  readonly #ledger: BreakerLedger;
  readonly #trials: TrialPlaces;
  readonly #openTime: GrowingTime;
  /** Raised by every change of state; a permit knows the one that it was given in. */
  #epoch = 0;
  /** Failures since something went well to its end, and how many of them name the target. */
  #consecutiveFailures = 0;
  #named = 0;
  /** The others, since a good answer began; and those of them that are no peer's as well. */
  #doubts = 0;
  #ownDoubts = 0;
  inDoubt = false;
  #witnessesFailed = 0;
  readonly #good = new GoodAnswers();
  readonly #slow: SlowCalls | null;

  constructor(
    clock: Pick<Clock, "now">,
    random: Random,
    options: BreakerSettings,
    onChange: (change: BreakerChange) => void,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.#onChange = onChange;
    this.#ledger = new BreakerLedger(clock, options);
    this.#trials = new TrialPlaces(clock, options);
    this.#slow = options.slowCallMs === Infinity ? null : new SlowCalls(clock, options);
    this.#openTime = new GrowingTime(clock, random, options);
  }

  get state(): BreakerState {
    return this.#ledger.state;
  }

  get judged(): Breaker["judged"] {
    return this.#options;
  }

  get openUntil(): number {
    return this.#openTime.until;
  }

  get goodAt(): number {
    return this.#good.at;
  }

  admit(request?: Routed, at?: number): BreakerPermit | Denied {
    if (this.#ledger.state !== "closed") return this.#admitTrial(request);
    if (this.suspects !== null && request !== undefined) {
      const deniedForMs = this.suspects.refusedForMs(request);
      if (deniedForMs > 0) return { deniedForMs, route: this.routeOf(request) };
      this.suspects.tried(request);
    }
    this.#good.asked(at ?? this.#clock.now());
    return new LedgerPermit(this, this.#epoch, null);
  }

  deniedForMs(request?: Routed): number {
    const { state } = this.#ledger;
    if (state === "closed") {
      return request === undefined ? 0 : (this.suspects?.refusedForMs(request) ?? 0);
    }
    const own = state === "open" ? this.#openTime.leftMs() : this.#trials.waitMs();
    const ms = Math.max(own, this.jury.courtesyMs());
    if (!this.inDoubt || request === undefined) return ms;
    if (this.suspects?.suspects(request) !== true) return this.#witnessMs(ms);
    // Calls of other routes have the first trials.
    return Math.max(ms, this.#openTime.leftMs(EVIDENCE.graceMs));
  }

  open(reason: OpenReason, openForMs: number | null): void {
    const { state } = this.#ledger;
    // What ejects judges the time before its trials; silence is that of the trial itself.
    if (state === "open" || (state === "half_open" && reason === "ejected")) return;
    const isJudged = reason === "ejected" || reason === "silence";
    this.#open(reason, isJudged && this.#named === 0, openForMs);
  }

  close(): void {
    const from = this.#ledger.state;
    this.suspects = null;
    this.#ledger.close();
    this.#changed(from, "by_hand", null);
  }

  hasten(): void {
    this.#openTime.end();
  }

  lastResort(): void {
    this.#openTime.cutShort();
  }

  routeOf(request: Routed): string {
    return keyOf(request, this.rules);
  }

  snapshot(): BreakerSnapshot {
    return {
      state: this.#ledger.state,
      consecutiveFailures: this.#consecutiveFailures,
      ...this.#ledger.counts(),
      slow: this.#slow?.slow ?? 0,
      deniedForMs: this.deniedForMs(),
      inDoubt: this.inDoubt,
      routes: this.suspects?.list() ?? [],
    };
  }

  /** A permit that was given in that epoch is settled; whether it speaks against the target. */
  settle(
    from: number,
    trial: Trial | null,
    verdict: ExchangeVerdict,
    doubt?: Doubt,
    at?: number,
  ): boolean {
    if (from !== this.#epoch) return verdict === "failure";
    this.#good.settled();
    if (trial !== null) this.#trials.leave(trial);
    if (verdict === "neutral") return false;
    if (verdict === "failure" && trial !== null && this.#trials.isReplaced(trial)) return true;
    if (verdict === "failure" && doubt !== undefined) return this.#doubt(trial, doubt);
    if (trial !== null) this.#judgeTrial(verdict);
    else if (verdict === "failure") this.#fail(true);
    else {
      this.#consecutiveFailures = 0;
      this.#named = 0;
      this.#ledger.succeeded(at);
    }
    return verdict === "failure";
  }

  /** A good answer has begun at this moment. */
  good(epoch: number, at: number): void {
    if (epoch !== this.#epoch) return;
    this.#good.began(at);
    if (this.#doubts > 0) this.#acquit();
  }

  /** A good answer has begun after this time; whether that opened it. */
  slowed(epoch: number, trial: Trial | null, tookMs: number, request: Routed): boolean {
    if (this.#slow === null || epoch !== this.#epoch) return false;
    const isSlow = this.#slow.add(tookMs, trial === null ? this.routeOf(request) : null);
    if (isSlow) this.#open("slow_calls", false, null);
    return isSlow;
  }

  /** The answer of a trial has begun; whether that counted. */
  answered(epoch: number, trial: Trial): boolean {
    if (epoch !== this.#epoch) return false;
    this.settle(epoch, trial, "success");
    return true;
  }

  /** The body of a trial broke that had passed by its head; what it proved is taken back. */
  brokenLater(doubt?: Doubt): boolean {
    const { state } = this.#ledger;
    if (state === "open") return false;
    if (doubt !== undefined) return this.#doubt(state === "closed" ? null : NO_PLACE, doubt);
    if (state === "closed") this.#fail(true);
    else this.#judgeTrial("failure");
    return true;
  }

  #admitTrial(request?: Routed): BreakerPermit | Denied {
    const wait = this.deniedForMs(request);
    if (wait > 0) return { deniedForMs: wait };
    if (this.#ledger.state === "open") {
      if (this.#openTime.leftMs() === 0) this.#witnessesFailed = 0;
      this.#ledger.halfOpen();
      this.#changed("open", "open_time_over", null);
    }
    return new LedgerPermit(this, this.#epoch, this.#trials.take());
  }

  /** How long until another route may find out whether the target is well. */
  #witnessMs(ms: number): number {
    const { witnessesMax } = EVIDENCE;
    return this.#witnessesFailed < witnessesMax && this.#trials.hasPlace(witnessesMax) ? 0 : ms;
  }

  /** A failure that does not name the target; whether it speaks against it all the same. */
  #doubt(trial: Trial | null, doubt: Doubt): boolean {
    const { request, repeated } = doubt;
    if (ruleFor(this.rules, request.path)?.breaker === false) return false;
    const { consecutiveFailures } = this.#options;
    this.suspects ??= new RouteLedger(this.#clock, consecutiveFailures, this.rules, this.jury);
    const isNew = !this.suspects.suspects(request);
    const shared = this.jury.isShared(request);
    if (!repeated) this.suspects.failed(request, doubt);
    if (trial !== null) {
      if (shared) return false;
      if (isNew && this.#openTime.leftMs() > 0) this.#witnessesFailed += 1;
      this.#ledger.doubted();
      this.#open("trial_failed", this.inDoubt, null);
      return true;
    }
    if (repeated) return false;
    this.#doubts += 1;
    if (!shared) this.#ownDoubts += 1;
    this.#fail(false, shared);
    return !shared;
  }

  #fail(named: boolean, shared = false): void {
    this.#consecutiveFailures += 1;
    if (named) {
      this.#named += 1;
      this.#ledger.failed();
      if (this.#ledger.state === "open") {
        this.#changed("closed", "failure_rate", null);
        return;
      }
    } else this.#ledger.doubted();
    const { consecutiveFailures: most } = this.#options;
    const isSpared = !named && !shared && this.jury.canSpare();
    if (this.#named > 0 && this.#consecutiveFailures >= most) {
      this.#open("consecutive_failures", false, null);
    } else if (this.jury.isKnownIll() || (isSpared && this.#ownDoubts >= most)) {
      this.#open("consecutive_failures", this.#named === 0, null);
    } else if (isSpared && this.#failsTooMuch()) {
      this.#open("failure_rate", true, null);
    } else if (this.#doubts >= most && this.#isMissed()) {
      this.#open("consecutive_failures", true, null);
    }
  }

  /** Good answers stay away, and no other target gives them. */
  #isMissed(): boolean {
    const { windowMs } = this.#options;
    const now = this.#clock.now();
    if (this.jury.answersSince(this.#good.at < 0 ? now - windowMs : this.#good.askedAt))
      return false;
    const { counted, failed } = this.#ledger.counts();
    return this.#good.areMissed(now, counted - failed, windowMs);
  }

  /** The rate of all its failures; where others take its calls and do not fail alike. */
  #failsTooMuch(): boolean {
    const { counted, failed } = this.#ledger.counts();
    const { failureRatio, volumeMin } = this.#options;
    return counted >= volumeMin && failed >= counted * failureRatio;
  }

  #acquit(): void {
    this.#doubts = 0;
    this.#ownDoubts = 0;
    if (this.#named === 0) this.#consecutiveFailures = 0;
  }

  #judgeTrial(verdict: Judgement): void {
    if (verdict === "failure") {
      this.#ledger.failed();
      this.inDoubt = false;
      this.#changed("half_open", "trial_failed", null, true);
    } else if (this.#trials.pass() >= this.#successesMin()) {
      this.#ledger.close();
      this.#changed("half_open", "trials_passed", null);
    }
  }

  /** For the last target, one success settles the only doubt: whether it lives. */
  #successesMin(): number {
    return this.inDoubt && this.jury.isLast() ? 1 : this.#options.trialSuccesses;
  }

  #open(reason: BreakerReason, inDoubt: boolean, openForMs: number | null): void {
    const { state } = this.#ledger;
    if (state !== "open") this.#ledger.open();
    if (!inDoubt || state === "closed") this.inDoubt = inDoubt;
    this.#changed(state, reason, openForMs);
  }

  /** `refuses`: no connection came about, which is found out without any call. */
  #changed(from: BreakerState, reason: BreakerReason, ms: number | null, refuses = false): void {
    const to = this.#ledger.state;
    this.#epoch += 1;
    this.#trials.clear();
    this.#slow?.forget();
    if (to === "closed") {
      this.#witnessesFailed = 0;
      this.#acquit();
      this.#consecutiveFailures = 0;
      this.#named = 0;
      this.inDoubt = false;
      this.#good.closed();
      this.#openTime.forget();
    }
    const grows = refuses && !this.jury.isLast();
    const openForMs = to === "open" ? this.#openTime.begin(ms, grows) : 0;
    this.#onChange({ from, to, reason, openForMs });
  }
}

const NO_PLACE: Trial = { until: 0 };
