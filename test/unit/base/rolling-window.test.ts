import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../../src/base/invariant.js";
import { BUCKETS, rollingWindow } from "../../../src/base/rolling-window.js";

const WINDOW_MS = 10_000;

const handClock = (start = 0) => {
  const clock = { time: start, now: () => clock.time };
  return clock;
};

describe("rollingWindow", () => {
  it("adds up what was counted, by key", () => {
    const window = rollingWindow(handClock(), WINDOW_MS);
    window.add("success");
    window.add("success");
    window.add("failure", 3);
    expect(window.totals()).toEqual({ success: 2, failure: 3 });
    expect(window.total("failure")).toBe(3);
  });

  it("counts the keys it is given and refuses others", () => {
    const window = rollingWindow(handClock(), WINDOW_MS, ["deposit", "withdrawal"]);
    window.add("withdrawal", 5);
    expect(window.totals()).toEqual({ deposit: 0, withdrawal: 5 });
    // @ts-expect-error a key that was not declared
    expect(() => window.add("success")).toThrow(InvariantError);
  });

  it("forgets bucket by bucket, so that the total shrinks in steps", () => {
    const clock = handClock();
    const window = rollingWindow(clock, WINDOW_MS);
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      clock.time = bucket * (WINDOW_MS / BUCKETS);
      window.add("failure");
    }
    const totals: number[] = [];
    for (let step = 0; step <= BUCKETS; step += 1) {
      totals.push(window.total("failure"));
      clock.time += WINDOW_MS / BUCKETS;
    }
    expect(totals).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it("forgets everything when nobody looked for longer than a window", () => {
    const clock = handClock();
    const window = rollingWindow(clock, WINDOW_MS);
    window.add("failure", 4);
    clock.time += 1000 * WINDOW_MS + 1;
    expect(window.totals()).toEqual({ success: 0, failure: 0 });
    window.add("failure");
    expect(window.total("failure")).toBe(1);
  });

  it("forgets everything when it is cleared, and counts on", () => {
    const window = rollingWindow(handClock(), WINDOW_MS);
    window.add("failure", 4);
    window.clear();
    expect(window.total("failure")).toBe(0);
    window.add("failure");
    expect(window.total("failure")).toBe(1);
  });

  it("loses nothing when the clock steps back", () => {
    const clock = handClock(50_000);
    const window = rollingWindow(clock, WINDOW_MS);
    window.add("success");
    clock.time -= 30_000;
    window.add("success");
    expect(window.total("success")).toBe(2);
  });

  it("refuses a window without length", () => {
    for (const windowMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => rollingWindow(handClock(), windowMs)).toThrow(InvariantError);
    }
  });

  it("counts nothing older than the window, and all that is younger than nine tenths", () => {
    const event = fc.record({
      afterMs: fc.integer({ min: 0, max: 4000 }),
      key: fc.constantFrom("success" as const, "failure" as const),
      count: fc.integer({ min: 1, max: 5 }),
    });
    const windows = fc.integer({ min: 1, max: 3000 }).map((tens) => tens * BUCKETS);
    const starts = fc.integer({ min: -100_000, max: 1_000_000_000 });
    fc.assert(
      fc.property(
        windows,
        starts,
        fc.array(event, { maxLength: 60 }),
        (windowMs, start, events) => {
          const clock = handClock(start);
          const window = rollingWindow(clock, windowMs);
          const past: { at: number; key: "success" | "failure"; count: number }[] = [];
          for (const { afterMs, key, count } of events) {
            clock.time += afterMs;
            window.add(key, count);
            past.push({ at: clock.time, key, count });
            for (const one of ["success", "failure"] as const) {
              const sumSince = (ageMs: number) =>
                past
                  .filter((entry) => entry.key === one && clock.time - entry.at < ageMs)
                  .reduce((sum, entry) => sum + entry.count, 0);
              expect(window.total(one)).toBeLessThanOrEqual(sumSince(windowMs));
              expect(window.total(one)).toBeGreaterThanOrEqual(sumSince(windowMs * 0.9));
            }
          }
        },
      ),
    );
  });

  it("equals the sum of its ten buckets, for any order of adding and looking", () => {
    const step = fc.record({ afterMs: fc.nat(3000), look: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const clock = handClock();
        const window = rollingWindow(clock, WINDOW_MS);
        const times: number[] = [];
        const bucketOf = (time: number) => Math.floor(time / (WINDOW_MS / BUCKETS));
        for (const { afterMs, look } of steps) {
          clock.time += afterMs;
          if (look) {
            const young = times.filter((time) => bucketOf(clock.time) - bucketOf(time) < BUCKETS);
            expect(window.total("success")).toBe(young.length);
          } else {
            window.add("success");
            times.push(clock.time);
          }
        }
      }),
    );
  });
});
