/**
 * Target sets for the tests of balancers: who is out is said by the test, chance is seeded.
 */
import { seededRandom } from "../../../../src/base/random.js";
import { BALANCE } from "../../../../src/catalog/balance-defaults.js";
import type { Balancer } from "../../../../src/targets/balance/balancer.js";
import { createTarget, parseTarget, type Target } from "../../../../src/targets/target.js";
import { createTargetSet, type TargetSet } from "../../../../src/targets/target-set.js";

export interface MadeTarget {
  readonly weight?: number;
  readonly priority?: number;
  readonly zone?: string;
  /** Share of its weight that it may carry. */
  readonly share?: number;
}

export interface MadeSet {
  readonly set: TargetSet;
  readonly clock: { value: number };
  /** Names of the targets that take no call; tell the set when it changes. */
  readonly out: Set<string>;
  /** How often a target was looked at. */
  readonly looks: { count: number };
  at(name: string): Target;
  /** The name of the target that a call gets. */
  choose(headers?: readonly string[], tried?: readonly string[]): string | null;
  /** How often each target is chosen. */
  tally(calls: number, headersOf?: (call: number) => readonly string[]): Record<string, number>;
}

export function madeSet(
  balancer: Balancer,
  targets: Readonly<Record<string, MadeTarget>>,
  options: { readonly seed?: number; readonly zone?: string } = {},
): MadeSet {
  const random = seededRandom(options.seed ?? 1);
  const clock = { value: 0 };
  const out = new Set<string>();
  const looks = { count: 0 };
  const make = (name: string, { share = 1, ...rank }: MadeTarget): Target =>
    createTarget({ ...parseTarget(`http://${name}`), ...rank }, null, {
      get state() {
        return out.has(name) ? ("unhealthy" as const) : ("healthy" as const);
      },
      deniedForMs() {
        looks.count += 1;
        return out.has(name) ? 1_000 : 0;
      },
      share: () => share,
      reason: null,
      untried: false,
      overruled: false,
      monitor: null,
    });
  const set = createTargetSet(
    { clock: { now: () => clock.value }, random },
    Object.entries(targets).map(([name, one]) => make(name, one)),
    { balancer, zone: options.zone ?? null, overflowBelow: BALANCE.overflowBelow, sticky: null },
  );
  const at = (name: string): Target => {
    const target = set.get(`http://${name}`);
    if (target === undefined) throw new Error(`there is no ${name}`);
    return target;
  };
  const choose: MadeSet["choose"] = (headers = [], tried = []) =>
    set.choose(
      { method: "GET", path: "/", headers },
      tried.map((name) => `http://${name}`),
    )?.hostname ?? null;
  return {
    set,
    clock,
    out,
    looks,
    at,
    choose,
    tally(calls, headersOf = () => []) {
      const counts: Record<string, number> = {};
      for (let call = 0; call < calls; call += 1) {
        const name = choose(headersOf(call)) ?? "none";
        counts[name] = (counts[name] ?? 0) + 1;
      }
      return counts;
    },
  };
}

/** Targets `t0`, `t1` and so on. */
export function many(count: number, one: MadeTarget = {}): Record<string, MadeTarget> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`t${index}`, one]));
}
