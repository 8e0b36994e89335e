/**
 * Rate limits in a real Redis, over each client with its defaults: shared by gateways, and while
 * the server is frozen, killed, absent, and back without its data.
 */
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
import { createGateway, type GatewayEvents } from "good-gateway";
import {
  flexibleStore,
  type RateLimit,
  type RateLimitOptions,
  rateLimit,
  redisStore,
} from "good-gateway/rate-limit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { describeWith } from "./tools/programs.js";
import { CLIENTS, type RedisClient, type RedisServer, redisServer } from "./tools/redis.js";

/** Far above the deadline and far below what a client waits: for a busy machine. */
const AT_ONCE_MS = 1_000;
const LIMIT = { name: "api", limit: 40, windowMs: 600_000 } as const;

let server: RedisServer;
const closing: (() => void)[] = [];

beforeEach(() => {
  server = redisServer();
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  server.thaw();
  await server.remove();
});

interface Member {
  readonly limit: RateLimit;
  readonly changes: GatewayEvents["rate-limit:store"][];
}

function member(
  { client, close }: RedisClient,
  more: Partial<RateLimitOptions> = {},
  store = redisStore(client),
): Member {
  const gateway = createGateway({ name: "edge" });
  const changes: Member["changes"] = [];
  gateway.on("rate-limit:store", (change) => changes.push(change));
  const limit = rateLimit(gateway, { ...LIMIT, storeMs: 250, ...more, store });
  closing.push(() => {
    gateway.close();
    close();
  });
  return { limit, changes };
}

async function passed({ limit }: Member, times: number): Promise<number> {
  let count = 0;
  for (let asked = 0; asked < times; asked += 1) {
    if ((await limit.ask("key")).allowed) count += 1;
  }
  return count;
}

async function took(ask: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await ask();
  return performance.now() - before;
}

describeWith(["redis-server"], "a limit in Redis", () => {
  it.each(Object.keys(CLIENTS))("over %s is one limit for all, exact and leased", async (name) => {
    await server.start();
    for (const count of ["exact", "leased"] as const) {
      const more = { count, name: count };
      const members = [0, 1, 2].map(() => member(clientOf(name), more));
      for (const one of members) await connectedTo(one);
      const counts = await Promise.all(members.map((one) => passed(one, 30)));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(LIMIT.limit);
      expect(members.flatMap(({ changes }) => changes)).toEqual([]);
    }
  });

  it.each(Object.keys(CLIENTS))(
    "that freezes: over %s one request waits for the deadline, and no other",
    async (name) => {
      await server.start();
      const one = member(clientOf(name), { count: "exact", storeMs: 25, members: 4 });
      await connectedTo(one);
      server.freeze();
      const first = await took(() => one.limit.ask("key"));
      expect(first).toBeLessThan(AT_ONCE_MS);
      expect(one.changes.map(({ up }) => up).at(-1)).toBe(false);
      const next = await took(() => passed(one, 1_000));
      expect(next).toBeLessThan(AT_ONCE_MS);
      // A quarter of the limit: the first and those that came after it.
      const { admitted = 0 } = one.limit.state().requests["api"] ?? {};
      expect(admitted).toBeGreaterThan(0);
      expect((await one.limit.ask("key")).allowed).toBe(false);
      expect(await passed(one, 100)).toBe(0);
      server.thaw();
      await expect.poll(() => tried(one)).toBe(true);
    },
  );

  it.each(Object.keys(CLIENTS))(
    "that is killed and comes back empty: over %s it is used again",
    async (name) => {
      await server.start();
      const one = member(clientOf(name), { count: "leased", members: 2 });
      await connectedTo(one);
      await server.kill();
      expect(await took(() => passed(one, 100))).toBeLessThan(AT_ONCE_MS);
      expect(one.limit.state().store).toEqual({ kind: "redis", up: false });
      await server.start();
      await expect.poll(() => tried(one)).toBe(true);
      const other = member(clientOf(name), { count: "leased", members: 2 });
      await connectedTo(other);
      expect((await other.limit.ask("new")).remaining).toBeLessThan(LIMIT.limit);
    },
  );

  it("that is absent at the start is no reason to refuse, or to wait", async () => {
    const one = member(clientOf("ioredis"), { storeMs: 25, members: 4 });
    expect(await took(() => passed(one, 100))).toBeLessThan(AT_ONCE_MS);
    expect(one.limit.state().requests["api"]).toEqual({
      admitted: 10,
      refused: 90,
      wouldRefuse: 0,
    });
  });

  it("counts the members that are there", async () => {
    await server.start();
    const members = [0, 1, 2].map(() => member(clientOf("ioredis")));
    for (const one of members) await connectedTo(one);
    await expect.poll(() => members.map(({ limit }) => limit.state().members)).toEqual([3, 3, 3]);
  });

  it("by a limiter of rate-limiter-flexible has our deadline, too", async () => {
    await server.start();
    const made = clientOf("ioredis");
    const { RateLimiterRedis } = createRequire(import.meta.url)("rate-limiter-flexible");
    const limiter = new RateLimiterRedis({ storeClient: made.client, points: 5, duration: 600 });
    const more = { limit: 5, count: "exact", storeMs: 250 } as const;
    const one = member(made, more, flexibleStore(limiter));
    await expect.poll(async () => (await one.limit.ask("warm")).remaining).toBeLessThan(5);
    const asked: boolean[] = [];
    for (let time = 0; time < 7; time += 1) asked.push((await one.limit.ask("key")).allowed);
    expect(asked).toEqual([true, true, true, true, true, false, false]);
    server.freeze();
    expect(await took(() => one.limit.ask("other"))).toBeLessThan(AT_ONCE_MS);
    expect(await took(() => passed(one, 100))).toBeLessThan(AT_ONCE_MS);
  });
});

function clientOf(name: string): RedisClient {
  return (CLIENTS[name] as (path: string) => RedisClient)(server.path);
}

/** Asks for a key of its own, which makes a trial where the store is away. */
async function tried({ limit }: Member): Promise<boolean> {
  await limit.ask("trial");
  return limit.state().store?.up === true;
}

async function connectedTo(one: Member): Promise<void> {
  await expect.poll(() => tried(one)).toBe(true);
  one.changes.splice(0);
}
