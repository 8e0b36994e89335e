/**
 * Poison by chance: of hundreds of worlds none loses more than a call in a hundred of the others',
 * and at most half of the targets are out by it.
 */
import { describe, expect, it } from "vitest";
import { poisonWorld } from "./poison-worlds.js";
import { poisoned } from "./poisoned.js";
import { isReplay, seedsOf } from "./seeds.js";

/** Of a good answer, and what a pause of a moment adds. */
const P99_MS_MAX = 115;
/** Fewer calls a second say little: chance alone makes a target look ill now and then. */
const FEW_PER_SECOND = 5;

describe("callers beside poison by chance", () => {
  const { seeds, ms } = seedsOf(120);
  it(
    `lose nothing by it, and no target but a half: ${seeds.length} worlds`,
    async () => {
      let [calls, lost] = [0, 0];
      for (const seed of seeds) {
        const world = poisonWorld(seed);
        const result = await poisoned(world);
        if (isReplay)
          process.stdout.write(`${JSON.stringify(world)}\n${result.history.join("\n")}`);
        const { perSecond } = world.others;
        const failed = Math.round(result.failed * result.calls);
        const what = `replay it with SEED=${seed}: ${JSON.stringify(result.codes)}`;
        calls += result.calls;
        lost += failed;
        expect(result.p99, what).toBeLessThan(P99_MS_MAX);
        if (perSecond < FEW_PER_SECOND) continue;
        expect(failed, what).toBeLessThanOrEqual(Math.max(1, result.calls / 100));
        expect(result.outMost, what).toBeLessThanOrEqual(Math.max(1, world.targets / 2));
      }
      expect(lost).toBeLessThanOrEqual(calls / 1_000);
    },
    ms,
  );
});
