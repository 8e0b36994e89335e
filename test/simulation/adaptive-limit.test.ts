/** The adaptive limit in front of a server whose capacity changes, on the virtual clock. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import { ADAPTIVE_LIMIT } from "../../src/catalog/overload-defaults.js";
import { Call } from "../../src/core/call.js";
import { noResponse } from "../../src/core/outcome.js";
import { adaptiveLimit } from "../../src/policies/adaptive-limit.js";
import { requestOf, world } from "../pipe/world.js";
import { queueingServer } from "./queueing-server.js";

const WORK_MS = 50;

/** Clients that ask at this rate, whether the answers come or not. */
function openLoop(seed: number, adaptive = true) {
  const random = seededRandom(seed);
  const made = world({
    random,
    totalMs: 5_000,
    breaker: false,
    retry: { enabled: false },
    bulkhead: { concurrencyMax: 400, queueMax: 20, queueMs: 500 },
    ...(adaptive ? { adaptiveLimit: ADAPTIVE_LIMIT } : {}),
  });
  const server = queueingServer(made.clock, random, {
    workers: 20,
    workMs: WORK_MS,
    queueMax: Number.POSITIVE_INFINITY,
  });
  void (async () => {
    for (;;) server.take(await made.wire.next());
  })();
  const run = async (ms: number, perSecond: number) => {
    const end = made.clock.now() + ms;
    let good = 0;
    let latencyMs = 0;
    const arrive = (): void => {
      if (made.clock.now() >= end) return;
      const sending = made.send();
      const startedAt = made.clock.now();
      void sending.outcome.then(() => {
        if (sending.result() !== 200) return;
        good += 1;
        latencyMs += made.clock.now() - startedAt;
      });
      made.clock.after((1_000 / perSecond) * 2 * random.next(), arrive);
    };
    arrive();
    await made.clock.advance(ms);
    return { perSecond: good / (ms / 1_000), meanMs: latencyMs / good, limit: made.places.places };
  };
  return { run, server, made };
}

describe("the adaptive limit", () => {
  it("under twice the load keeps throughput full and the queue at the upstream short", async () => {
    // 20 workers of 50 ms serve 400 calls a second.
    const { run } = openLoop(1);
    await run(10_000, 800);
    const seen = await run(10_000, 800);
    expect(seen.perSecond).toBeGreaterThan(360);
    expect(seen.limit).toBeGreaterThanOrEqual(18);
    expect(seen.limit).toBeLessThanOrEqual(45);
    // With a limit that stands still they all wait in the upstream's queue.
    const { run: runFixed } = openLoop(1, false);
    await runFixed(10_000, 800);
    const still = await runFixed(10_000, 800);
    expect(still.meanMs).toBeGreaterThan(4 * seen.meanMs);
  }, 60_000);

  it("follows a capacity that is halved and comes back", async () => {
    const { run, server } = openLoop(2);
    const before = await run(15_000, 800);
    server.options.workers = 10;
    await run(20_000, 800);
    const halved = await run(5_000, 800);
    expect(halved.limit).toBeLessThan(before.limit * 0.75);
    expect(halved.perSecond).toBeGreaterThan(180);
    server.options.workers = 20;
    await run(20_000, 800);
    const back = await run(5_000, 800);
    expect(back.limit).toBeGreaterThan(halved.limit * 1.3);
    expect(back.perSecond).toBeGreaterThan(360);
  }, 60_000);

  it("an overload that lasts does not become what is usual", async () => {
    const { run, made } = openLoop(3);
    const early = await run(20_000, 800);
    await run(70_000, 800);
    const late = await run(10_000, 800);
    expect(late.limit).toBeLessThanOrEqual(early.limit * 1.6);
    expect(late.perSecond).toBeGreaterThan(350);
    void made;
  }, 60_000);

  it("does not grow while it is not used", async () => {
    const { run } = openLoop(4);
    const seen = await run(20_000, 40);
    expect(seen.limit).toBe(ADAPTIVE_LIMIT.concurrencyStart);
    expect(seen.perSecond).toBeGreaterThan(35);
  }, 60_000);

  it("stays within its bounds, tells its changes, and believes no fast failure", () => {
    let now = 0;
    const changes: { from: number; to: number }[] = [];
    const limit = adaptiveLimit({ now: () => now }, 40, ADAPTIVE_LIMIT, (one) => changes.push(one));
    const call = new Call(requestOf({}), 0, "id", null);
    call.attempts = [{} as never];
    const feed = (windows: number, latencyMs: number, code: "ok" | "timeout" | "refused") => {
      for (let answer = 0; answer < windows * 20; answer += 1) {
        now += ADAPTIVE_LIMIT.windowMs / 20 + 1;
        const outcome =
          code === "ok"
            ? ({ kind: "success", response: {} as never } as const)
            : noResponse({
                code: code === "timeout" ? "http_response_timeout" : "connection_refused",
              });
        limit.seen(call, outcome, latencyMs, limit.limit);
      }
    };
    feed(100, 10, "ok");
    expect(limit.limit).toBe(40);
    expect(changes.at(-1)?.to).toBe(40);
    feed(100, 10_000, "timeout");
    expect(limit.limit).toBe(ADAPTIVE_LIMIT.concurrencyMin);
    const baseline = limit.baselineMs;
    feed(100, 0, "refused");
    expect(limit.limit).toBe(ADAPTIVE_LIMIT.concurrencyMin);
    expect(limit.baselineMs).toBe(baseline);
    expect(changes.every(({ from, to }) => from !== to)).toBe(true);
  });
});
