/**
 * Targets in tiers: by priority, and within a priority those of the gateway's own zone first.
 *
 * A tier carries all calls while enough of it is healthy. Below that it keeps as many as it can
 * bear, and the rest goes on to the next tier, so that a half-dead tier is not finished off and the
 * next one is not hit by everything at once.
 */
import type { BalanceField, Balancer, Picker } from "./balance/balancer.js";
import type { Stickiness } from "./balance/sticky.js";
import type { Target } from "./target.js";

export interface Tier {
  readonly targets: readonly Target[];
  readonly picker: Picker;
  /** The share of its calls that it can bear, up to 1. */
  capacity: number;
}

export interface TierOptions {
  readonly balancer: Balancer;
  /** The zone of this gateway; null when it has none. */
  readonly zone: string | null;
  /** The healthy share of a tier below which calls go on to the next one. */
  readonly overflowBelow: number;
  /** Leads clients back to their targets; null when they may go anywhere. */
  readonly sticky: Stickiness | null;
}

/** The tiers in the order in which they are asked. */
export function tiersOf(
  targets: readonly Target[],
  field: BalanceField,
  { balancer, zone }: TierOptions,
): readonly Tier[] {
  const ranks = new Map<string, { readonly order: number; readonly targets: Target[] }>();
  for (const target of targets) {
    // A target without a zone is as near as any.
    const far = zone !== null && target.zone !== null && target.zone !== zone;
    const rank = ranks.get(`${target.priority} ${far}`);
    if (rank !== undefined) rank.targets.push(target);
    else {
      const order = target.priority * 2 + (far ? 1 : 0);
      ranks.set(`${target.priority} ${far}`, { order, targets: [target] });
    }
  }
  return [...ranks.values()]
    .sort((one, other) => one.order - other.order)
    .map((rank) => ({
      targets: rank.targets,
      picker: balancer.over(rank.targets, field),
      capacity: 1,
    }));
}

/** Where clients are led back to, by what their cookies say. */
export type Homes = ReadonlyMap<string, { readonly target: Target; readonly tier: number }>;

export function homesOf(tiers: readonly Tier[], { tokenOf }: Stickiness): Homes {
  return new Map(
    tiers.flatMap(({ targets }, tier) =>
      targets.map((target) => [tokenOf(target.id), { target, tier }] as const),
    ),
  );
}

/** The first tier that can bear all calls; no call is led back to one behind it. */
export function lastNeeded(tiers: readonly Tier[]): number {
  const index = tiers.findIndex(({ capacity }) => capacity >= 1);
  return index === -1 ? tiers.length - 1 : index;
}

/** Counts anew what each tier can bear. */
export function measure(tiers: readonly Tier[], overflowBelow: number): void {
  for (const tier of tiers) {
    let healthy = 0;
    let all = 0;
    for (const target of tier.targets) {
      all += target.weight;
      if (isHealthy(target)) healthy += target.weight;
    }
    tier.capacity = Math.min(1, healthy / all / overflowBelow);
  }
}

/** Whether nothing speaks against it at all; a breaker in half_open still does. */
export function isHealthy({ breaker, health, draining }: Target): boolean {
  return !draining && health.state === "healthy" && (breaker?.state ?? "closed") === "closed";
}

/** Which tier is asked first; `draw` is between 0 and 1. */
export function firstTier(tiers: readonly Tier[], draw: () => number): number {
  let left = -1;
  for (const [index, { capacity }] of tiers.entries()) {
    if (capacity >= 1) return index;
    if (left < 0) left = draw();
    if (left < capacity) return index;
    left -= capacity;
  }
  // Together they cannot bear the calls; then each serves what it can, from the first on.
  return 0;
}
