// When probes are sent, on a clock that is moved by hand; the probe itself is played.
import { describe, expect, it } from "vitest";
import type { Random } from "../../../src/base/random.js";
import { seededRandom } from "../../../src/base/random.js";
import { PROBE } from "../../../src/catalog/defaults.js";
import { parseTarget } from "../../../src/targets/target.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";
import type { ProbeDone } from "../../../src/transports/probe.js";
import { activeProber, type ProbeResult } from "../../../src/watching/probing.js";
import { healthWorld } from "../targets/health-world.js";

const INTERVAL_MS = 5_000;
const SETTINGS = {
  path: "/healthz",
  statuses: [[200, 299]],
  body: null,
  userAgent: "test",
  allowH2: false,
  timeoutMs: 2_000,
  intervalMs: INTERVAL_MS,
} as const;

const MIDDLE: Random = { next: () => 0.5 };

function played(random: Random = MIDDLE) {
  const clock = virtualClock();
  const [member] = healthWorld({ targets: 1, probes: true }).members;
  if (member === undefined) throw new Error("there is no target");
  const at: number[] = [];
  const results: ProbeResult[] = [];
  const world = { wrong: null as string | null, takesMs: 0, most: 0, results, clock };
  let running = 0;
  const probe = (_clock: unknown, _target: unknown, _question: unknown, done: ProbeDone) => {
    at.push(clock.now());
    running += 1;
    world.most = Math.max(world.most, running);
    const timer = clock.after(world.takesMs, () => {
      running -= 1;
      done(world.wrong);
    });
    return { cancel: () => timer.cancel() };
  };
  const target = parseTarget("http://a");
  const prober = activeProber({ clock, random, probe }, target, SETTINGS, member.health, (result) =>
    results.push(result),
  );
  prober.start();
  /** Times between probes from now on. */
  const gaps = async (ms: number): Promise<readonly number[]> => {
    const from = at.length - 1;
    await clock.advance(ms);
    return at
      .slice(from)
      .map((time, index, all) => time - (all[index - 1] ?? time))
      .slice(1);
  };
  return { world, prober, gaps };
}

describe("the time between probes", () => {
  it("is the interval, spread by a tenth either way and never the same for all", async () => {
    const { gaps } = played(seededRandom(1));
    const found = await gaps(100 * INTERVAL_MS);
    expect(found.length).toBeGreaterThan(90);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(INTERVAL_MS * (1 - PROBE.jitter));
    expect(Math.max(...found)).toBeLessThanOrEqual(INTERVAL_MS * (1 + PROBE.jitter));
    expect(Math.max(...found) - Math.min(...found)).toBeGreaterThan(INTERVAL_MS * PROBE.jitter);
  });

  it("is a fifth of it from the first failed probe until it is well again", async () => {
    const { world, gaps } = played();
    expect(await gaps(3 * INTERVAL_MS)).toEqual([INTERVAL_MS, INTERVAL_MS, INTERVAL_MS]);
    world.wrong = "status 500";
    const [last, ...faster] = await gaps(4 * INTERVAL_MS);
    expect(last).toBe(INTERVAL_MS);
    expect(new Set(faster)).toEqual(new Set([INTERVAL_MS / PROBE.fasterFactor]));
    world.wrong = null;
    const back = await gaps(4 * INTERVAL_MS);
    expect(back.slice(0, 2)).toEqual([INTERVAL_MS / 5, INTERVAL_MS / 5]);
    expect(back.at(-1)).toBe(INTERVAL_MS);
  });

  it("begins when a probe is over: a slow one is never joined by another", async () => {
    const { world, gaps } = played();
    await gaps(0);
    world.takesMs = 3 * INTERVAL_MS;
    const found = await gaps(20 * INTERVAL_MS);
    expect(world.most).toBe(1);
    expect(found.at(-1)).toBe(4 * INTERVAL_MS);
    expect(world.results.at(-1)?.tookMs).toBe(3 * INTERVAL_MS);
  });

  it("has an end: nothing is probed nor waited for once it is stopped", async () => {
    const { world, prober, gaps } = played();
    await gaps(2 * INTERVAL_MS);
    prober.stop();
    expect(await gaps(10 * INTERVAL_MS)).toEqual([]);
    expect(world.clock.pending()).toBe(0);
  });
});
