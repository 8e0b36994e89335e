/** The algorithm against a plain count of what came in every window. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roomIn, ruleOf, shareOf, takeFrom, waitFor } from "../../../src/rate-limit/gcra.js";
import { KeyTable } from "../../../src/rate-limit/key-table.js";
import { networkOf } from "../../../src/rate-limit/request-keys.js";

describe("the rate of a limit", () => {
  it("lets a burst pass at once, then one for each unit of time", () => {
    const rule = ruleOf(10, 1_000, 10);
    let backlogMs = 0;
    let granted = 0;
    for (let now = 0; now < 3_000; now += 1) {
      const taken = takeFrom(rule, backlogMs, 1, false);
      granted += taken.granted;
      backlogMs = Math.max(0, taken.backlogMs - 1);
    }
    expect(granted).toBe(10 + 29);
  });

  it("never passes more than limit and burst in any window, for any costs and times", () => {
    const steps = fc.array(
      fc.tuple(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 1, max: 4 })),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 12 }),
        steps,
        (limit, burst, asked) => {
          const rule = ruleOf(limit, 1_000, Math.min(limit, burst));
          const passed: { at: number; cost: number }[] = [];
          let [now, until] = [0, 0];
          for (const [afterMs, cost] of asked) {
            now += afterMs;
            const { granted, backlogMs } = takeFrom(rule, Math.max(0, until - now), cost, false);
            if (granted > 0) passed.push({ at: now, cost });
            until = now + backlogMs;
          }
          for (const { at } of passed) {
            const within = passed.filter((one) => one.at >= at && one.at <= at + 1_000);
            const sum = within.reduce((all, { cost }) => all + cost, 0);
            expect(sum).toBeLessThanOrEqual(limit + Math.min(limit, burst));
          }
        },
      ),
      { numRuns: 200, seed: 24 },
    );
  });

  it("says when a cost fits, and fits then and not before", () => {
    const rule = ruleOf(7, 1_000, 7);
    const full = takeFrom(rule, 0, 7, false).backlogMs;
    const waitMs = waitFor(rule, full, 3);
    expect(roomIn(rule, full - waitMs + 0.01)).toBe(2);
    expect(roomIn(rule, full - waitMs)).toBe(3);
    expect(waitFor(rule, 0, 8)).toBe(Number.POSITIVE_INFINITY);
  });

  it("gives as much as there is where a part is enough, and takes back", () => {
    const rule = ruleOf(10, 1_000, 10);
    expect(takeFrom(rule, 0, 25, true)).toEqual({ granted: 10, backlogMs: 1_000 });
    expect(takeFrom(rule, 0, 25, false).granted).toBe(0);
    expect(takeFrom(rule, 1_000, -4, false)).toEqual({ granted: -4, backlogMs: 600 });
    expect(takeFrom(rule, 100, -4, false).backlogMs).toBe(0);
  });

  it("divides into parts of at least one", () => {
    expect(roomIn(shareOf(ruleOf(100, 1_000, 100), 8), 0)).toBe(12);
    expect(roomIn(shareOf(ruleOf(3, 1_000, 3), 8), 0)).toBe(1);
  });
});

describe("a table of keys", () => {
  it("is flat at its bound, and forgets who asked longest ago", () => {
    const table = new KeyTable<number>(1_000);
    table.set("first", 1);
    for (let key = 0; key < 100_000; key += 1) {
      table.set(`key ${key}`, key);
      if (key % 500 === 0) table.get("first");
    }
    expect(table.size).toBe(1_000);
    expect(table.get("first")).toBe(1);
    expect(table.get("key 98999")).toBeUndefined();
    expect(table.get("key 99999")).toBe(99_999);
  });
});

describe("the network of an address", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:0:0:0:0/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2:0:0:0:0/64"],
    ["2001:DB8:1:2:ffff::", "2001:db8:1:2:0:0:0:0/64"],
    ["::1", "0:0:0:0:0:0:0:0/64"],
    ["fe80::1%eth0", "fe80:0:0:0:0:0:0:0/64"],
    ["64:ff9b::192.0.2.7", "64:ff9b:0:0:0:0:0:0/64"],
    ["unknown", "unknown"],
  ])("of %s is %s", (address, network) => {
    expect(networkOf(address, 32, 64)).toBe(network);
  });

  it("is as long as it is asked to be", () => {
    expect(networkOf("192.0.2.7", 24, 64)).toBe("192.0.2.0/24");
    expect(networkOf("198.51.100.7", 20, 64)).toBe("198.51.96.0/20");
    expect(networkOf("2001:db8:1:2ff::9", 32, 56)).toBe("2001:db8:1:200:0:0:0:0/56");
    expect(networkOf("64:ff9b::192.0.2.7", 32, 128)).toBe("64:ff9b:0:0:0:0:c000:207/128");
  });
});
