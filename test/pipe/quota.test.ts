/** What is sent keeps the quota of the upstream, on the virtual clock. */
import { describe, expect, it } from "vitest";
import { type OutgoingQuotaOptions, outgoingQuota } from "../../src/rate-limit/quota.js";
import type { RateStore } from "../../src/rate-limit/store.js";
import { NOTHING_HELD, type World, type WorldOptions, world } from "./world.js";

const NO_RETRY = { retry: { enabled: false } };

function limited(options: Partial<OutgoingQuotaOptions>, more: WorldOptions = NO_RETRY): World {
  return world({ quota: outgoingQuota({ limit: 10, windowMs: 1_000, ...options }), ...more });
}

/** Answers all that was sent; the moments at which it was. */
async function run(made: World, forMs: number): Promise<readonly number[]> {
  const moments: number[] = [];
  for (let ms = 0; ms < forMs; ms += 1) {
    for (const one of made.wire.sent.slice(moments.length)) {
      moments.push(made.clock.now());
      one.respond(200);
    }
    await made.clock.advance(1);
  }
  return moments;
}

describe("a quota of the upstream", () => {
  it("is kept in every window, and calls go in their turn", async () => {
    const made = limited({ burst: 4, queueMs: 10_000 });
    const calls = Array.from({ length: 40 }, (_, index) => made.send({ path: `/${index}` }));
    const moments = await run(made, 9_000);
    expect(moments).toHaveLength(40);
    for (const from of moments) {
      expect(moments.filter((at) => at >= from && at < from + 1_000).length).toBeLessThanOrEqual(
        10,
      );
    }
    expect(moments.at(-1)).toBeLessThan(6_100);
    expect(calls.every((call) => call.result() === 200)).toBe(true);
    expect(made.wire.sent.map(({ exchange }) => exchange.request.path)).toEqual(
      calls.map((_, index) => `/${index}`),
    );
    await made.clock.advance(10_000);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("refuses who could not be sent in time, and who finds the queue full", async () => {
    const made = limited({ limit: 2, burst: 1, queueMax: 2, queueMs: 1_500 });
    const calls = Array.from({ length: 5 }, () => made.send());
    await made.clock.advance(0);
    expect(calls.map((call) => call.result())).toEqual([
      null,
      null,
      null,
      "upstream_throttled",
      "upstream_throttled",
    ]);
    const refused = await calls[3]?.outcome;
    expect(refused).toMatchObject({ failure: { retryAfterMs: expect.any(Number) } });
    await made.clock.advance(1_500);
    expect(calls.map((call) => call.result())).toEqual([
      null,
      null,
      ...Array(3).fill("upstream_throttled"),
    ]);
    expect(made.wire.sent).toHaveLength(2);
    for (const one of made.wire.sent) one.respond(200);
    await made.clock.advance(5_000);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("counts repeats, and lets go who is cut", async () => {
    const made = limited({ limit: 3, burst: 2, windowMs: 10_000, queueMs: 20_000 }, { targets: 2 });
    const first = made.send();
    (await made.wire.next()).fail("connection_refused");
    (await made.wire.next()).respond(200);
    await first.outcome;
    const second = made.send();
    await made.clock.advance(0);
    expect([made.wire.sent.length, second.result()]).toEqual([2, null]);
    second.call.cancellation.cut("client");
    await made.clock.advance(0);
    expect(second.result()).toBe("client_closed_request");
    await made.clock.advance(20_000);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("counts by a key where the API does", async () => {
    const made = limited({ limit: 1, windowMs: 60_000, by: { header: "x-tenant" }, queueMax: 0 });
    const of = (name: string) => made.send({ headers: ["X-Tenant", name] });
    const calls = [of("a"), of("a"), of("b"), of("b")];
    await made.clock.advance(0);
    expect(calls.map((call) => call.result())).toEqual([
      null,
      "upstream_throttled",
      null,
      "upstream_throttled",
    ]);
  });

  it("waits for a store once, and goes on with its share", async () => {
    const store: RateStore = { kind: "frozen", take: () => new Promise(() => {}) };
    const options = { limit: 8, burst: 4, members: 2, count: "exact", store, queueMax: 0 } as const;
    const made = limited({ ...options, windowMs: 60_000 });
    const first = made.send();
    await made.clock.advance(24);
    expect(made.wire.sent).toHaveLength(0);
    await made.clock.advance(1);
    expect(made.wire.sent).toHaveLength(1);
    const next = [made.send(), made.send()];
    await made.clock.advance(0);
    expect(made.wire.sent).toHaveLength(2);
    expect([first, ...next].map((call) => call.result())).toEqual([
      null,
      null,
      "upstream_throttled",
    ]);
  });
});
