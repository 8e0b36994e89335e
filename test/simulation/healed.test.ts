/**
 * A target that was silent is used again when it is well: what it had swallowed ends with timeouts
 * long after, and says nothing of now. Real upstreams on virtual time.
 */
import { describe, expect, it } from "vitest";
import type { UpstreamOptions } from "../../src/options/options.js";
import { threeInstances } from "./three-instances.js";

const SILENT_AT = 3_000;
const WELL_AT = 8_000;
/** A trial just before it is well fails by silence, and the open time after it is the third. */
const FIRST_MS_MAX = 7_500;
/** Then the ramp of the slow start is over. */
const SETTLED_MS = FIRST_MS_MAX + 10_000;
const SECONDS = 45;

describe.each([
  ["round_robin", 15],
  ["round_robin", 200],
  ["two_choices", 200],
] as const)("by %s at %i calls/s", (balance, perSecond) => {
  it.each([30_000, 5_000])(
    "has its share again, with %i ms to answer",
    async (responseMs) => {
      const upstream: Partial<UpstreamOptions> = { balance, timeouts: { responseMs } };
      const script = [
        [SILENT_AT, 0, "silent"],
        [WELL_AT, 0, "normal"],
      ] as const;
      for (const seed of [1, 2, 3]) {
        const run = { seed, method: "GET", perSecond, seconds: SECONDS, upstream, script } as const;
        const { executedAt, tries } = await threeInstances(run);
        const first = executedAt[0]?.find((at) => at >= WELL_AT) ?? Number.POSITIVE_INFINITY;
        expect(first - WELL_AT, `seed ${seed}`).toBeLessThan(FIRST_MS_MAX);
        const settled = executedAt.map((times) => times.filter((at) => at > WELL_AT + SETTLED_MS));
        const share = (settled[0]?.length ?? 0) / settled.flat().length;
        expect(share, `seed ${seed}`).toBeGreaterThan(0.3);
        expect(tries).toBeLessThan(1.05);
      }
    },
    60_000,
  );
});

describe("by latency alone, since no breaker and no ejection knows of it", () => {
  const CALM = { breaker: false, ejection: false, balance: "two_choices" } as const;
  const LONG_SILENT = [
    [SILENT_AT, 0, "silent"],
    [20_000, 0, "normal"],
  ] as const;

  it.each([
    [15, 5_000],
    [200, 2_500],
  ])("at %i calls/s a target is tried within %i ms, by one call at a time", async (rate, ms) => {
    for (const seed of [1, 2, 3, 4]) {
      const { executedAt, answeredWell, tries, max } = await threeInstances({
        ...{ seed, method: "GET", perSecond: rate, seconds: SECONDS, script: LONG_SILENT },
        upstream: { ...CALM, timeouts: { responseMs: 10_000 } },
      });
      const first = executedAt[0]?.find((at) => at >= 20_000) ?? Number.POSITIVE_INFINITY;
      expect(first - 20_000, `seed ${seed}`).toBeLessThan(ms);
      const settled = executedAt.map((times) => times.filter((at) => at > 30_000));
      const share = (settled[0]?.length ?? 0) / settled.flat().length;
      expect(share, `seed ${seed}`).toBeGreaterThan(0.25);
      expect(answeredWell).toBe(1);
      // Those that came when it fell silent wait for their time-out, the others a second.
      expect(max).toBeLessThan(10_100);
      expect(tries, `seed ${seed}`).toBeLessThan(1.05);
    }
  });
});
