import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BALANCE } from "../../../../src/catalog/balance-defaults.js";
import type { Balancer } from "../../../../src/targets/balance/balancer.js";
import { hashRing } from "../../../../src/targets/balance/hash-ring.js";
import { leastPending, twoChoices } from "../../../../src/targets/balance/least-cost.js";
import { roundRobin } from "../../../../src/targets/balance/round-robin.js";
import { madeSet, many } from "./made-set.js";

const keyOf = ({ headers }: { readonly headers: readonly string[] }): string | null =>
  headers[1] ?? null;
const hash = (): Balancer => hashRing(keyOf, BALANCE.loadFactor, twoChoices());

/** Each with fields that make calls differ, so that hashing spreads them, too. */
const BALANCERS: readonly (readonly [string, () => Balancer])[] = [
  ["round_robin", roundRobin],
  ["least_pending", leastPending],
  ["two_choices", twoChoices],
  ["hash", hash],
];
const differing = (call: number): readonly string[] => ["x-user", `user ${call}`];

describe.each(BALANCERS)("%s", (name, balancer) => {
  it("gives each target its share of the weight while none is busy", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 1, maxLength: 6 }),
        fc.integer(),
        (weights, seed) => {
          const targets = Object.fromEntries(weights.map((weight, at) => [`t${at}`, { weight }]));
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const calls = 4_000;
          const counts = madeSet(balancer(), targets, { seed }).tally(calls, differing);
          for (const [at, weight] of weights.entries()) {
            const wanted = (calls * weight) / total;
            const got = counts[`t${at}`] ?? 0;
            // Points on a ring lie at random; eight in a hundred is their spread.
            const slack = name === "hash" ? wanted * 0.45 + 40 : 6 * Math.sqrt(wanted) + 4;
            expect(Math.abs(got - wanted)).toBeLessThan(slack);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("never chooses one that is out, and always finds one that is not", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
        fc.integer(),
        (outs, seed) => {
          const made = madeSet(balancer(), many(outs.length), { seed });
          for (const [at, out] of outs.entries()) if (out) made.out.add(`t${at}`);
          made.set.changed();
          const all = outs.every(Boolean);
          for (let call = 0; call < 20; call += 1) {
            const chosen = made.choose(differing(call));
            if (all) expect(chosen).toBeNull();
            else expect(outs[Number(chosen?.slice(1))]).toBe(false);
          }
        },
      ),
    );
  });

  it("leaves nobody without calls who is fit", () => {
    const made = madeSet(balancer(), many(20));
    const counts = made.tally(2_000, differing);
    expect(Object.keys(counts)).toHaveLength(20);
  });

  it("prefers targets that the call has not tried, and comes back when there are no others", () => {
    const made = madeSet(balancer(), many(5));
    for (let call = 0; call < 50; call += 1) {
      expect(made.choose(differing(call), ["t0", "t1", "t2", "t3"])).toBe("t4");
    }
    made.out.add("t4");
    expect(made.choose(differing(0), ["t0", "t1", "t2", "t3"])).toMatch(/t[0-3]/);
  });

  it("gives a target in slow start the share that it may carry", () => {
    const made = madeSet(balancer(), { ...many(9), new: { share: 0.2 } });
    const counts = made.tally(5_000, differing);
    expect(counts["new"]).toBeGreaterThan(30);
    expect(counts["new"]).toBeLessThan(220);
  });

  it("serves everybody in slow start when nobody else is there", () => {
    const made = madeSet(balancer(), many(3, { share: 0.1 }));
    const counts = made.tally(3_000, differing);
    for (const name of ["t0", "t1", "t2"]) expect(counts[name]).toBeGreaterThan(600);
    expect(counts["none"]).toBeUndefined();
  });

  it("looks at as many of a thousand targets as of ten", () => {
    const looks = (count: number): number => {
      const made = madeSet(balancer(), many(count));
      made.choose(differing(0));
      made.looks.count = 0;
      made.tally(500, differing);
      return made.looks.count / 500;
    };
    expect(looks(1_000)).toBeLessThanOrEqual(looks(10) + 1);
    expect(looks(1_000)).toBeLessThanOrEqual(1 + 2 * BALANCE.leastPendingChoices);
  });

  it("looks at a few more, not at all, with a fifth of a thousand targets out", () => {
    const made = madeSet(balancer(), many(1_000));
    for (let at = 0; at < 200; at += 1) made.out.add(`t${at}`);
    made.set.changed();
    made.choose(differing(0));
    made.looks.count = 0;
    made.tally(500, differing);
    expect(made.looks.count / 500).toBeLessThan(25);
  });
});

describe("two choices", () => {
  it("sends less to a slow target, and more again once its latency is forgotten", () => {
    const made = madeSet(twoChoices(), many(4));
    for (const name of ["t0", "t1", "t2", "t3"]) {
      made.at(name).latency.observe(name === "t0" ? 200 : 20, 0);
    }
    expect(made.tally(400)["t0"]).toBeUndefined();
    made.at("t0").latency.forget(0, 0);
    expect(made.tally(400)["t0"]).toBeGreaterThan(40);
  });

  it("sends no more to a target that is idle since it fails fast", () => {
    const made = madeSet(twoChoices(), many(3));
    for (const name of ["t1", "t2"]) {
      made.at(name).latency.observe(20, 0);
      made.at(name).pending = 40;
    }
    made.at("t0").latency.observe(BALANCE.failureMs, 0);
    expect(made.tally(300)["t0"]).toBeUndefined();
  });

  it("is not moved by noise of measuring", () => {
    const made = madeSet(twoChoices(), many(2));
    made.at("t0").latency.observe(20, 0);
    made.at("t1").latency.observe(22, 0);
    const counts = made.tally(1_000);
    expect(Math.abs((counts["t0"] ?? 0) - 500)).toBeLessThan(80);
  });
});

describe("least pending", () => {
  it("finds the least busy of a handful, by weight", () => {
    const made = madeSet(leastPending(), { a: {}, b: { weight: 4 }, c: {} });
    Object.assign(made.at("a"), { pending: 3 });
    Object.assign(made.at("b"), { pending: 7 });
    Object.assign(made.at("c"), { pending: 2 });
    expect(made.tally(50)).toEqual({ b: 50 });
    Object.assign(made.at("b"), { pending: 9 });
    expect(made.tally(50)).toEqual({ c: 50 });
  });
});

describe("least pending, where a target fails fast", () => {
  it("counts its failures as pending, by its weight, until they are forgotten", () => {
    const made = madeSet(leastPending(), { a: { weight: 2 }, b: {} });
    made.at("b").pending = 2;
    for (let count = 0; count < 5; count += 1) made.at("a").latency.fail(1, 0);
    expect(made.tally(50)).toEqual({ b: 50 });
    made.clock.value = BALANCE.failureMs;
    expect(made.tally(50)).toEqual({ a: 50 });
  });

  it("holds one failure of long ago against nobody", () => {
    const made = madeSet(leastPending(), many(2));
    made.at("t0").latency.fail(1, 0);
    made.clock.value = BALANCE.failureMs;
    expect(made.tally(400)["t0"]).toBeGreaterThan(140);
  });

  it("gives it less and less of many, too", () => {
    const made = madeSet(leastPending(), many(20));
    for (const { latency } of made.set.targets.slice(1)) latency.observe(20, 0);
    made.at("t0").latency.fail(1, 0);
    expect(made.tally(400)["t0"]).toBeUndefined();
  });
});

describe("round robin", () => {
  it("asks a target with five of seven turns no more than three times in a row", () => {
    const made = madeSet(roundRobin(), { a: { weight: 5 }, b: {}, c: {} });
    const order = Array.from({ length: 70 }, () => made.choose()).join("");
    expect(order.replaceAll(/[bc]/g, "")).toHaveLength(50);
    expect(order).not.toContain("aaaa");
  });
});

describe("hash", () => {
  const owners = (made: ReturnType<typeof madeSet>, keys: number): readonly (string | null)[] =>
    Array.from({ length: keys }, (_, key) => made.choose(differing(key)));

  it("sends a key to one target, also from another gateway", () => {
    const [one, other] = [madeSet(hash(), many(10)), madeSet(hash(), many(10), { seed: 99 })];
    expect(owners(one, 500)).toEqual(owners(other, 500));
  });

  it("moves only the keys of a target that goes, comes or is out", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 30 }), fc.nat(), (count, which) => {
        const gone = `t${which % count}`;
        const made = madeSet(hash(), many(count));
        const before = owners(made, 300);
        made.out.add(gone);
        const without = owners(made, 300);
        made.out.delete(gone);
        const target = made.set.remove(`http://${gone}`);
        expect(owners(made, 300)).toEqual(without);
        for (const [key, owner] of before.entries()) {
          if (owner === gone) expect(without[key]).not.toBe(gone);
          else expect(without[key]).toBe(owner);
        }
        if (target !== null) made.set.add(target);
        expect(owners(made, 300)).toEqual(before);
      }),
      { numRuns: 30 },
    );
  });

  it("gives no target more than its bounded share of what is under way", () => {
    const made = madeSet(hash(), many(5));
    const same = ["x-user", "always the same"];
    for (let call = 0; call < 100; call += 1) {
      const target = made.at(made.choose(same) ?? "");
      made.set.begin(target);
    }
    const pending = made.set.targets.map((target) => target.pending);
    expect(Math.max(...pending)).toBeLessThanOrEqual(Math.ceil((100 / 5) * BALANCE.loadFactor));
    expect(pending.reduce((sum, one) => sum + one, 0)).toBe(100);
  });

  it("leaves a call without a key to the other balancer", () => {
    const made = madeSet(hash(), many(4));
    expect(Object.keys(made.tally(200))).toHaveLength(4);
  });
});
