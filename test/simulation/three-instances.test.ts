/**
 * Three instances that fail in turn: what the bars are on virtual time, where no machine is busy.
 */
import { describe, expect, it } from "vitest";
import { type ThreeInstancesResult, threeInstances } from "./three-instances.js";

/** As many as the same work gives to other proxies, and thousands. */
const RATES: readonly (readonly [perSecond: number, seeds: readonly number[]])[] = [
  [200, [1, 2, 3, 4]],
  [2_000, [1]],
];

/** In flight when A crashed, or B fell silent. */
const IN_FLIGHT = [
  "connection_terminated, method_not_idempotent",
  "http_response_timeout, method_not_idempotent",
];
/** C's own answer; a repeat might act twice (RFC 9110 §9.2.2). */
const REFUSED = "received_gateway_error, method_not_idempotent";

/** What is on its way to C when it turns; it answers within a millisecond. */
const firstRefused = (perSecond: number): number => 1 + Math.ceil(perSecond / 1_000);

function failures({ failed }: ThreeInstancesResult): number {
  return Object.values(failed).reduce((sum, count) => sum + count, 0);
}

describe.each(RATES)("three instances that fail, %i calls/s", (perSecond, seeds) => {
  it("every GET is answered well, with hardly a further try, and hardly one waits", async () => {
    for (const seed of seeds) {
      const result = await threeInstances({ seed, method: "GET", perSecond });
      expect(result, `seed ${seed}`).toMatchObject({ answeredWell: 1, failed: {} });
      expect(result.tries).toBeLessThanOrEqual(1.05);
      expect(result.p99).toBeLessThan(100);
      expect(result.onSilent).toBeLessThan(result.calls / 400);
    }
  }, 60_000);

  it("POST loses what was in flight, and none is executed twice", async () => {
    for (const seed of seeds) {
      const result = await threeInstances({ seed, method: "POST", perSecond });
      expect(result.answeredWell, `seed ${seed}`).toBeGreaterThanOrEqual(0.998);
      expect(result.executedTwice).toBe(0);
      expect([...IN_FLIGHT, REFUSED]).toEqual(expect.arrayContaining(Object.keys(result.failed)));
      expect(failures(result)).toBe(result.calls - Math.round(result.answeredWell * result.calls));
      // Of those who come later, one has to find out, since nothing else comes.
      expect(result.failed[REFUSED] ?? 0).toBeLessThanOrEqual(firstRefused(perSecond) + 1);
    }
  }, 60_000);

  it("with probes no POST has to find out whether C is well again", async () => {
    for (const seed of seeds) {
      const upstream = { probe: { path: "/healthz" } };
      const result = await threeInstances({ seed, method: "POST", perSecond, upstream });
      expect(result.failed[REFUSED] ?? 0).toBeLessThanOrEqual(firstRefused(perSecond));
      expect(result.executedTwice).toBe(0);
      expect([...IN_FLIGHT, REFUSED]).toEqual(expect.arrayContaining(Object.keys(result.failed)));
    }
  }, 60_000);

  it("with the promise that 503 comes before it acts, POST loses what was in flight", async () => {
    for (const seed of seeds) {
      const upstream = { retry: { unprocessedStatuses: [503] } };
      const result = await threeInstances({ seed, method: "POST", perSecond, upstream });
      expect(IN_FLIGHT).toEqual(expect.arrayContaining(Object.keys(result.failed)));
      expect(result.executedTwice).toBe(0);
      expect(result.tries).toBeLessThanOrEqual(1.05);
    }
  }, 60_000);
});

describe("the simulation", () => {
  it("the same seed gives the same history", async () => {
    const [one, same] = [
      await threeInstances({ seed: 4, method: "GET", perSecond: 200 }),
      await threeInstances({ seed: 4, method: "GET", perSecond: 200 }),
    ];
    expect(same).toEqual(one);
    expect(one.history.join("\n")).toContain("silence");
  }, 30_000);
});
