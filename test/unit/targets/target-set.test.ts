import { describe, expect, it } from "vitest";
import { REFUSING } from "../../../src/catalog/defaults.js";
import type { Balancer } from "../../../src/targets/balance/balancer.js";
import { hashRing } from "../../../src/targets/balance/hash-ring.js";
import { roundRobin } from "../../../src/targets/balance/round-robin.js";
import type { Breaker } from "../../../src/targets/breaker.js";
import { createTarget, parseTarget, type Target } from "../../../src/targets/target.js";
import { createTargetSet, type TargetSet } from "../../../src/targets/target-set.js";

type Waits = Record<string, number>;

/** Targets by their host names; `waits` says for how long the breaker of each refuses. */
function targetsOf(weights: Record<string, number>, waits: Waits = {}): Target[] {
  return Object.entries(weights).map(([name, weight]) => {
    const deniedForMs = () => waits[name] ?? 0;
    const lastResort = () => {};
    const breaker = { deniedForMs, lastResort } as Partial<Breaker> as Breaker;
    return createTarget({ ...parseTarget(`http://${name}`), weight }, breaker);
  });
}

const PARTS = { clock: { now: () => 0 }, random: { next: () => 0 } };
const REQUEST = { method: "GET", path: "/", headers: [] };

const setWith = (targets: readonly Target[], balancer: Balancer = roundRobin()): TargetSet =>
  createTargetSet(PARTS, targets, {
    balancer,
    zone: null,
    overflowBelow: 0.7,
    sticky: null,
  });

const setOf = (weights: Record<string, number>, waits: Waits = {}) =>
  setWith(targetsOf(weights, waits));

const names = (count: number, choose: () => Target | null): string =>
  Array.from({ length: count }, () => choose()?.hostname ?? "-").join("");

describe("weighted round robin", () => {
  it("takes turns", () => {
    const set = setOf({ a: 1, b: 1, c: 1 });
    expect(names(6, () => set.choose(REQUEST, []))).toBe("abcabc");
  });

  it("spreads a heavy weight instead of bunching it", () => {
    const set = setOf({ a: 5, b: 1, c: 1 });
    expect(names(7, () => set.choose(REQUEST, []))).toBe("abaaaca");
  });

  it("gives each target its share over many calls, fractions too", () => {
    const set = setOf({ a: 0.5, b: 1.5 });
    const chosen = names(400, () => set.choose(REQUEST, []));
    expect(chosen.replaceAll("b", "")).toHaveLength(100);
  });

  it("a target that was left out for a time does not catch up all at once", () => {
    const waits: Waits = { a: 1 };
    const set = setOf({ a: 1, b: 1 }, waits);
    names(100, () => set.choose(REQUEST, []));
    waits["a"] = 0;
    const chosen = names(10, () => set.choose(REQUEST, []));
    expect(chosen.replaceAll("b", "")).toHaveLength(5);
  });
});

describe("a target set", () => {
  it("prefers targets that were not tried", () => {
    const set = setOf({ a: 1, b: 1 });
    expect(names(3, () => set.choose(REQUEST, ["http://a"]))).toBe("bbb");
  });

  it("comes back to a tried target when no other is admitted", () => {
    const set = setOf({ a: 1, b: 1 }, { b: 500 });
    expect(set.choose(REQUEST, ["http://a"])?.hostname).toBe("a");
    expect(set.hasUntried(["http://a"])).toBe(false);
  });

  it("never chooses one whose breaker refuses", () => {
    const set = setOf({ a: 1, b: 1, c: 1 }, { b: 500 });
    expect(names(4, () => set.choose(REQUEST, []))).toBe("acac");
  });

  it("never chooses one that drains or is out of health", () => {
    const [a, b, c] = targetsOf({ a: 1, b: 1, c: 1 });
    if (a === undefined || b === undefined || c === undefined) return;
    const sick = {
      ...b,
      health: { ...b.health, state: "ejected", deniedForMs: () => 400 } as const,
    };
    const set = setWith([a, sick, c]);
    expect(names(4, () => set.choose(REQUEST, []))).toBe("acac");
    a.draining = true;
    c.draining = true;
    expect(set.choose(REQUEST, [])).toBeNull();
    expect(set.deniedForMs()).toBe(400);
  });

  it("says how long until the first one is admitted", () => {
    const set = setOf({ a: 1, b: 1 }, { a: 700, b: 300 });
    expect(set.choose(REQUEST, [])).toBeNull();
    expect(set.deniedForMs()).toBe(300);
  });

  it("asks a target without a breaker always", () => {
    const set = setWith([createTarget(parseTarget("http://a"), null)]);
    expect(set.choose(REQUEST, [])?.hostname).toBe("a");
    expect(set.deniedForMs()).toBe(0);
  });

  it("takes targets in and lets them go", () => {
    const set = setOf({ a: 1 });
    const [b] = targetsOf({ b: 1 });
    if (b !== undefined) set.add(b);
    expect(names(2, () => set.choose(REQUEST, []))).toBe("ab");
    expect(set.remove("http://a")?.hostname).toBe("a");
    expect(set.remove("http://a")).toBeNull();
    expect(names(2, () => set.choose(REQUEST, []))).toBe("bb");
  });

  it("without targets chooses none, for ever", () => {
    const set = setOf({});
    expect(set.choose(REQUEST, [])).toBeNull();
    expect(set.deniedForMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("refuses the same target twice", () => {
    const [a] = targetsOf({ a: 1 });
    const set = setOf({ a: 1 });
    expect(() => a !== undefined && set.add(a)).toThrow('target "http://a" is given twice');
  });
});

describe("a target whose connections are all in use", () => {
  const full = (set: TargetSet, ...hosts: string[]): void => {
    for (const target of set.targets) {
      target.exchangesMax = 2;
      target.pending = hosts.includes(target.hostname) ? 2 : 1;
    }
  };

  it("gets no call that another one has a connection for", () => {
    const set = setOf({ a: 1, b: 1, c: 1 });
    full(set, "a", "c");
    expect(names(6, () => set.choose(REQUEST, []))).toBe("bbbbbb");
    full(set, "b");
    expect(names(100, () => set.choose(REQUEST, []))).not.toContain("b");
  });

  it("takes turns with the others when all are", () => {
    const set = setOf({ a: 1, b: 1, c: 1 });
    full(set, "a", "b", "c");
    const chosen = names(9, () => set.choose(REQUEST, []));
    expect([...chosen].sort().join("")).toBe("aaabbbccc");
  });

  it("comes before one that fails, and before one that was tried", () => {
    const set = setOf({ a: 1, b: 1 });
    const [, b] = set.targets as [Target, Target];
    full(set, "a");
    const failing = createTarget(parseTarget("http://x"), null, {
      ...b.health,
      monitor: { overdue: true } as never,
    });
    set.add(failing);
    expect(names(4, () => set.choose(REQUEST, ["http://b"]))).toBe("aaaa");
  });
});

describe("a target that refuses what its peers answer", () => {
  /** After a row of 404s there, and so many good answers from each of its peers. */
  const isAvoided = (goodOfEach: number, balancer?: Balancer): boolean => {
    const targets = targetsOf({ a: 1, b: 1, c: 1 });
    const [first, ...peers] = targets as [Target, ...Target[]];
    const set = setWith(targets, balancer);
    set.answered(first, 0, 404);
    for (const peer of peers) {
      for (let answer = 0; answer < goodOfEach; answer += 1) set.answered(peer, 0, 200);
    }
    for (let call = 0; call < 12; call += 1) set.answered(first, 0, 404);
    return first.refusing?.holds(REFUSING.compareMs) === true;
  };

  it("lets its peers answer first, who take longer", () => {
    const targets = targetsOf({ a: 1, b: 1, c: 1 });
    const [first] = targets as [Target];
    const set = setWith(targets);
    const refuse = (times: number): void => {
      for (let call = 0; call < times; call += 1) set.answered(first, 0, 404);
    };
    refuse(REFUSING.missedMin - 1);
    expect(names(6, () => set.choose(REQUEST, []))).toContain("a");
    refuse(1);
    expect(names(6, () => set.choose(REQUEST, []))).not.toContain("a");
    expect(first.refusing?.holds(REFUSING.compareMs)).toBe(false);
  });

  it("is said to, from the third on, until it answers well", () => {
    const targets = targetsOf({ a: 1, b: 1, c: 1 });
    const set = setWith(targets);
    const answers = (status: number, times: number, of: readonly Target[]): void => {
      for (let call = 0; call < times; call += 1) {
        for (const target of of) set.answered(target, 0, status);
      }
    };
    const [first, ...peers] = targets as [Target, ...Target[]];
    answers(200, 1, targets);
    answers(404, 1, [first]);
    answers(200, REFUSING.missedMin, peers);
    answers(404, REFUSING.oddMin - 2, [first]);
    expect(first.refusing?.isOdd).toBe(false);
    answers(404, 1, [first]);
    expect(first.refusing?.isOdd).toBe(true);
    answers(200, 1, [first]);
    expect(first.refusing?.isOdd).toBe(false);
    answers(404, 30, targets);
    expect(targets.map(({ refusing }) => refusing?.isOdd)).toEqual([false, false, false]);
  });

  it("goes on where its peers refuse as well", () => {
    const targets = targetsOf({ a: 1, b: 1, c: 1 });
    const set = setWith(targets);
    for (let call = 0; call < 60; call += 1) {
      for (const target of targets) set.answered(target, 0, 404);
    }
    expect(targets.some(({ refusing }) => refusing?.holds(0))).toBe(false);
  });

  it("is found soon where calls go anywhere", () => {
    expect(isAvoided(0)).toBe(false);
    expect(isAvoided(1)).toBe(true);
  });

  it("needs more where one client's calls all go there", () => {
    const byUser = hashRing(() => "one", 1.25, roundRobin());
    expect(isAvoided(9, byUser)).toBe(false);
    expect(isAvoided(10, byUser)).toBe(true);
  });
});
