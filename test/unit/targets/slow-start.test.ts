import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rampShare } from "../../../src/targets/slow-start.js";

const ramp = { rampMs: 10_000, shareMin: 0.1 };

describe("slow start", () => {
  it("goes in a straight line from its least share to the full one", () => {
    expect([0, 5_000, 10_000, 60_000].map((ms) => rampShare(ms, ramp))).toEqual([0.1, 0.55, 1, 1]);
    expect(rampShare(Number.POSITIVE_INFINITY, ramp)).toBe(1);
  });

  it("is never nothing, never more than all, and never falls", () => {
    const time = fc.double({ min: -1_000, max: 1e9, noNaN: true });
    const options = fc.record({
      rampMs: fc.double({ min: 0.001, max: 1e8, noNaN: true }),
      shareMin: fc.double({ min: 0.001, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(time, time, options, (one, other, given) => {
        const [early, late] = [Math.min(one, other), Math.max(one, other)];
        const [first, second] = [rampShare(early, given), rampShare(late, given)];
        expect(first).toBeGreaterThan(0);
        expect(second).toBeLessThanOrEqual(1);
        expect(second).toBeGreaterThanOrEqual(first);
      }),
    );
  });
});
