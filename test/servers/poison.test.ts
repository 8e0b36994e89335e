/**
 * What poison costs the others, on sockets: a gateway with its defaults before an application that
 * is well, for every kind of poison, one target and three, GET and POST. Counted, not timed;
 * `npm run figures:poison` has more of it, with HAProxy and nginx beside it.
 */
import { beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { KINDS, playIll, playPoison } from "./tools/poison.js";

beforeAll(buildQuick, 120_000);

it("poison takes no upstream from the others", async () => {
  const cells = KINDS.flatMap((kind, at) => [
    { kind, targets: 1, method: at % 2 === 0 ? "GET" : "POST" } as const,
    { kind, targets: 3, method: at % 2 === 0 ? "POST" : "GET" } as const,
  ]).map((cell) => ({ ...cell, perSecond: 3, poison: 6 }));
  const results = await playPoison(cells, "good-gateway", 12);
  const calls = results.reduce((sum, one) => sum + one.calls, 0);
  const failed = results.reduce((sum, one) => sum + one.failed, 0);
  expect(calls).toBeGreaterThan(cells.length * 20);
  const worst = results.map(({ failed: lost, why }, at) => ({ ...cells[at], lost, why }));
  expect(failed, JSON.stringify(worst.filter(({ lost }) => lost > 0))).toBeLessThan(calls / 100);
}, 240_000);

it.each(["500", "reset"])(
  "a target that is ill and answers its health and one route well serves no other: %s",
  async (fault) => {
    const [posts, gets] = await Promise.all([
      playIll(fault, "POST", 60, 6),
      playIll(fault, "GET", 60, 6),
    ]);
    for (const { calls, failed, lost, why } of [posts, gets]) {
      expect(calls).toBeGreaterThan(50);
      // Calls of the first second find out; then a trial is lost for each of three routes now and
      // then, after 1, 2 and 4 s.
      const later = lost.filter((number) => number >= 60).length;
      expect(later, JSON.stringify(why)).toBeLessThanOrEqual(3 * 3 + 2);
      // A quarter would be lost; two of each route find out, and one now and then.
      expect(failed, JSON.stringify(why)).toBeLessThan(Math.max(16, calls / 14));
    }
    expect(posts.failed).toBeGreaterThan(0);
    // A 500 may have acted, so it is not repeated.
    if (fault === "reset") expect(gets.failed, JSON.stringify(gets.why)).toBe(0);
  },
  120_000,
);
