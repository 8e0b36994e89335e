/** A target that is added while the upstream serves, on virtual time: its share grows. */
import { describe, expect, it } from "vitest";
import { emitter } from "../../src/base/emitter.js";
import { seededRandom } from "../../src/base/random.js";
import { createUpstream } from "../../src/gateway/upstream.js";
import { normaliseUpstream } from "../../src/options/normalise.js";
import type { UpstreamOptions } from "../../src/options/options.js";
import type { GatewayEvents } from "../../src/records/events.js";
import { answeredTransport } from "../../src/testing/answered-transport.js";
import { virtualClock } from "../../src/testing/virtual-clock.js";
import { requestOf } from "../pipe/world.js";
import { simulatedParts } from "./parts.js";

const OLD = "http://10.0.0.1:8080";
const NEW = "http://10.0.0.2:8080";

/** 200 calls a second of 10 ms each. */
function served(options: Partial<UpstreamOptions>, seed = 1) {
  const clock = virtualClock();
  const random = seededRandom(seed);
  const probes: { target: string; pass(): void }[] = [];
  const parts = simulatedParts(
    clock,
    seed,
    emitter<GatewayEvents>(),
    (_clock, target, _ask, done) => {
      probes.push({ target: target.id, pass: () => done(null) });
      return { cancel: () => {} };
    },
  );
  const upstream = createUpstream(parts, normaliseUpstream("app", { targets: OLD, ...options }));
  const wire = answeredTransport(clock);
  const execute = upstream.executeOver(() => wire.transport);
  let counts: Record<string, number> = {};
  void (async () => {
    for (;;) {
      const sent = await wire.next();
      counts[sent.target] = (counts[sent.target] ?? 0) + 1;
      clock.after(5 + 10 * random.next(), () => void sent.respond(200));
    }
  })();
  let failed = 0;
  const call = (): void => {
    const made = upstream.newCall(requestOf({}), "id", null, null);
    void execute(made).then((outcome) => {
      if (outcome.kind !== "success") failed += 1;
    });
    clock.after(5, call);
  };
  return {
    upstream,
    clock,
    probes,
    begin: call,
    failures: () => failed,
    /** The share of the new target in this time. */
    async share(ms: number): Promise<number> {
      counts = {};
      await clock.advance(ms);
      const { [OLD]: old = 0, [NEW]: fresh = 0 } = counts;
      return fresh / (old + fresh);
    },
  };
}

const POLICIES = ["two_choices", "least_pending", "round_robin"] as const;

describe("a target that is added beside one that serves", () => {
  it.each(POLICIES)(
    "gets little at first, and its part after seven seconds (%s)",
    async (balance) => {
      const world = served({ balance });
      world.begin();
      await world.share(3_000);
      world.upstream.control.add(NEW);
      expect(await world.share(500)).toBeLessThan(0.15);
      const rising = await world.share(3_000);
      expect(rising).toBeGreaterThan(0.15);
      expect(rising).toBeLessThan(0.4);
      await world.share(4_000);
      expect(await world.share(3_000)).toBeGreaterThan(0.45);
      expect(world.failures()).toBe(0);
    },
  );

  it("gets all of its share at once without slow start", async () => {
    const world = served({ slowStart: false, balance: "round_robin" });
    world.begin();
    await world.share(3_000);
    world.upstream.control.add(NEW);
    expect(await world.share(500)).toBeGreaterThan(0.45);
  });

  it("gets all at once where all are new, or the others have gone", async () => {
    const world = served({ balance: "round_robin" });
    world.upstream.control.add(NEW);
    world.begin();
    expect(await world.share(500)).toBeGreaterThan(0.45);
    const replaced = served({ balance: "round_robin" });
    replaced.begin();
    await replaced.share(3_000);
    replaced.upstream.targets.batch(() => {
      replaced.upstream.control.add(NEW);
      void replaced.upstream.control.remove(OLD);
    });
    expect(await replaced.share(500)).toBe(1);
    const [only] = replaced.upstream.targets.targets;
    expect(only?.health.share()).toBe(1);
  });

  it("takes every call if the others fail meanwhile", async () => {
    const world = served({});
    world.begin();
    await world.share(3_000);
    world.upstream.control.add(NEW);
    await world.share(100);
    void world.upstream.control.remove(OLD);
    expect(await world.share(500)).toBe(1);
    expect(world.failures()).toBe(0);
  });
});

describe('a target that is "down" before its first probe', () => {
  const probe = { path: "/health", initial: "down" } as const;

  it("gets no call before it has passed, and the ramp begins then", async () => {
    const world = served({ probe, balance: "round_robin" });
    world.begin();
    await world.clock.advance(10);
    world.probes[0]?.pass();
    await world.share(3_000);
    world.upstream.control.add(NEW);
    const asked = (): boolean => world.probes.some(({ target }) => target === NEW);
    expect(await world.share(2_000)).toBe(0);
    expect(asked()).toBe(true);
    for (const { target, pass } of world.probes) if (target === NEW) pass();
    expect(await world.share(500)).toBeLessThan(0.15);
    await world.share(7_000);
    expect(await world.share(2_000)).toBeGreaterThan(0.45);
    expect(world.failures()).toBe(0);
  });

  it("holds calls back until it has, where it is the only one", async () => {
    const world = served({ probe });
    world.begin();
    expect(await world.share(500)).toBeNaN();
    expect(world.failures()).toBe(0);
    world.probes[0]?.pass();
    await world.share(100);
    expect([world.failures(), world.upstream.targets.pending > 0]).toEqual([0, true]);
  });
});
