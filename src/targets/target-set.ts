/**
 * The targets of an upstream, and the choice among them.
 *
 * A target that was not tried by this call comes before one that was, and none is chosen that
 * drains, is out of health, or whose breaker would refuse. Looking takes no trial place: a breaker
 * is asked for its permit by the policy below. How it is chosen: chooser.ts and balance/.
 */
import type { BalanceRequest } from "./balance/balancer.js";
import { type ChooserParts, createChooser, deniedForMs } from "./chooser.js";
import type { Target } from "./target.js";
import { type Homes, homesOf, measure, type Tier, type TierOptions, tiersOf } from "./tiers.js";

export interface TargetSet {
  readonly targets: readonly Target[];
  readonly balancing: TierOptions;
  /** Resolves when the first targets are known, or it is known why not; null from then on. */
  awaited: Promise<void> | null;
  get(id: string): Target | undefined;
  /**
   * The target for the next exchange of a call; null when none would be admitted. A careful call,
   * one that cannot be repeated, avoids those where something was lost.
   */
  choose(request: BalanceRequest, tried: readonly string[], careful?: boolean): Target | null;
  /** Whether a target that was not tried would be admitted now. */
  hasUntried(tried: readonly string[]): boolean;
  /** How long until the first one is admitted; 0 when one is, Infinity when there are none. */
  deniedForMs(): number;
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
  /** Several changes at once; whoever listens is told after the last. */
  batch(changes: () => void): void;
  /** Calls this function after every such change, and when a target comes or goes. */
  onChange(listener: () => void): void;
  /**
   * Nobody takes a call: resolves when somebody may, since a trial has ended or it is known whether
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
  const byId = new Map<string, Target>();
  const load = loadCount();
  const choices = tieredChoice(parts, options, load.total);
  // Made anew when it is asked for after a change.
  let list: readonly Target[] | null = null;
  let batched = false;
  let told = (): void => {};

  const set: TargetSet = {
    get targets() {
      list ??= [...byId.values()];
      return list;
    },
    balancing: options,
    awaited: null,
    get: (id) => byId.get(id),
    choose: (request, tried, careful = false) =>
      choices.choose(set.targets, request, tried, careful),
    hasUntried: (tried) =>
      set.targets.some((target) => !tried.includes(target.id) && deniedForMs(target) === 0),
    deniedForMs: () => Math.min(...set.targets.map(deniedForMs)),
    begin: load.begin,
    end: load.end,
    hope: (again) => hopeOf(set.targets, load.news, again),
    whenIdle: load.whenIdle,
    add(target) {
      if (byId.has(target.id)) {
        throw new TypeError(`target "${target.id}" is given twice; give it a weight instead`);
      }
      byId.set(target.id, target);
      set.reweighted();
    },
    remove(id) {
      const gone = byId.get(id) ?? null;
      if (gone === null) return null;
      byId.delete(id);
      set.reweighted();
      return gone;
    },
    changed() {
      choices.measureAnew();
      load.news.tell();
      if (!batched) told();
    },
    reweighted() {
      list = null;
      choices.prepareAnew();
      set.changed();
    },
    batch(changes) {
      batched = true;
      try {
        changes();
      } finally {
        batched = false;
        told();
      }
    },
    onChange(listener) {
      told = listener;
    },
  };
  for (const target of initial) set.add(target);
  return set;
}

/** What follows from the targets for a choice, made anew when one is asked for after a change. */
function tieredChoice(parts: ChooserParts, options: TierOptions, pending: () => number) {
  const chooser = createChooser(parts, options, pending);
  let tiers: readonly Tier[] | null = null;
  let homes: Homes | null = null;
  let measured = false;
  return {
    choose(
      targets: readonly Target[],
      request: BalanceRequest,
      tried: readonly string[],
      careful: boolean,
    ) {
      if (tiers === null) {
        tiers = tiersOf(targets, chooser.field, options);
        homes = options.sticky === null ? null : homesOf(tiers, options.sticky);
      }
      if (!measured) {
        measure(tiers, options.overflowBelow);
        measured = true;
      }
      return chooser.choose(tiers, homes, request, tried, careful);
    },
    measureAnew() {
      measured = false;
    },
    prepareAnew() {
      tiers = null;
    },
  };
}

/** Whoever waits for the next change is told of it, once. */
function newsOf() {
  let waiting: (() => void)[] = [];
  return {
    next: () => new Promise<void>((resolve) => waiting.push(resolve)),
    tell(): void {
      if (waiting.length === 0) return;
      const told = waiting;
      waiting = [];
      for (const one of told) one();
    },
  };
}

type News = ReturnType<typeof newsOf>;

function hopeOf(targets: readonly Target[], news: News, again: boolean): Promise<unknown> | null {
  const hopes = targets.flatMap((target) => {
    const { breaker, health, draining } = target;
    if (breaker === null || draining || health.deniedForMs() > 0) return [];
    // Its trials go on one at a time, and each that ends lets the next one in. Only after a
    // restart: to hold calls back from an upstream that has too much to do, and to send them all
    // together when it has done a little, keeps it down.
    if (breaker.state === "half_open") return target.hasReturned() ? [news.next()] : [];
    const found = again || breaker.state === "closed" ? null : target.findOut();
    return found === null ? [] : [found];
  });
  return hopes.length === 0 ? null : Promise.race(hopes);
}

/** What is under way, at each target and at all of them. */
function loadCount() {
  const news = newsOf();
  const waiting = new Map<Target, readonly (() => void)[]>();
  let total = 0;
  return {
    total: () => total,
    news,
    begin(target: Target): void {
      target.pending += 1;
      total += 1;
    },
    end(target: Target): void {
      target.pending -= 1;
      total -= 1;
      news.tell();
      if (target.pending > 0 || waiting.size === 0) return;
      const told = waiting.get(target) ?? [];
      waiting.delete(target);
      for (const then of told) then();
    },
    whenIdle(target: Target, then: () => void): void {
      if (target.pending === 0) then();
      else waiting.set(target, [...(waiting.get(target) ?? []), then]);
    },
  };
}
