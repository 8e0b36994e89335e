/**
 * The health of one target, put together from what probes, its own word and its peers say.
 *
 * Probes and its own word decide here whether it takes calls. An ejection is kept by its breaker,
 * so that there is one open time, one kind of trial and one way back for all that calls themselves
 * have shown; what is noted here is the reason. docs/target-health.md has the rules.
 */
import type { Clock, Timer } from "../base/clock.js";
import { DECLARED, SLOW_START } from "../catalog/defaults.js";
import type { Breaker, BreakerChange } from "./breaker.js";
import { CarriedShare, type SharedBy, type ShareListener } from "./carried-share.js";
import type { DeclaredWord } from "./declared-state.js";
import { ProbeCount, type ProbeCountOptions, type ProbeState } from "./probe-count.js";
import { rampShare, type SlowStartSettings } from "./slow-start.js";
import type { HealthState, TargetHealth } from "./target-health.js";
import type { TargetMonitor } from "./target-monitor.js";

/** Why a target is compared out. */
export type EjectionReason =
  | "consecutive_failures"
  | "success_rate"
  | "latency"
  | "silence"
  | "leaving"
  | "fleet";

/** Why a target is not healthy. */
export type HealthReason =
  | "not_probed"
  | "probe_failed"
  | "declared_unhealthy"
  | "declared_draining"
  | EjectionReason;

export interface HealthChange {
  readonly from: HealthState;
  readonly to: HealthState;
  /** Why it is what it is now; null for a healthy one. */
  readonly reason: HealthReason | null;
}

/** What the targets of one upstream share. */
export interface HealthGroup {
  /** Health is overruled, since it would leave too few. */
  readonly panic: boolean;
  /** There is no peer to be compared with. */
  readonly alone: boolean;
  /** Someone's word for a target, or that of the probes, is another now. */
  recount(): void;
}

export interface WatchedHealthOptions {
  /** Null where no probes are sent. */
  readonly probe: ProbeCountOptions | null;
  readonly slowStart: SlowStartSettings | false;
  /** Called when another share than before is reported. */
  readonly shared?: ShareListener;
}

type Unfit = Exclude<HealthReason, EjectionReason>;

/** When a target came back that was never out for long. */
const NEVER_OUT = Number.NEGATIVE_INFINITY;

export class WatchedHealth implements TargetHealth {
  readonly #clock: Clock;
  readonly #group: HealthGroup;
  readonly #breaker: Breaker | null;
  readonly #slowStart: SlowStartSettings | false;
  readonly #probes: ProbeCount | null;
  readonly #monitor: TargetMonitor | null;
  readonly #onChange: (change: HealthChange) => void;
  readonly #shared: ShareListener | undefined;
  #state: HealthState = "healthy";
  #unfit: Unfit | null = null;
  #ejection: EjectionReason | null = null;
  /** A probe has ended an open time since the breaker was closed. */
  #hastened = false;
  #declaredUntil = Number.POSITIVE_INFINITY;
  #declaredTimer: Timer | null = null;
  #outSince = Number.NaN;
  #backSince = NEVER_OUT;
  /** It came to others that serve, and has not been fit for a call yet. */
  #joins = false;
  /** Null while nothing has been said of how much of its weight it carries. */
  #carried: CarriedShare | null = null;

  constructor(
    clock: Clock,
    group: HealthGroup,
    breaker: Breaker | null,
    monitor: TargetMonitor | null,
    options: WatchedHealthOptions,
    onChange: (change: HealthChange) => void,
  ) {
    this.#clock = clock;
    this.#group = group;
    this.#breaker = breaker;
    this.#monitor = monitor;
    this.#slowStart = options.slowStart;
    this.#probes = options.probe === null ? null : new ProbeCount(options.probe);
    this.#onChange = onChange;
    this.#shared = options.shared;
    if (options.probe?.initial !== "down") return;
    this.#unfit = "not_probed";
    this.#state = "unhealthy";
  }

  get state(): HealthState {
    return this.#state;
  }

  get reason(): HealthReason | null {
    return this.#unfit ?? this.#ejection;
  }

  get ejection(): EjectionReason | null {
    return this.#ejection;
  }

  get probe(): ProbeState | null {
    return this.#probes?.state ?? null;
  }

  /** Probes are to come faster: it is down, or may be soon. */
  get inDoubt(): boolean {
    if (this.#state !== "healthy" || this.#probes?.inDoubt === true) return true;
    return this.#monitor?.suspicion.awaitsProbe === true;
  }

  /** Probes, or its own word, are against it. */
  get unfit(): boolean {
    return this.#unfit !== null;
  }

  get overruled(): boolean {
    return this.#unfit !== null && !this.untried && this.#group.panic;
  }

  /** Nothing is known of it, and it is to get no call before there is. */
  get untried(): boolean {
    return this.#unfit === "not_probed";
  }

  /** It has come to others that have served for a while; its share grows like that of one back. */
  join(): void {
    if (this.#unfit === null) this.#backSince = this.#clock.now();
    else this.#joins = true;
  }

  get monitor(): TargetMonitor | null {
    return this.#group.alone ? null : this.#monitor;
  }

  /** The same, whether or not there is a peer to compare it with. */
  get counts(): TargetMonitor | null {
    return this.#monitor;
  }

  deniedForMs(): number {
    if (this.#unfit === null || this.overruled) return 0;
    if (this.#unfit === "probe_failed" || this.untried) return Number.POSITIVE_INFINITY;
    return Math.max(1, this.#declaredUntil - this.#clock.now());
  }

  share(): number {
    const carried = this.#carried === null ? 1 : this.#carried.now(this.#clock.now());
    if (this.#slowStart === false || this.#backSince === NEVER_OUT) return carried;
    return carried * rampShare(this.#clock.now() - this.#backSince, this.#slowStart);
  }

  /** A probe that was begun at this moment has passed or failed. */
  probed(passed: boolean, startedAt: number = this.#clock.now()): void {
    if (this.#probes === null) return;
    this.#monitor?.suspicion.probed(passed, startedAt);
    const changed = this.#probes.note(passed);
    const up = this.#probes.state === "up";
    // What a target said of itself holds until the probes have answered `rise` times since.
    if (up && changed) this.#become(null);
    else if (!up && changed) this.#become("probe_failed");
    // A good probe ends the open time of the breaker, which closes only by calls that go well.
    // Once: where probes are answered well and calls are not, the open time has to grow.
    if (!passed || !up || this.#hastened || this.#breaker?.state !== "open") return;
    this.#hastened = true;
    this.#breaker.hasten();
  }

  /** An agent was asked that speaks for the target. */
  agentSaid(word: DeclaredWord, startedAt: number): void {
    if (word === "ready" || typeof word === "number") {
      if (typeof word === "number") this.carries("agent", word, Number.POSITIVE_INFINITY);
      this.probed(true, startedAt);
    } else this.declared(word);
  }

  /** A target has said something of itself in an answer. */
  declared(state: DeclaredWord): void {
    if (typeof state === "number") this.carries("declared", state, DECLARED.believedMs);
    if (state === "ready" || typeof state === "number") {
      if (this.#unfit !== "probe_failed") this.#become(null);
      return;
    }
    if (this.#unfit === "probe_failed") return;
    this.#probes?.doubt();
    this.#become(state === "draining" ? "declared_draining" : "declared_unhealthy");
  }

  /** It carries this share of its weight, above 0 and up to 1, as reported. */
  carries(by: SharedBy, share: number, forMs: number): void {
    if (share === 1 && this.#carried === null) return;
    const now = this.#clock.now();
    this.#carried ??= new CarriedShare(this.#shared);
    this.#carried.said(by, share, now + forMs, now);
  }

  /** It is worse than its peers: its breaker opens for this long. */
  eject(reason: EjectionReason, openForMs: number): void {
    this.#ejection = reason;
    this.#breaker?.open("ejected", openForMs);
    this.#notify();
  }

  /** To be called with every change of the breaker. */
  breakerChanged({ from, to }: BreakerChange): void {
    if (to === "open" && from === "closed") this.#left();
    if (to === "open") this.#monitor?.forget();
    if (to !== "closed") return;
    this.#hastened = false;
    this.#ejection = null;
    this.#returned();
    this.#notify();
  }

  stop(): void {
    this.#declaredTimer?.cancel();
    this.#declaredTimer = null;
  }

  #become(unfit: Unfit | null): void {
    this.stop();
    const was = this.#unfit;
    this.#unfit = unfit;
    if (unfit !== null && unfit !== "probe_failed") this.#believeForAWhile();
    if (was === unfit) return;
    if (was === null) this.#left();
    if (unfit === null) this.#returned();
    this.#group.recount();
    this.#notify();
  }

  /** Without probes nothing would ever show that it takes calls again. */
  #believeForAWhile(): void {
    if (this.#probes !== null) {
      this.#declaredUntil = Number.POSITIVE_INFINITY;
      return;
    }
    this.#declaredUntil = this.#clock.now() + DECLARED.believedMs;
    this.#declaredTimer = this.#clock.after(DECLARED.believedMs, () => this.#become(null));
    this.#declaredTimer.unref();
  }

  #left(): void {
    if (Number.isNaN(this.#outSince)) this.#outSince = this.#clock.now();
  }

  /** It takes its full part again when nothing keeps it out any more. */
  #returned(): void {
    const isOut =
      this.#unfit !== null || (this.#breaker !== null && this.#breaker.state !== "closed");
    if (isOut) return;
    const now = this.#clock.now();
    if (this.#joins) this.#backSince = now;
    this.#joins = false;
    if (Number.isNaN(this.#outSince)) return;
    if (now - this.#outSince >= SLOW_START.outMsMin) this.#backSince = now;
    this.#outSince = Number.NaN;
    this.#monitor?.forget();
  }

  #notify(): void {
    const from = this.#state;
    const ejected = this.#ejection === null ? "healthy" : "ejected";
    this.#state = this.#unfit === null ? ejected : "unhealthy";
    if (this.#state !== from) this.#onChange({ from, to: this.#state, reason: this.reason });
  }
}
