/**
 * The targets of one upstream as peers: who is ejected because the others do better, and whether
 * so many are out that health is overruled.
 *
 * No timers: whenever a target has answered, another one is looked at in turn, so that a silent one
 * is noticed by the answers of the others, at the same cost for three targets as for a thousand.
 * Guarantee: never more than half are ejected at once, and none while no other target is well.
 */

import type { Clock } from "../base/clock.js";
import type { Random } from "../base/random.js";
import { EJECTION, EVIDENCE, SLOW_START } from "../catalog/defaults.js";
import { FLEET } from "../catalog/fleet-defaults.js";
import type { EjectionOptions } from "../catalog/options/health.js";
import { declaredState } from "./declared-state.js";
import type { Jury } from "./jury.js";
import { failsMore, isSlower, type Lately } from "./outlier.js";
import type { Routed } from "./route-of.js";
import type { Target } from "./target.js";
import { type LastHeard, type TargetMonitor, trialMsOf } from "./target-monitor.js";
import { type EjectionReason, type HealthGroup, WatchedHealth } from "./watched-health.js";

export type EjectionSettings = Required<EjectionOptions>;

export interface PeersOptions {
  readonly ejection: EjectionSettings | false;
  /** Below this share of targets that are not unhealthy all of them are used; 0 for never. */
  readonly panicRatio: number;
}

export interface PanicChange {
  readonly panic: boolean;
  /** Targets that are not unhealthy, and all that are not drained. */
  readonly healthy: number;
  readonly targets: number;
}

/** What is remembered of a target's ejections. */
interface Member {
  readonly target: Target;
  readonly health: WatchedHealth;
  readonly monitor: TargetMonitor;
  readonly joinedAt: number;
  ejections: number;
  ejectedAt: number;
  /** When it said that it shuts down, and was believed. */
  leavingAt: number;
  /** Since when its silence has been noticed; NaN while there is none. */
  quietNotedAt: number;
  /** It was taken out since it was silent, and has not been heard of since. */
  silenced: boolean;
  /** Until then other gateways find it out of order. */
  knownIllUntil: number;
  /** Until then another gateway finds out whether it is well again … */
  courtesyUntil: number;
  /** … once for each open time of its breaker, and no longer than this. */
  courtesyEnd: number;
  courtesyFor: number;
}

export class Peers implements HealthGroup {
  /** For the monitors of all its members. */
  readonly heard: LastHeard = { at: 0 };
  readonly #clock: Pick<Clock, "now">;
  readonly #random: Random;
  readonly #options: PeersOptions;
  readonly #onPanic: (change: PanicChange) => void;
  #members: readonly Member[] = [];
  #panic = false;
  #next = 0;
  #comparedAt = 0;

  constructor(
    clock: Pick<Clock, "now">,
    random: Random,
    options: PeersOptions,
    onPanic: (change: PanicChange) => void,
  ) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
    this.#onPanic = onPanic;
    this.#comparedAt = clock.now();
  }

  get panic(): boolean {
    return this.#panic;
  }

  get alone(): boolean {
    return this.#members.length < 2;
  }

  /** Some targets have come or gone. */
  sync(targets: readonly Target[]): void {
    const known = new Map(this.#members.map((member) => [member.target, member]));
    const now = this.#clock.now();
    const serve = this.#members.filter(({ joinedAt }) => now - joinedAt >= SLOW_START.outMsMin);
    const isLate = serve.some(({ target }) => targets.includes(target));
    this.#members = targets.flatMap((target) => {
      const member = known.get(target) ?? this.#join(target);
      if (member === null) return [];
      if (isLate && !known.has(target)) member.health.join();
      return member;
    });
    this.recount();
  }

  recount(): void {
    // Of whom nothing is known yet is neither well nor ill.
    const serving = this.#members.filter(
      ({ target, health }) => !target.draining && !health.untried,
    );
    const healthy = serving.filter(({ health }) => !health.unfit).length;
    const targets = serving.length;
    const panic = healthy < targets && healthy < targets * this.#options.panicRatio;
    if (panic === this.#panic) return;
    this.#panic = panic;
    this.#onPanic({ panic, healthy, targets });
  }

  #join(target: Target): Member | null {
    const { health } = target;
    if (!(health instanceof WatchedHealth) || health.counts === null) return null;
    const monitor = health.counts;
    const member: Member = {
      target,
      health,
      monitor,
      joinedAt: this.#clock.now(),
      ejections: 0,
      ejectedAt: Number.NEGATIVE_INFINITY,
      leavingAt: Number.NEGATIVE_INFINITY,
      quietNotedAt: Number.NaN,
      silenced: false,
      knownIllUntil: Number.NEGATIVE_INFINITY,
      courtesyUntil: Number.NEGATIVE_INFINITY,
      courtesyEnd: Number.NEGATIVE_INFINITY,
      courtesyFor: Number.NaN,
    };
    if (target.breaker !== null) target.breaker.jury = this.#juryOf(member);
    monitor.listener = {
      answered: (status, rawHeaders, request) =>
        this.#answered(member, status, rawHeaders, request),
      failed: () => this.#failed(member),
    };
    return member;
  }

  #answered(member: Member, status: number, rawHeaders: readonly string[], request: Routed): void {
    member.quietNotedAt = Number.NaN;
    if (member.silenced) member.target.breaker?.hasten();
    member.silenced = false;
    const said = declaredState(status, rawHeaders);
    if (said === "leaving") {
      if (this.#isLeaving(member, request)) this.#eject(member, "leaving");
    } else if (said !== null) member.health.declared(said);
    this.#lookAtNext();
  }

  /**
   * It shuts down, by what it says. Not where the same route fails at another that is well, nor
   * where it has said so lately and has answered well since: some answer an error in that way.
   */
  #isLeaving(member: Member, request: Routed): boolean {
    const now = this.#clock.now();
    const { breaker } = member.target;
    const { leavingAt } = member;
    if (now - leavingAt < EVIDENCE.forgetMs && (breaker?.goodAt ?? -1) > leavingAt) return false;
    member.leavingAt = now;
    return !this.#others(member).some(
      (other) => isWell(other) && other.target.breaker?.suspects?.suspects(request) === true,
    );
  }

  #failed(member: Member): void {
    const { ejection } = this.#options;
    if (ejection === false) return;
    const { failuresInRow } = member.monitor;
    if (failuresInRow >= ejection.consecutiveFailures) this.#eject(member, "consecutive_failures");
  }

  /** Others have found it out of order: for so long one failure here is enough. */
  heardIll(target: Target, forMs: number): void {
    const member = this.#members.find((one) => one.target === target);
    if (member !== undefined) member.knownIllUntil = this.#clock.now() + forMs;
  }

  /** Another gateway finds out whether it is well again, if it says so for long enough. */
  leaveTrial(target: Target, forMs: number): void {
    const member = this.#members.find((one) => one.target === target);
    const openUntil = target.breaker?.openUntil ?? 0;
    if (member === undefined) return;
    const now = this.#clock.now();
    if (member.courtesyFor !== openUntil) {
      member.courtesyFor = openUntil;
      member.courtesyEnd = now + FLEET.courtesyMs * (1 + this.#random.next());
    }
    member.courtesyUntil = Math.min(now + forMs, member.courtesyEnd);
  }

  /** They have found so just now: it is out for so long, if enough others are left. */
  ejectFor(target: Target, forMs: number): void {
    const member = this.#members.find((one) => one.target === target);
    const { ejection } = this.#options;
    if (member === undefined || ejection === false || !isWell(member)) return;
    if (this.#canSpare(member, ejection.ejectedRatioMax)) member.health.eject("fleet", forMs);
  }

  /** One of them in turn is asked whether it is silent; now and then all of them are compared. */
  #lookAtNext(): void {
    const { ejection } = this.#options;
    if (ejection === false || this.alone) return;
    const now = this.#clock.now();
    this.#next = (this.#next + 1) % this.#members.length;
    const member = this.#members[this.#next];
    if (member !== undefined) this.#lookForSilence(member, ejection, now);
    if (now - this.#comparedAt < EJECTION.compareMs) return;
    this.#comparedAt = now;
    this.#compare(ejection);
  }

  #lookForSilence(member: Member, { silenceMs }: EjectionSettings, now: number): void {
    const { monitor } = member;
    const { breaker } = member.target;
    if (breaker?.state === "half_open") {
      // Others are well meanwhile: the next trial is not to wait for the timeout of this one.
      const waitedMs = monitor.trialMs(now);
      if (waitedMs < EJECTION.trialMs || waitedMs < trialMsOf(this.#monitors())) return;
      member.silenced = true;
      breaker.open("silence", null);
      return;
    }
    const limit = Math.max(silenceMs, EJECTION.silenceFactor * monitor.longestMs);
    const quietMs = monitor.silentMs(now);
    if (quietMs < limit) {
      member.quietNotedAt = Number.NaN;
      return;
    }
    // All may have been silent together, as when a database stood still; then the first answers of
    // the others are no evidence, and its own will follow in a moment.
    if (Number.isNaN(member.quietNotedAt)) member.quietNotedAt = now;
    const notedMs = now - member.quietNotedAt;
    if (notedMs < limit * EJECTION.silenceConfirmRatio) return;
    this.#eject(member, "silence");
  }

  #compare(ejection: EjectionSettings): void {
    const lately = new Map(this.#members.map((member) => [member, member.monitor.lately()]));
    for (const [member, own] of lately) {
      if (!isWell(member)) continue;
      const peers: Lately[] = [];
      for (const [other, of] of lately) if (other !== member && isWell(other)) peers.push(of);
      if (failsMore(own, peers, ejection)) this.#eject(member, "success_rate");
      else if (isSlower(own, peers, ejection)) this.#eject(member, "latency");
    }
  }

  /** Takes it out, if enough others are left and one of them is well. */
  #eject(member: Member, reason: EjectionReason): void {
    const { ejection } = this.#options;
    if (ejection === false || !isWell(member)) return;
    if (!this.#canSpare(member, ejection.ejectedRatioMax)) return;
    member.quietNotedAt = Number.NaN;
    // What is waiting there is lost, if it does not answer.
    if (reason === "silence") member.monitor.suspicion.confirmed();
    member.silenced = reason === "silence";
    member.health.eject(reason, this.#ejectionMs(member, ejection));
  }

  /** Enough others are left without it, and one of them is well. */
  #canSpare(member: Member, ratioMax: number): boolean {
    const others = this.#others(member);
    const most = Math.max(1, Math.floor((others.length + 1) * ratioMax));
    const well = others.filter(isWell).length;
    return ratioMax > 0 && well > 0 && others.length - well < most;
  }

  #juryOf(member: Member): Jury {
    return {
      canSpare: () => this.#canSpare(member, EJECTION.ejectedRatioMax),
      isKnownIll: () => this.#clock.now() < member.knownIllUntil,
      courtesyMs: () => Math.max(0, member.courtesyUntil - this.#clock.now()),
      isLast: () => !this.#others(member).some(isWell),
      isShared: (request) =>
        // Of one that is out itself nothing fails by what was asked.
        this.#others(member).some(
          (other) => isWell(other) && other.target.breaker?.suspects?.isFailing(request) === true,
        ),
      answersSince: (at) =>
        this.#others(member).some(({ target }) => (target.breaker?.goodAt ?? -1) >= at),
      answeredAt: (route) =>
        Math.max(
          ...this.#others(member).map(
            ({ target }) => target.breaker?.suspects?.answeredAt(route) ?? Number.NEGATIVE_INFINITY,
          ),
        ),
    };
  }

  #monitors(): readonly TargetMonitor[] {
    return this.#members.map(({ monitor }) => monitor);
  }

  #others(member: Member): readonly Member[] {
    return this.#members.filter((other) => other !== member && !other.target.draining);
  }

  /** Longer each time; one time is forgotten for every half minute without. */
  #ejectionMs(member: Member, { ejectMs, ejectMsMax }: EjectionSettings): number {
    const now = this.#clock.now();
    const forgotten = Math.floor((now - member.ejectedAt) / EJECTION.forgetMs);
    member.ejections = Math.max(0, member.ejections - forgotten);
    const grown = ejectMs * EJECTION.ejectFactor ** member.ejections;
    member.ejections += 1;
    member.ejectedAt = now;
    const spread = 1 + EJECTION.ejectJitter * this.#random.next();
    return Math.min(grown * spread, ejectMsMax);
  }
}

/** It takes calls, by its health and by its breaker. */
function isWell({ target, health }: Member): boolean {
  return !target.draining && !health.unfit && target.breaker?.state === "closed";
}
