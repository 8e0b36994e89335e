/**
 * Consistent hashing: calls of one key go to one target.
 *
 * Every target has points on a ring, in number by its weight; a key belongs to the next point. So a
 * target that comes or goes moves its own keys and no others. The points depend on the target
 * alone, so that several gateways agree. A coarse index leads to the right part of the ring, in the
 * same time for three targets as for a thousand.
 * Guarantee: no target gets more than `loadFactor` times its share of what is under way; the calls
 * above it go on along the ring, and return when there is room.
 */
import { BALANCE } from "../../catalog/balance-defaults.js";
import type { BalanceField, BalanceRequest, Balancer, BalanceTarget, Picker } from "./balancer.js";
import { hashOf, mixed } from "./hash.js";

/** What calls have in common that belong together; null for a call without it. */
export type BalanceKey = (request: BalanceRequest) => string | null;

/** A call without a key is left to the other balancer. */
export function hashRing(key: BalanceKey, loadFactor: number, otherwise: Balancer): Balancer {
  return {
    name: "hash",
    over(targets, field) {
      const keyless = otherwise.over(targets, field);
      const ring = ringOf(targets);
      const shareOf = shares(targets);
      const hasRoom = (target: BalanceTarget): boolean => {
        const fair = (field.pending() + 1) * shareOf(target);
        return target.pending - target.latency.swallowed < Math.ceil(fair * loadFactor);
      };
      return {
        pick(request) {
          const value = key(request);
          if (value === null) return keyless.pick(request);
          return walk(ring, hashOf(value), field, hasRoom);
        },
      } satisfies Picker;
    },
    place(request) {
      const value = key(request);
      return value === null ? null : mixed(hashOf(value)) / HASHES;
    },
  };
}

const HASHES = 2 ** 32;

/** The first target along the ring that takes the call; with no room anywhere, the first one. */
function walk(
  { points, owners, targets, first }: Ring,
  hash: number,
  field: BalanceField,
  hasRoom: (target: BalanceTarget) => boolean,
): BalanceTarget | null {
  let place = first(hash);
  let full: BalanceTarget | null = null;
  let asked: BalanceTarget | null = null;
  for (let steps = Math.min(points.length, BALANCE.ringStepsMax); steps > 0; steps -= 1) {
    const target = targets[owners[place] as number] as BalanceTarget;
    place = (place + 1) % points.length;
    if (target === asked) continue;
    asked = target;
    if (!field.accepts(target)) continue;
    if (hasRoom(target)) return target;
    full ??= target;
  }
  return full;
}

interface Ring {
  /** In order. */
  readonly points: Uint32Array;
  /** Whose each of them is. */
  readonly owners: Uint16Array;
  readonly targets: readonly BalanceTarget[];
  /** The place of the first point at or after a hash. */
  first(hash: number): number;
}

function ringOf(targets: readonly BalanceTarget[]): Ring {
  const { points, owners } = pointsOf(targets);
  // One entry for each point on average, so that a few steps lead from there to the place.
  const bits = Math.ceil(Math.log2(points.length));
  const index = new Uint32Array(2 ** bits);
  let place = 0;
  for (let part = 0; part < index.length; part += 1) {
    const from = part * 2 ** (32 - bits);
    while (place < points.length && (points[place] as number) < from) place += 1;
    index[part] = place;
  }
  return {
    points,
    owners,
    targets,
    first(hash) {
      let at = index[Math.floor(hash / 2 ** (32 - bits))] as number;
      while (at < points.length && (points[at] as number) < hash) at += 1;
      return at === points.length ? 0 : at;
    },
  };
}

function pointsOf(targets: readonly BalanceTarget[]): Pick<Ring, "points" | "owners"> {
  const counts = pointCounts(targets.map(({ weight }) => weight));
  const total = counts.reduce((sum, count) => sum + count, 0);
  // Point and owner in one number: 32 bits and 16 fit into the 53 of a double, and sort as numbers.
  const both = new Float64Array(total);
  let at = 0;
  targets.forEach(({ id }, owner) => {
    const seed = hashOf(id);
    for (let point = 0; point < (counts[owner] as number); point += 1) {
      both[at] = mixed(seed + Math.imul(point, STRIDE)) * OWNERS + owner;
      at += 1;
    }
  });
  both.sort();
  return {
    points: Uint32Array.from(both, (one) => Math.floor(one / OWNERS)),
    owners: Uint16Array.from(both, (one) => one % OWNERS),
  };
}

const OWNERS = 2 ** 16;
/** Odd and far from small fractions of 2³², so that the points of a target lie apart. */
const STRIDE = 0x9e_37_79_b9;

/**
 * Of its weight alone, so that no other keys move when a target comes or goes; only weights
 * so large that the ring would not fit are all halved until it does.
 */
function pointCounts(weights: readonly number[]): readonly number[] {
  let each = BALANCE.ringPoints;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  while (total * each > BALANCE.ringPointsMax) each /= 2;
  return weights.map((weight) => Math.max(1, Math.round(weight * each)));
}

/** The share of each target in the weight of all. */
function shares(targets: readonly BalanceTarget[]): (target: BalanceTarget) => number {
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  return ({ weight }) => weight / total;
}
