/**
 * The targets of an upstream, and the choice among them.
 *
 * A target that was not tried by this call comes before one that was, and none is chosen that
 * drains, is out of health, or whose breaker would refuse. Looking takes no trial place: a breaker
 * is asked for its permit by the policy below.
 */
import type { Balancer } from "./balance.js";
import type { Target } from "./target.js";

export interface TargetSet {
  readonly targets: readonly Target[];
  /** The target for the next exchange of a call; null when none would be admitted. */
  choose(tried: readonly string[]): Target | null;
  /** Whether a target that was not tried would be admitted now. */
  hasUntried(tried: readonly string[]): boolean;
  /** How long until the first one is admitted; 0 when one is, Infinity when there are none. */
  deniedForMs(): number;
  /** Takes a further target in; its id must be new. */
  add(target: Target): void;
  /** Gives it no further exchange; those under way go on. */
  remove(id: string): Target | null;
  /** The health, breaker, weight or drain of a target changed: what was counted is counted anew. */
  changed(): void;
  /** Calls this function after every such change, and when a target comes or goes. */
  onChange(listener: () => void): void;
}

export function createTargetSet(initial: readonly Target[], balancer: Balancer): TargetSet {
  let targets = unique(initial);
  let told = (): void => {};

  return {
    get targets() {
      return targets;
    },
    choose(tried) {
      const untried =
        tried.length === 0
          ? null
          : select(targets, (target) => !tried.includes(target.id) && admitted(target));
      const candidates = untried ?? select(targets, admitted);
      return candidates === null ? null : balancer.pick(candidates);
    },
    hasUntried: (tried) => targets.some((target) => !tried.includes(target.id) && admitted(target)),
    deniedForMs() {
      let soonest = Number.POSITIVE_INFINITY;
      for (const target of targets) {
        soonest = Math.min(soonest, deniedForMs(target));
      }
      return soonest;
    },
    add(target) {
      targets = unique([...targets, target]);
      told();
    },
    remove(id) {
      const gone = targets.find((target) => target.id === id) ?? null;
      targets = targets.filter((target) => target !== gone);
      told();
      return gone;
    },
    changed() {
      told();
    },
    onChange(listener) {
      told = listener;
    },
  };
}

function admitted(target: Target): boolean {
  return deniedForMs(target) === 0;
}

/** How long a target takes no call; Infinity while that is not known. */
function deniedForMs({ breaker, health, draining }: Target): number {
  if (draining) return Number.POSITIVE_INFINITY;
  return Math.max(breaker?.deniedForMs() ?? 0, health.deniedForMs());
}

/** Those that pass, null when none does; the list itself, not a copy, when all do. */
function select(
  targets: readonly Target[],
  passes: (target: Target) => boolean,
): readonly [Target, ...Target[]] | null {
  const passed = targets.every(passes) ? targets : targets.filter(passes);
  const [first] = passed;
  return first === undefined ? null : (passed as readonly [Target, ...Target[]]);
}

function unique(targets: readonly Target[]): readonly Target[] {
  const seen = new Set<string>();
  for (const { id } of targets) {
    if (seen.has(id))
      throw new TypeError(`target "${id}" is given twice; give it a weight instead`);
    seen.add(id);
  }
  return [...targets];
}
