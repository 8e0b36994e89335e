/** What routes cost the heap: 100,000 different paths that all fail or hang. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { EVIDENCE } from "../../../src/catalog/defaults.js";
import type { Call } from "../../../src/core/call.js";
import { Unanswered } from "../../../src/policies/unanswered.js";
import { RouteLedger } from "../../../src/targets/route-ledger.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const PATHS = 100_000;
/** Measured are 85 and 210 KB, compiled code included; without a bound it would be 30 MB. */
const HELD_MAX = 512 * 1_024;

/** Paths of 2 KiB, none of which looks like an id. */
const pathOf = (at: number): string => `/${at.toString(36)}-report/${"a long name/".repeat(170)}`;

/** What is left on the heap by this, while what it gives is still held. */
function heapOf(made: () => unknown): number {
  collect();
  const before = process.memoryUsage().heapUsed;
  const held = made();
  collect();
  const after = process.memoryUsage().heapUsed;
  return held === null ? Number.NaN : after - before;
}

it("routes that fail at a target hold some ten kilobytes", () => {
  const ledger = new RouteLedger({ now: () => 0 }, 5);
  const bytes = heapOf(() => {
    for (let at = 0; at < PATHS; at += 1) ledger.failed({ method: "GET", path: pathOf(at) });
    return ledger;
  });
  expect(ledger.size).toBe(EVIDENCE.routesMax);
  expect(bytes).toBeLessThan(HELD_MAX);
});

it("routes that wait in a bulkhead leave some hundred bytes for each that waited at once", () => {
  const unanswered = new Unanswered({ now: () => 0 }, { count: 1_000 });
  const bytes = heapOf(() => {
    const waiting: Call[] = [];
    for (let at = 0; at < PATHS; at += 1) {
      const request = { method: "GET", path: pathOf(at) };
      const call = { request, place: null } as unknown as Call;
      unanswered.take(call);
      waiting.push(call);
      const first = waiting.length > 500 ? waiting.shift() : undefined;
      if (first !== undefined && at % 2 === 0) unanswered.answered(first);
      else if (first !== undefined) unanswered.left(first);
    }
    for (const call of waiting) unanswered.left(call);
    return unanswered;
  });
  expect(unanswered.waiting).toBe(0);
  expect(bytes).toBeLessThan(HELD_MAX);
});
