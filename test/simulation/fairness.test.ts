/** One caller asks for far more than the upstream can do; the others ask as always. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import { fieldOf } from "../../src/targets/balance/request-key.js";
import { NOTHING_HELD, world } from "../pipe/world.js";
import { queueingServer } from "./queueing-server.js";

const callers = {
  by: "header x-user",
  of: (request: Parameters<typeof fieldOf>[0]) => fieldOf(request, "x-user"),
};

/** Twenty workers of 50 ms serve 400 calls a second; the greedy one asks for 2,000. */
async function crowd(seed: number, fair: boolean) {
  const random = seededRandom(seed);
  const made = world({
    random,
    totalMs: 5_000,
    breaker: false,
    retry: { enabled: false },
    bulkhead: { concurrencyMax: 40, queueMax: 40, queueMs: 500 },
    ...(fair ? { callers } : {}),
  });
  const server = queueingServer(made.clock, random, {
    workers: 20,
    workMs: 50,
    queueMax: Number.POSITIVE_INFINITY,
  });
  void (async () => {
    for (;;) server.take(await made.wire.next());
  })();
  const counts = new Map<string, { asked: number; good: number }>();
  const end = made.clock.now() + 20_000;
  const begin = (user: string, perSecond: number): void => {
    const count = { asked: 0, good: 0 };
    counts.set(user, count);
    const arrive = (): void => {
      if (made.clock.now() >= end) return;
      count.asked += 1;
      const sending = made.send({ headers: ["x-user", user] });
      void sending.outcome.then(() => {
        if (sending.result() === 200) count.good += 1;
      });
      made.clock.after((1_000 / perSecond) * 2 * random.next(), arrive);
    };
    arrive();
  };
  begin("greedy", 2_000);
  for (let user = 0; user < 4; user += 1) begin(`modest ${user}`, 20);
  await made.clock.advance(20_000);
  await made.clock.advance(10_000);
  expect(made.held()).toEqual(NOTHING_HELD);
  const [greedy, ...modest] = [...counts.values()];
  const good = modest.reduce((sum, one) => sum + one.good, 0);
  const asked = modest.reduce((sum, one) => sum + one.asked, 0);
  return { modest: good / asked, greedyPerSecond: (greedy?.good ?? 0) / 20 };
}

describe("a greedy caller", () => {
  it.each([1, 2, 3])(
    "takes nothing from the others (seed %i)",
    async (seed) => {
      const fair = await crowd(seed, true);
      expect(fair.modest).toBe(1);
      // What the others leave is its own.
      expect(fair.greedyPerSecond).toBeGreaterThan(250);
      const unfair = await crowd(seed, false);
      expect(unfair.modest).toBeLessThan(0.5);
    },
    60_000,
  );
});
