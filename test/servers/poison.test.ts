/**
 * What poison costs the others, on sockets: a gateway with its defaults before an application that
 * is well, for every kind of poison, one target and three, GET and POST. Counted, not timed;
 * `npm run figures:poison` has more of it, with HAProxy and nginx beside it.
 */
import { beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { KINDS, playPoison } from "./tools/poison.js";

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
  const worst = results.map(({ failed: lost }, at) => ({ ...cells[at], lost }));
  expect(failed, JSON.stringify(worst.filter(({ lost }) => lost > 0))).toBeLessThan(calls / 100);
}, 60_000);
