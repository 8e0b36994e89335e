import { describe, expect, it } from "vitest";
import { hashRing } from "../../../src/targets/balance/hash-ring.js";
import { twoChoices } from "../../../src/targets/balance/least-cost.js";
import { roundRobin } from "../../../src/targets/balance/round-robin.js";
import { madeSet } from "./balance/made-set.js";

const PRIMARIES = { a: {}, b: {}, c: {}, d: {} };
const BACKUPS = { x: { priority: 1 }, y: { priority: 1 } };

describe("priorities", () => {
  it("a backup gets nothing while the first tier is fit to carry the calls", () => {
    const made = madeSet(roundRobin(), { ...PRIMARIES, ...BACKUPS });
    expect(Object.keys(made.tally(100)).sort()).toEqual(["a", "b", "c", "d"]);
    made.out.add("a");
    made.set.changed();
    expect(Object.keys(made.tally(100)).sort()).toEqual(["b", "c", "d"]);
  });

  it("below the threshold the first tier keeps what it can bear, the next gets the rest", () => {
    const made = madeSet(roundRobin(), { ...PRIMARIES, ...BACKUPS });
    for (const name of ["a", "b"]) made.out.add(name);
    made.set.changed();
    const { c = 0, d = 0, x = 0, y = 0 } = made.tally(7_000);
    // Half of it is healthy; it bears 0.5 / 0.7 of the calls.
    expect(c + d).toBeGreaterThan(4_800);
    expect(c + d).toBeLessThan(5_200);
    expect(x + y).toBe(7_000 - c - d);
  });

  it("the next tier carries all once the first is gone, and gives all back afterwards", () => {
    const made = madeSet(roundRobin(), { ...PRIMARIES, ...BACKUPS });
    for (const name of Object.keys(PRIMARIES)) made.out.add(name);
    made.set.changed();
    expect(made.tally(100)).toEqual({ x: 50, y: 50 });
    made.out.clear();
    made.set.changed();
    expect(Object.keys(made.tally(100)).sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("a tier that fails unseen is found out by the calls themselves", () => {
    const made = madeSet(roundRobin(), { a: {}, x: { priority: 1 } });
    expect(made.choose()).toBe("a");
    made.out.add("a");
    expect(made.choose()).toBe("x");
  });

  it("a repeat goes to a backup rather than to a target that failed already", () => {
    const made = madeSet(roundRobin(), { a: {}, x: { priority: 1 } });
    expect(made.choose([], ["a"])).toBe("x");
  });

  it("when no tier is healthy enough for all, every tier serves what it can", () => {
    const made = madeSet(roundRobin(), {
      ...PRIMARIES,
      w: { priority: 1 },
      ...BACKUPS,
      z: { priority: 1 },
    });
    for (const name of ["a", "b", "c", "w", "x", "y"]) made.out.add(name);
    made.set.changed();
    const counts = made.tally(1_000);
    expect(Object.keys(counts).sort()).toEqual(["d", "z"]);
    expect(counts["z"]).toBeGreaterThan(200);
  });

  it("keys that go on to the next tier are always the same ones", () => {
    const key = ({ headers }: { readonly headers: readonly string[] }) => headers[1] ?? null;
    const ring = hashRing(key, 1.25, twoChoices());
    const made = madeSet(ring, { ...PRIMARIES, ...BACKUPS });
    for (const name of ["a", "b"]) made.out.add(name);
    made.set.changed();
    const once = Array.from({ length: 200 }, (_, user) => made.choose(["x-user", `${user}`]));
    const again = Array.from({ length: 200 }, (_, user) => made.choose(["x-user", `${user}`]));
    expect(again).toEqual(once);
    expect(new Set(once).size).toBe(4);
  });
});

describe("zones", () => {
  const targets = {
    near1: { zone: "a" },
    near2: { zone: "a" },
    anywhere: {},
    far1: { zone: "b" },
    far2: { zone: "b" },
  };

  it("targets of the own zone are preferred, and those without one", () => {
    const made = madeSet(twoChoices(), targets, { zone: "a" });
    expect(Object.keys(made.tally(200)).sort()).toEqual(["anywhere", "near1", "near2"]);
  });

  it("too few healthy ones in the own zone let calls go to others of the same priority", () => {
    const made = madeSet(twoChoices(), { ...targets, backup: { priority: 100 } }, { zone: "a" });
    for (const name of ["near1", "near2"]) made.out.add(name);
    made.set.changed();
    const counts = made.tally(1_000);
    expect(Object.keys(counts).sort()).toEqual(["anywhere", "far1", "far2"]);
    expect(counts["anywhere"]).toBeGreaterThan(400);
  });

  it("a gateway without a zone does not look at them", () => {
    const made = madeSet(twoChoices(), targets);
    expect(Object.keys(made.tally(300))).toHaveLength(5);
  });
});
