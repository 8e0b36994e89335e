/**
 * `process.nextTick` stays as quick as it was in a process with a gateway, whatever V8 collects.
 *
 * Counted is the processor's time for the same ticks before and after a collection in one process,
 * the best of several runs: 50 ns and 50 ns with a gateway, 50 ns and 290 ns without.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { tickGrowth } from "./bench/lib/ticks.mjs";
import { buildQuick } from "./tools/build-quick.mjs";

const LIMIT_MS = 120_000;
const FACTOR = 2.5;
/** The last one that is known to be slow without us. */
const NODE_MAJOR_MAX = 24;
const major = Number(process.versions.node.split(".", 1)[0]);

describe("a tick after a full collection", () => {
  beforeAll(buildQuick, LIMIT_MS);

  it("costs what it cost before, with a gateway", { timeout: LIMIT_MS }, async () => {
    expect(await tickGrowth("gateway")).toBeLessThan(FACTOR);
  });

  it.skipIf(major > NODE_MAJOR_MAX)(
    "costs several times as much without one: else src/base/tick-shape.ts can go",
    { timeout: LIMIT_MS },
    async () => {
      expect(await tickGrowth()).toBeGreaterThan(FACTOR);
    },
  );
});
