import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DASHBOARD } from "../../../src/catalog/dashboard-defaults.js";
import { collect } from "../../../src/dashboard/collector.js";
import { histogram, merge, observe, percentile } from "../../../src/dashboard/histogram.js";
import { changesOf, wholeState } from "../../../src/dashboard/state.js";
import { attempt, REFUSED, told } from "./records.js";

const { slotMs, slots, failuresMax, recoveredMax, changesMax, upstreamsMax } = DASHBOARD;

function collected() {
  const world = told();
  const collector = collect(world.gateway, world.clock);
  const of = (name: string) => collector.upstreams.get(name);
  return { ...world, collector, of };
}

describe("the histogram of latencies", () => {
  it("is at most 8 % beside the truth, from half a millisecond to ten minutes", () => {
    const latencies = fc.array(fc.double({ min: 0.5, max: 600_000, noNaN: true }), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(latencies, fc.constantFrom(0.5, 0.95, 0.99), (all, share) => {
        const counts = histogram();
        for (const ms of all) observe(counts, ms);
        const sorted = [...all].sort((a, b) => a - b);
        const truth = sorted[Math.ceil(all.length * share) - 1] as number;
        const read = percentile(counts, share) as number;
        expect(Math.abs(read - truth) / truth).toBeLessThan(0.08);
      }),
    );
  });

  it("adds up to the histogram of both, and says nothing of nothing", () => {
    const [one, two] = [histogram(), histogram()];
    expect(percentile(one, 0.5)).toBeNull();
    observe(one, 10);
    observe(two, 1_000);
    observe(two, 1e9);
    merge(one, two);
    expect(one.reduce((sum, count) => sum + count, 0)).toBe(3);
    expect(percentile(one, 0.5)).toBeCloseTo(1_000, -2);
  });
});

describe("the collector", () => {
  it("counts calls, failures by name, repeats and latencies by slots", async () => {
    const { clock, end, of } = collected();
    end();
    end(REFUSED);
    const lost = attempt({ code: "connection_terminated", blame: "upstream", status: null });
    end({ attempts: [lost, attempt({ number: 2 })], durationMs: 100 });
    await clock.advance(slotMs);
    end({ kind: "upgrade", durationMs: 60_000 });
    expect(of("orders")?.traffic.since(0)).toEqual([
      {
        slot: 0,
        calls: 3,
        failures: { connection_refused: 1 },
        recovered: 1,
        repeats: 1,
        // Latencies of 10, 10 and 100 ms, as well as a histogram knows them.
        p50: 10.1,
        p95: 94.4,
        p99: 94.4,
      },
      // The length of a tunnel is no latency.
      {
        slot: 1,
        calls: 1,
        failures: {},
        recovered: 0,
        repeats: 0,
        p50: null,
        p95: null,
        p99: null,
      },
    ]);
    expect(of("orders")?.traffic.now()).toMatchObject({ calls: 4, recovered: 1 });
    expect(of("search")?.traffic.since(0)).toEqual([]);
  });

  it("forgets what is older than fifteen minutes, and uses the memory again", async () => {
    const { clock, end, of } = collected();
    end(REFUSED);
    await clock.advance((slots - 1) * slotMs);
    expect(of("orders")?.traffic.since(0)).toHaveLength(1);
    expect(of("orders")?.traffic.now().calls).toBe(0);
    await clock.advance(slotMs);
    expect(of("orders")?.traffic.since(0)).toEqual([]);
    end();
    expect(of("orders")?.traffic.since(0)).toMatchObject([{ slot: slots, calls: 1, failures: {} }]);
  });

  it("keeps so many failures for each upstream, and none is displaced by a neighbour's", () => {
    const { end, of } = collected();
    end({ ...REFUSED, upstream: "search" });
    const made = { attempts: [attempt({ code: "stale_connection", blame: "network" }), attempt()] };
    for (let call = 0; call < 100; call += 1) {
      // Of another route each; a number would be one of many ids.
      const path = `/${"x".repeat(call % 60)}${call < 60 ? "y" : "z"}`;
      end({ ...REFUSED, path, id: String(call) });
      end({ ...made, path });
    }
    const failures = of("orders")?.failures() ?? [];
    expect(failures.filter(({ recovered }) => !recovered)).toHaveLength(failuresMax);
    expect(failures.filter(({ recovered }) => recovered)).toHaveLength(recoveredMax);
    expect(failures.at(-1)).toMatchObject({ code: "stale_connection", recovered: true });
    expect(failures.at(-2)).toMatchObject({ id: "99", code: "connection_refused" });
    expect(of("search")?.failures()).toHaveLength(1);
  });

  it("tells equal failures once: how often, since when, and the latest ones", async () => {
    const { clock, end, of } = collected();
    const orders = (id: number): string => `/orders/${id}`;
    const startedAt = 1_767_225_600_000;
    for (let call = 1; call <= 15; call += 1) {
      const at = startedAt + call * 1_000;
      end({ ...REFUSED, id: String(call), path: orders(call), startedAt: at });
    }
    end({ ...REFUSED, method: "POST", path: orders(1) });
    end({ ...REFUSED, path: "/search" });
    end({
      ...REFUSED,
      path: orders(1),
      attempts: [{ ...REFUSED.attempts[0], target: "http://b" }],
    });
    const failures = of("orders")?.failures() ?? [];
    expect(failures.map(({ times }) => times)).toEqual([15, 1, 1, 1]);
    const [many] = failures;
    const since = startedAt + 1_000 + 10;
    expect(many).toMatchObject({ id: "15", route: "/orders/:id", seq: 15, group: 1, since });
    expect(many?.before.map(({ id }) => id)).toEqual(["11", "12", "13", "14"]);
    expect(many?.before.at(-1)).toMatchObject({ path: "/orders/14", durationMs: 10 });

    // After a quarter of an hour it is another event.
    await clock.advance(1);
    end({ ...REFUSED, path: orders(16), startedAt: startedAt + 15_000 + slots * slotMs });
    expect(of("orders")?.failures().at(-1)).toMatchObject({ times: 1, before: [], group: 19 });
  });

  it("cuts what comes from outside to a length, and shows the last attempts", () => {
    const { end, of } = collected();
    const lost = attempt({ code: "connection_refused", blame: "upstream" });
    const attempts = Array.from({ length: 30 }, (_, index) => ({ ...lost, number: index + 1 }));
    end({ ...REFUSED, path: `/${"x".repeat(10_000)}`, method: "M".repeat(500), attempts });
    const [failure] = of("orders")?.failures() ?? [];
    expect(failure?.path).toHaveLength(DASHBOARD.textCharsMax);
    expect(failure?.method).toHaveLength(DASHBOARD.textCharsMax);
    expect(failure?.attempts).toHaveLength(DASHBOARD.attemptsMax);
    expect(failure).toMatchObject({ attemptsLeftOut: 20 });
    expect(failure?.attempts.at(-1)?.number).toBe(30);
  });

  it("says nothing of the client", () => {
    const { end, of } = collected();
    const client = {
      address: "203.0.113.9",
      forwardedFor: null,
      httpVersion: "1.1",
      host: "shop.example",
      userAgent: "secret-agent",
      referer: null,
    };
    end({ ...REFUSED, client });
    expect(JSON.stringify(of("orders")?.failures())).not.toMatch(/203\.0|secret|shop\.example/);
  });

  it("keeps so many upstreams and so many changes", () => {
    const { end, events, of, collector } = collected();
    for (let origin = 0; origin < upstreamsMax * 2; origin += 1) {
      end({ upstream: `http://${origin}.example` });
    }
    expect(collector.upstreams.size).toBeLessThanOrEqual(upstreamsMax);
    for (let change = 0; change < 200; change += 1) {
      events.emit("upstream:state", {
        upstream: "orders",
        required: false,
        from: "down",
        to: "healthy",
      });
      events.emit("load:change", { shedding: true, eventLoopDelayMs: 120.4 });
    }
    expect(of("orders")?.changes()).toHaveLength(changesMax);
    expect(collector.changes()).toHaveLength(changesMax);
    expect(collector.changes()[0]).toMatchObject({
      kind: "load",
      to: "shedding",
      reason: "the event loop is 120 ms late",
    });
  });

  it("listens to nothing after it was stopped, and keeps no timer", () => {
    const { clock, events, endedCalls, collector } = collected();
    const listened = ["breaker:change", "incident:start", "target:health"] as const;
    expect(listened.map((name) => events.has(name))).toEqual([true, true, true]);
    expect(endedCalls.heard).toBe(true);
    expect(clock.pending()).toBe(0);
    collector.stop();
    expect(listened.map((name) => events.has(name))).toEqual([false, false, false]);
    expect(endedCalls.heard).toBe(false);
  });
});

describe("what a viewer is told", () => {
  it("is everything once, as plain data", () => {
    const { gateway, collector, end } = collected();
    end(REFUSED);
    const whole = wholeState(gateway, collector);
    expect(JSON.parse(JSON.stringify(whole))).toEqual(whole);
    expect(whole).toMatchObject({
      version: 1,
      names: ["orders", "search"],
      upstreamsLeftOut: 0,
      snapshot: { name: "edge", upstreams: [{ name: "orders" }, { name: "search" }] },
      failures: [{ code: "connection_refused" }],
    });
    expect(whole.traffic["orders"]?.now.failures).toEqual({ connection_refused: 1 });
  });

  it("is then only what has changed", async () => {
    const { clock, gateway, collector, end, events } = collected();
    const look = changesOf(gateway, collector);
    expect(look().names).toEqual(["orders", "search"]);
    const quiet = look();
    expect([quiet.snapshot.upstreams, quiet.traffic, quiet.failures]).toEqual([[], {}, []]);
    end(REFUSED);
    events.emit("breaker:change", {
      upstream: "search",
      target: "http://b",
      from: "closed",
      to: "open",
      reason: "consecutive_failures",
      openForMs: 1_000,
    });
    const news = look();
    expect(Object.keys(news.traffic)).toEqual(["orders"]);
    expect(news.failures).toMatchObject([{ upstream: "orders", at: expect.any(Number) }]);
    expect(news.changes).toMatchObject([{ kind: "breaker", upstream: "search", to: "open" }]);
    expect([look().traffic, look().failures, look().changes]).toEqual([{}, [], []]);
    // The minute passes: what is said of now changes without a call.
    await clock.advance(slots * slotMs);
    expect(look().traffic["orders"]).toMatchObject({ slots: [], now: { calls: 0 } });
  });
});
