import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ProbeCount } from "../../../src/targets/probe-count.js";

const results = fc.array(fc.boolean(), { maxLength: 60 });
const limits = fc.record({
  fall: fc.integer({ min: 1, max: 5 }),
  rise: fc.integer({ min: 1, max: 5 }),
});

/** How many results at the end of the list are all like this one. */
function inARow(list: readonly boolean[], like: boolean): number {
  return list.length - 1 - list.lastIndexOf(!like);
}

describe("a row of probes", () => {
  it("counts as up before the first, and the first decides alone", () => {
    expect(new ProbeCount({ fall: 3, rise: 2 }).state).toBe("unknown");
    for (const first of [true, false]) {
      const count = new ProbeCount({ fall: 3, rise: 2 });
      expect(count.note(first)).toBe(true);
      expect(count.state).toBe(first ? "up" : "down");
    }
  });

  it("turns after `fall` failed or `rise` good ones in a row, and never otherwise", () => {
    fc.assert(
      fc.property(results, limits, (list, { fall, rise }) => {
        const count = new ProbeCount({ fall, rise });
        let expected = "unknown";
        list.forEach((passed, index) => {
          const before = count.state;
          const changed = count.note(passed);
          const row = inARow(list.slice(0, index + 1), passed);
          if (expected === "unknown") expected = passed ? "up" : "down";
          else if (expected === "up" && !passed && row >= fall) expected = "down";
          else if (expected === "down" && passed && row >= rise) expected = "up";
          expect(count.state).toBe(expected);
          expect(changed).toBe(before !== expected);
        });
      }),
    );
  });

  it("is in doubt from the first result that speaks against its state to the next for it", () => {
    const count = new ProbeCount({ fall: 3, rise: 2 });
    const doubts = [true, false, false, true, false].map((passed) => {
      count.note(passed);
      return count.inDoubt;
    });
    expect(doubts).toEqual([false, true, true, false, true]);
  });

  it("needs `rise` good ones after the target itself has said that it takes no calls", () => {
    const count = new ProbeCount({ fall: 3, rise: 2 });
    count.note(true);
    count.doubt();
    expect(count.note(true)).toBe(false);
    expect(count.note(true)).toBe(true);
    expect(count.state).toBe("up");
  });
});
