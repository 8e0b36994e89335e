/**
 * A target that was out is used again when it is well, however long it was out and in whatever way.
 * What it had swallowed ends with timeouts long after, and says nothing of now. Real upstreams on
 * virtual time.
 */
import { describe, expect, it } from "vitest";
import { threeInstances } from "./three-instances.js";

const OUT_AT = 3_000;
const SILENT_AT = OUT_AT;
/** What it had swallowed has timed out by then. */
const WELL_AT = 27_000;
/** From the moment at which it is well. */
const FIRST_MS_MAX = 2_000;
const SHARE_MS_MAX = 10_000;
/** What cannot be repeated is lost each time that it finds out in vain, so it does so less. */
const CAREFUL_FIRST_MS_MAX = 12_000;

const ways = [
  ["silent", "GET", 3],
  ["silent", "GET", 1],
  ["down", "GET", 3],
  ["down", "POST", 3],
  ["down", "GET", 1],
  ["refusing", "GET", 3],
  ["refusing", "POST", 1],
  [500, "GET", 3],
  [500, "POST", 3],
] as const;

describe.each([
  [15, 17_000],
  [15, 60_000],
  [200, 6_000],
])("at %i calls/s, after %i ms", (perSecond, outMs) => {
  it.each(ways)(
    "of %s, %s finds one of %i targets in time, and it has its share again",
    async (state, method, instances) => {
      for (const seed of [1, 2, 3]) {
        const wellAt = OUT_AT + outMs + seed * 137;
        const { executedAt, tries } = await threeInstances({
          ...{ seed, method, perSecond, instances },
          seconds: Math.ceil((wellAt + SHARE_MS_MAX) / 1_000) + (perSecond < 100 ? 30 : 6),
          upstream: { timeouts: { responseMs: 5_000 } },
          script: [
            [OUT_AT, 0, state],
            [wellAt, 0, "normal"],
          ],
        });
        const first = executedAt[0]?.find((at) => at >= wellAt) ?? Number.POSITIVE_INFINITY;
        expect(first - wellAt, `seed ${seed}`).toBeLessThanOrEqual(FIRST_MS_MAX);
        const late = executedAt.map((times) => times.filter((at) => at > wellAt + SHARE_MS_MAX));
        const share = ((late[0]?.length ?? 0) * instances) / late.flat().length;
        expect(share, `seed ${seed}`).toBeGreaterThan(0.8);
        expect(tries, `seed ${seed}`).toBeLessThan(1.1);
      }
    },
    120_000,
  );

  it.each(["silent", "refusing"] as const)(
    "of %s, where nothing but POST comes, within what such a call is worth",
    async (state) => {
      for (const seed of [1, 2, 3]) {
        const wellAt = OUT_AT + outMs + seed * 137;
        const { executedAt, answeredWell, calls } = await threeInstances({
          ...{ seed, method: "POST", perSecond, seconds: Math.ceil(wellAt / 1_000) + 25 },
          script: [
            [OUT_AT, 0, state],
            [wellAt, 0, "normal"],
          ],
        });
        const first = executedAt[0]?.find((at) => at >= wellAt) ?? Number.POSITIVE_INFINITY;
        expect(first - wellAt, `seed ${seed}`).toBeLessThanOrEqual(CAREFUL_FIRST_MS_MAX);
        // Those that were under way as it fell silent, and one for each time that it was tried.
        const lost = Math.round((1 - answeredWell) * calls);
        expect(lost, `seed ${seed}`).toBeLessThan(8 + outMs / 5_000);
      }
    },
    120_000,
  );
});

describe("by latency alone, since no breaker and no ejection knows of it", () => {
  const CALM = { breaker: false, ejection: false, balance: "two_choices" } as const;
  const LONG_SILENT = [
    [SILENT_AT, 0, "silent"],
    [WELL_AT, 0, "normal"],
  ] as const;

  it.each([15, 200])(
    "at %i calls/s a target is tried in time, by one call at a time",
    async (rate) => {
      for (const seed of [1, 2, 3, 4, 5, 6]) {
        const { executedAt, answeredWell, tries, max } = await threeInstances({
          ...{ seed, method: "GET", perSecond: rate, seconds: 52, script: LONG_SILENT },
          upstream: { ...CALM, timeouts: { responseMs: 10_000 } },
        });
        const first = executedAt[0]?.find((at) => at >= WELL_AT) ?? Number.POSITIVE_INFINITY;
        expect(first - WELL_AT, `seed ${seed}`).toBeLessThan(FIRST_MS_MAX);
        const settled = executedAt.map((times) =>
          times.filter((at) => at > WELL_AT + SHARE_MS_MAX),
        );
        const share = (settled[0]?.length ?? 0) / settled.flat().length;
        expect(share, `seed ${seed}`).toBeGreaterThan(0.25);
        expect(answeredWell).toBe(1);
        // Those that came when it fell silent wait for their time-out, the others a second.
        expect(max).toBeLessThan(10_100);
        expect(tries, `seed ${seed}`).toBeLessThan(1.05);
      }
    },
  );
});
