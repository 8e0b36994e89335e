/**
 * The targets of an upstream, and the choice among them.
 *
 * A target that was not tried by this call comes before one that was, and none is chosen that
 * drains, is out of health, or whose breaker would refuse. Looking takes no trial place: a breaker
 * is asked for its permit by the policy below. How it is chosen: chooser.ts and balance/.
 */
import { News } from "../base/news.js";
import { EJECTION } from "../catalog/defaults.js";
import type { Failure } from "../core/failure.js";
import { type ChoiceRequest, type ChooserParts, createChooser, deniedForMs } from "./chooser.js";
import { Refusing } from "./refusing.js";
import type { Routed } from "./route-ledger.js";
import type { Target } from "./target.js";
import { type Homes, homesOf, measure, type Tier, type TierOptions, tiersOf } from "./tiers.js";

export interface TargetSet {
  readonly targets: readonly Target[];
  readonly balancing: TierOptions;
  /** Resolves when the first targets are known, or it is known why not; null from then on. */
  awaited: Promise<void> | null;
  /** Why no target was ever found, where a failure of the catalog says so. */
  noneSince: Failure | null;
  get(id: string): Target | undefined;
  /**
   * The target for the next exchange of a call; null when none would be admitted. A careful call,
   * one that cannot be repeated, avoids those where something was lost.
   */
  choose(request: ChoiceRequest, tried: readonly string[], careful?: boolean): Target | null;
  /** Whether a target that was not tried would be admitted now. */
  hasUntried(tried: readonly string[]): boolean;
  /**
   * How long until the first one is admitted; 0 when one is, Infinity when there are none. Without
   * a request: until any is that is not of a route that fails.
   */
  deniedForMs(request?: Routed): number;
  /** Exchanges under way at all of them. */
  readonly pending: number;
  /** An answer of the target has begun that is good, or a refusal; a status below 500. */
  answered(target: Target, startedAt: number, status: number, retryAfterMs?: number): void;
  /** An exchange with the target begins; `end` follows when it is over, body included. */
  begin(target: Target): void;
  end(target: Target): void;
  /** Takes a further target in; its id must be new. */
  add(target: Target): void;
  /** Gives it no further exchange; those under way go on. */
  remove(id: string): Target | null;
  /** The health, breaker or drain of a target changed: what was counted is counted anew. */
  changed(): void;
  /** A weight changed: the balancer prepares itself anew. */
  reweighted(): void;
  /** Several changes at once; listeners are notified after the last. */
  batch(changes: () => void): void;
  /** Calls this function after every such change, and when a target comes or goes. */
  onChange(listener: () => void): void;
  /**
   * No target takes a call: resolves when one may, since a trial has ended or it is known whether
   * a target accepts connections again. Null where nothing is being found out.
   */
  hope(again: boolean): Promise<unknown> | null;
  /** Calls back once when nothing is under way at the target, at once where that is so. */
  whenIdle(target: Target, then: () => void): void;
}

export function createTargetSet(
  parts: ChooserParts,
  initial: readonly Target[],
  options: TierOptions,
): TargetSet {
  const set = new ChosenTargets(parts, options);
  for (const target of initial) set.add(target);
  return set;
}

/** A class, since there is one for each upstream, and many never choose. */
class ChosenTargets implements TargetSet {
  readonly balancing: TierOptions;
  awaited: Promise<void> | null = null;
  noneSince: Failure | null = null;
  readonly #parts: ChooserParts;
  readonly #byId = new Map<string, Target>();
  /** Made anew when it is asked for after a change. */
  #list: readonly Target[] | null = null;
  #choice: TieredChoice | null = null;
  pending = 0;
  /** Good answers of all of them. */
  readonly #answers = { good: 0, refused: 0 };
  /** For calls that wait for the next change; null before the first. */
  #news: News | null = null;
  /** Who waits until nothing is under way at a target. */
  #waiting: Map<Target, readonly (() => void)[]> | null = null;
  #batched = false;
  #onChange = nothing;

  constructor(parts: ChooserParts, options: TierOptions) {
    this.#parts = parts;
    this.balancing = options;
  }

  get targets(): readonly Target[] {
    this.#list ??= [...this.#byId.values()];
    return this.#list;
  }

  get(id: string): Target | undefined {
    return this.#byId.get(id);
  }

  choose(request: ChoiceRequest, tried: readonly string[], careful = false): Target | null {
    const choice = this.#choice ?? this.#makeChoice();
    return choice.choose(this.targets, request, tried, careful);
  }

  hasUntried(tried: readonly string[]): boolean {
    return this.targets.some((target) => !tried.includes(target.id) && deniedForMs(target) === 0);
  }

  deniedForMs(request?: Routed): number {
    let soonest = Number.POSITIVE_INFINITY;
    for (const target of this.targets) soonest = Math.min(soonest, deniedForMs(target, request));
    return soonest;
  }

  answered(target: Target, startedAt: number, status: number, retryAfterMs?: number): void {
    const answers = this.#answers;
    if (status < 400) {
      answers.good += 1;
      target.refusing?.answered(startedAt, answers);
      return;
    }
    target.refusing ??= new Refusing(answers);
    const now = this.#parts.clock.now();
    const { length } = this.targets;
    const ms = target.refusing.refused(now, {
      all: answers,
      others: length - 1,
      pinned: this.#isPinned,
      retryAfterMs,
    });
    answers.refused += 1;
    if (ms === 0) return;
    const out = this.targets.filter((one) => one !== target && isOut(one, now)).length;
    const most = Math.max(1, Math.floor(length * EJECTION.ejectedRatioMax));
    if (out < most) target.refusing.wait(now, ms);
  }

  /** Whether calls that belong together go to one target. */
  get #isPinned(): boolean {
    const { balancer, sticky } = this.balancing;
    return sticky !== null || balancer.place !== undefined;
  }

  begin(target: Target): void {
    target.pending += 1;
    this.pending += 1;
  }

  end(target: Target): void {
    target.pending -= 1;
    this.pending -= 1;
    this.#news?.publish();
    if (target.pending > 0 || this.#waiting === null) return;
    const notified = this.#waiting.get(target) ?? [];
    this.#waiting.delete(target);
    for (const then of notified) then();
  }

  hope(again: boolean): Promise<unknown> | null {
    return hopeOf(this.targets, () => this.#nextNews(), again);
  }

  whenIdle(target: Target, then: () => void): void {
    if (target.pending === 0) {
      then();
      return;
    }
    this.#waiting ??= new Map();
    this.#waiting.set(target, [...(this.#waiting.get(target) ?? []), then]);
  }

  add(target: Target): void {
    if (this.#byId.has(target.id)) {
      throw new TypeError(`target "${target.id}" is given twice; give it a weight instead`);
    }
    this.#byId.set(target.id, target);
    this.reweighted();
  }

  remove(id: string): Target | null {
    const gone = this.#byId.get(id) ?? null;
    if (gone === null) return null;
    this.#byId.delete(id);
    this.reweighted();
    return gone;
  }

  changed(): void {
    this.#choice?.measureAnew();
    this.#news?.publish();
    if (!this.#batched) this.#onChange();
  }

  reweighted(): void {
    this.#list = null;
    this.#choice?.prepareAnew();
    this.changed();
  }

  batch(changes: () => void): void {
    this.#batched = true;
    try {
      changes();
    } finally {
      this.#batched = false;
      this.#onChange();
    }
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  // A method of its own: a closure in `choose` would cost every choice a scope for it.
  #makeChoice(): TieredChoice {
    const choice = new TieredChoice(this.#parts, this.balancing, () => this.pending);
    this.#choice = choice;
    return choice;
  }

  #nextNews(): Promise<void> {
    this.#news ??= new News();
    return this.#news.next();
  }
}

function nothing(): void {}

/** It gets no call of those that others take. */
function isOut(target: Target, now: number): boolean {
  return deniedForMs(target) > 0 || target.refusing?.holds(now) === true;
}

/** What follows from the targets for a choice, made anew when one is asked for after a change. */
class TieredChoice {
  readonly #options: TierOptions;
  readonly #chooser: ReturnType<typeof createChooser>;
  #tiers: readonly Tier[] | null = null;
  #homes: Homes | null = null;
  #measured = false;

  constructor(parts: ChooserParts, options: TierOptions, pending: () => number) {
    this.#options = options;
    this.#chooser = createChooser(parts, options, pending);
  }

  choose(
    targets: readonly Target[],
    request: ChoiceRequest,
    tried: readonly string[],
    careful: boolean,
  ): Target | null {
    const { sticky, overflowBelow } = this.#options;
    if (this.#tiers === null) {
      this.#tiers = tiersOf(targets, this.#chooser.field, this.#options);
      this.#homes = sticky === null ? null : homesOf(this.#tiers, sticky);
    }
    if (!this.#measured) {
      measure(this.#tiers, overflowBelow);
      this.#measured = true;
    }
    return this.#chooser.choose(this.#tiers, this.#homes, request, tried, careful);
  }

  measureAnew(): void {
    this.#measured = false;
  }

  prepareAnew(): void {
    this.#tiers = null;
  }
}

function hopeOf(
  targets: readonly Target[],
  news: () => Promise<void>,
  again: boolean,
): Promise<unknown> | null {
  const hopes: Promise<void>[] = [];
  for (const target of targets) {
    const hope = hopeFor(target, news, again);
    if (hope !== null) hopes.push(hope);
  }
  return hopes.length > 1 ? Promise.race(hopes) : (hopes[0] ?? null);
}

function hopeFor(target: Target, news: () => Promise<void>, again: boolean): Promise<void> | null {
  const { breaker, health, draining } = target;
  if (health.untried && !draining) return news();
  if (breaker === null || draining || health.deniedForMs() > 0) return null;
  // Its trials go on one at a time, and each that ends lets the next one in. Only after a
  // restart: to hold calls back from an upstream that has too much to do, and to send them all
  // together when it has done a little, keeps it down.
  if (breaker.state === "half_open") return target.hasReturned() ? news() : null;
  return again || breaker.state === "closed" ? null : target.findOut();
}
