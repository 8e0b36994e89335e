/**
 * Three real instances that fail in turn under 200 requests a second, with the gateway's defaults.
 *
 * Everything is counted at the client and at the instances. What a busy machine adds to a latency
 * is no fault of the gateway, so how long requests took is printed, and what is asserted is how
 * many had to wait for the silent instance. `node test/servers/three-instances/run.mjs` holds the
 * bars strictly.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { playScenario, type ScenarioResult } from "./three-instances/scenario.mjs";

/** A fortieth of what round robin would give to an instance that is silent for five seconds. */
const WAITED_MAX = 40;

beforeAll(buildQuick, 120_000);

describe("three instances that fail in turn", () => {
  it("lose no GET, and at next to no further tries", async (context) => {
    const get = await playScenario({ method: "GET" });
    print(get);
    context.skip(isBusy(get), BUSY);
    expect(get.failed).toEqual([]);
    expect(get.tries).toBeLessThanOrEqual(1.05);
    expect(get.waitedOnSilent).toBeLessThan(WAITED_MAX);
  }, 60_000);

  it("lose of POST only what was in flight, and execute none twice", async (context) => {
    const post = await playScenario({ method: "POST" });
    print(post);
    expect(post.executedTwice).toBe(0);
    context.skip(isBusy(post), BUSY);
    expect(post.answeredWell).toBeGreaterThanOrEqual(0.985);
    const elsewhere = post.failed.filter(({ fate, atMs }) => {
      // What had not been read yet when A crashed is in none of its notes.
      return fate === "unknown" && Math.abs(atMs - 3_000) > 500;
    });
    expect(elsewhere).toEqual([]);
  }, 60_000);

  it("lose no POST to a 503 that is promised to come before anything", async (context) => {
    const upstream = { retry: { unprocessedStatuses: [503] } };
    const post = await playScenario({ method: "POST", upstream });
    print(post);
    expect(post.executedTwice).toBe(0);
    expect(post.failed.filter(({ fate }) => fate === "answered 503")).toEqual([]);
    context.skip(isBusy(post), BUSY);
    expect(post.tries).toBeLessThanOrEqual(1.05);
    expect(post.answeredWell).toBeGreaterThanOrEqual(0.985);
  }, 60_000);
});

const BUSY = "the machine cannot bear the load itself, so nothing is said of the gateway";

/** Half of all answers take five times as long as the work: that is no matter of three outages. */
function isBusy({ latency }: ScenarioResult): boolean {
  return latency.p50 > 50;
}

function print({ method, latency, slow, waitedOnSilent }: ScenarioResult): void {
  const times = Object.entries(latency).map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`);
  const waited = `${slow} above 100 ms, ${waitedOnSilent} waited for the silent one`;
  process.stdout.write(`${method}: ${times.join(", ")}; ${waited}\n`);
}
