/** Members that share a limit, on the virtual clock, above a store that can fail. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import type { CountMode } from "../../../src/catalog/options/rate-limit.js";
import { RATE_LIMIT } from "../../../src/catalog/rate-limit-defaults.js";
import { ruleOf } from "../../../src/rate-limit/gcra.js";
import { GuardedStore, type StoreChange } from "../../../src/rate-limit/guarded-store.js";
import { RateCounter } from "../../../src/rate-limit/rate-counter.js";
import { localStore, type RateStore } from "../../../src/rate-limit/store.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const HANG = new Promise<never>(() => {});

function fleet(mode: CountMode, members: number, { tripMs = 1 } = {}) {
  const clock = virtualClock();
  const inner = localStore(clock, 10_000);
  const state = { frozen: false, refused: false, trips: 0, tripMs };
  const changes: StoreChange[] = [];
  const store: RateStore = {
    ...inner,
    async take(...args) {
      state.trips += 1;
      if (state.refused) throw new Error("connect ECONNREFUSED");
      if (state.frozen) await HANG;
      await clock.sleep(state.tripMs);
      return inner.take(...args);
    },
  };
  const counters = Array.from({ length: members }, () => {
    const guarded = new GuardedStore(store, clock, 25, (change) => changes.push(change));
    const parts = {
      clock,
      mode,
      store: guarded,
      keysMax: 1_000,
      members: () => members,
      name: "api",
    };
    return new RateCounter(parts);
  });
  return { clock, state, counters, changes };
}

type Fleet = ReturnType<typeof fleet>;

/** What passes at each member in so long a time, when each asks so often. */
async function run(
  { clock, counters }: Fleet,
  rates: readonly number[],
  rule: ReturnType<typeof ruleOf>,
  forMs: number,
): Promise<number> {
  const random = seededRandom(24);
  let passed = 0;
  for (let ms = 0; ms < forMs; ms += 1) {
    for (const [index, counter] of counters.entries()) {
      if (random.next() >= (rates[index] as number) / 1_000) continue;
      void Promise.resolve(counter.take("key", 1, rule)).then(({ allowed }) => {
        if (allowed) passed += 1;
      });
    }
    await clock.advance(1);
  }
  await clock.advance(50);
  return passed;
}

const RULE = ruleOf(400, 1_000, 400);
const SECONDS = 5;
/** What one limiter alone lets pass in that time. */
const FAIR = 400 + 400 * SECONDS;

describe("a limit of eight members", () => {
  it.each<[CountMode, string, number[], number]>([
    ["exact", "evenly", Array(8).fill(100), 0],
    ["leased", "evenly", Array(8).fill(100), 0.02],
    ["leased", "by one of them", [700, ...Array(7).fill(10)], 0.05],
  ])("%s, asked %s, passes what it says and hardly less", async (mode, _how, rates, over) => {
    const made = fleet(mode, 8);
    const passed = await run(made, rates, RULE, SECONDS * 1_000);
    expect(passed).toBeLessThanOrEqual(FAIR * (1 + over) + 1);
    expect(passed).toBeGreaterThan(FAIR * 0.9);
  });

  it("leased, asks the store far less often than it is asked", async () => {
    const made = fleet("leased", 2);
    await run(made, [180, 180], RULE, 3_000);
    expect(made.state.trips).toBeLessThan((2 * 180 * 3) / 4);
  });

  it("refuses who is over it without asking the store again", async () => {
    const made = fleet("exact", 1);
    const rule = ruleOf(2, 60_000, 2);
    const asked = Array.from({ length: 2 }, () => made.counters[0]?.take("key", 1, rule));
    await made.clock.advance(5);
    for (const one of asked) expect((await one)?.allowed).toBe(true);
    const { trips } = made.state;
    for (let more = 0; more < 1_000; more += 1) {
      expect(made.counters[0]?.take("key", 1, rule)).toMatchObject({
        allowed: false,
        remaining: 0,
      });
    }
    expect(made.state.trips).toBe(trips);
  });

  it("gives back what was leased and not used", async () => {
    const made = fleet("leased", 1);
    const rule = ruleOf(1_000, 10_000, 1_000);
    const [counter] = made.counters;
    for (let asked = 0; asked < 200; asked += 1) {
      void counter?.take("key", 1, rule);
      await made.clock.advance(1);
    }
    await made.clock.advance(12_000);
    const decided = await Promise.all([counter?.take("key", 1_000, rule), made.clock.advance(5)]);
    expect(decided[0]).toMatchObject({ allowed: true, remaining: 0 });
  });

  it("divided, grants each its part and asks nobody", async () => {
    const made = fleet("divided", 8);
    const passed = await run(made, Array(8).fill(200), RULE, SECONDS * 1_000);
    expect(passed).toBeLessThanOrEqual(FAIR);
    expect(passed).toBeGreaterThan(FAIR * 0.9);
    expect(made.state.trips).toBe(0);
  });
});

describe("a store that fails", () => {
  it.each<[string, CountMode]>([
    ["frozen", "exact"],
    ["frozen", "leased"],
    ["refused", "leased"],
  ])(
    "%s: the first of %s waits at most 25 ms, the next for nothing, and each keeps its share",
    async (how, mode) => {
      const made = fleet(mode, 8);
      made.state[how as "frozen" | "refused"] = true;
      const rule = ruleOf(80, 1_000, 80);
      for (const counter of made.counters) {
        const first = counter.take("key", 1, rule);
        expect(first).toBeInstanceOf(Promise);
        await made.clock.advance(25);
        expect(await first).toMatchObject({ allowed: true });
        let passed = 1;
        for (let asked = 0; asked < 100; asked += 1) {
          const next = counter.take("key", 1, rule);
          expect(next).not.toBeInstanceOf(Promise);
          if ("allowed" in next && next.allowed) passed += 1;
        }
        expect(passed).toBe(10);
      }
      expect(made.changes.filter(({ up }) => !up)).toHaveLength(8);
    },
  );

  it("is asked again now and then, and never by a request that waits", async () => {
    const made = fleet("exact", 1);
    const [counter] = made.counters as [RateCounter];
    made.state.frozen = true;
    void counter.take("key", 1, RULE);
    await made.clock.advance(25);
    const { trips } = made.state;
    for (let second = 0; second < 600; second += 1) {
      await made.clock.advance(1_000);
      expect(counter.take("key", 1, RULE)).not.toBeInstanceOf(Promise);
    }
    // Those that were never answered are bounded.
    expect(made.state.trips - trips).toBe(RATE_LIMIT.trialsOpenMax);
  });

  it("that was refused is used again after its first answer in time", async () => {
    const made = fleet("leased", 1);
    const [counter] = made.counters as [RateCounter];
    made.state.refused = true;
    await counter.take("key", 1, RULE);
    made.state.refused = false;
    await made.clock.advance(1_000);
    expect(counter.take("key", 1, RULE)).not.toBeInstanceOf(Promise);
    await made.clock.advance(5);
    expect(made.changes.map(({ up }) => up)).toEqual([false, true]);
    expect(counter.take("key", 1, RULE)).toBeInstanceOf(Promise);
  });

  it("gives back what it granted too late", async () => {
    const made = fleet("exact", 1, { tripMs: 40 });
    const [counter] = made.counters as [RateCounter];
    const rule = ruleOf(2, 60_000, 2);
    const first = counter.take("key", 2, rule);
    await made.clock.advance(200);
    expect(await first).toMatchObject({ allowed: true });
    made.state.tripMs = 1;
    await made.clock.advance(1_000);
    void counter.take("other", 1, rule);
    await made.clock.advance(5);
    const whole = counter.take("third", 2, rule);
    await made.clock.advance(5);
    expect(await whole).toMatchObject({ allowed: true });
    const again = counter.take("key", 2, rule);
    await made.clock.advance(5);
    expect(await again).toMatchObject({ allowed: true });
  });
});
