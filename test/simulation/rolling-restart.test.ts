/**
 * Instances that are restarted one after the other without a pause, on virtual time: whoever could
 * have been served by an instance that was well when the call came is not refused.
 */
import { describe, expect, it } from "vitest";
import { type Script, threeInstances } from "./three-instances.js";

const DOWN_MS = 1_000;

/** One after the other, the next as soon as the one before it is back, until the end. */
function restarts(instances: number, pauseMs = 0, downMs = DOWN_MS): Script {
  const script: [number, number, "down" | "normal"][] = [];
  let turn = 0;
  for (let atMs = 1_000; atMs + downMs < 19_000; atMs += downMs + pauseMs) {
    const instance = turn % instances;
    script.push([atMs, instance, "down"], [atMs + downMs, instance, "normal"]);
    turn += 1;
  }
  return script;
}

describe("restarts one after the other without a pause", () => {
  it.each([
    ["two instances", 2],
    ["three instances", 3],
    ["five instances", 5],
  ])(
    "of %s lose no GET, and refuse nobody",
    async (_, instances) => {
      for (const seed of [1, 2, 3]) {
        const script = restarts(instances);
        const result = await threeInstances({
          ...{ seed, method: "GET", perSecond: 200, instances, script },
        });
        expect(result.refusedInVain, `seed ${seed}`).toBe(0);
        expect(result.failed, `seed ${seed}`).toEqual({});
      }
    },
    60_000,
  );

  it.each([300, 1_000, 3_000])(
    "of the only instance, %i ms each, refuse nobody who comes when it is back",
    async (downMs) => {
      for (const seed of [1, 2, 3]) {
        const script = restarts(1, 2_000, downMs);
        const result = await threeInstances({
          ...{ seed, method: "GET", perSecond: 200, instances: 1, script },
        });
        expect(result.refusedInVain, `seed ${seed}`).toBe(0);
      }
    },
    60_000,
  );
});
