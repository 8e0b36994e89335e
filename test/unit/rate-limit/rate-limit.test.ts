/** A limit as `admit`: keys, costs, tiers, dry run, fields, and options that cannot be. */
import type { IncomingMessage } from "node:http";
import { describe, expect, it } from "vitest";
import { createGateway } from "../../../src/gateway/gateway.js";
import {
  admitAll,
  outgoingQuota,
  type RateKey,
  type RateLimitOptions,
  rateLimit,
} from "../../../src/rate-limit/index.js";
import type { GatewayEvents } from "../../../src/records/events.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const BASE = { name: "api", limit: 2, windowMs: 60_000 } as const;

function limited(options: Partial<RateLimitOptions> = {}, behind?: "nginx") {
  const clock = virtualClock();
  const gateway = createGateway({ name: "edge", ...(behind && { behind }) }, { clock });
  const refused: GatewayEvents["rate-limit:refuse"][] = [];
  gateway.on("rate-limit:refuse", (one) => refused.push(one));
  return { clock, gateway, refused, limit: rateLimit(gateway, { ...BASE, ...options }) };
}

function request(headers: Readonly<Record<string, string>> = {}, remoteAddress = "192.0.2.1") {
  const rawHeaders = Object.entries(headers).flat();
  return {
    method: "GET",
    url: "/",
    rawHeaders,
    headers,
    socket: { remoteAddress },
  } as unknown as IncomingMessage;
}

/** How many of so many pass. */
function passed(limit: ReturnType<typeof rateLimit>, asked: readonly IncomingMessage[]): number {
  return asked.filter((one) => !Object.hasOwn(Object(limit(one)), "refuse")).length;
}

const times = (count: number, one: IncomingMessage) => Array<IncomingMessage>(count).fill(one);

describe("a limit", () => {
  it("refuses with the time, and lets pass again when it is over", async () => {
    const { clock, limit, refused } = limited();
    expect(passed(limit, times(3, request()))).toBe(2);
    expect(limit(request())).toEqual({
      refuse: "rate_limited",
      retryAfterMs: 30_000,
      headers: { "RateLimit-Policy": '"api";q=2;w=60', RateLimit: '"api";r=0;t=60' },
    });
    await clock.advance(30_000);
    expect(passed(limit, times(2, request()))).toBe(1);
    const one = { limit: "api", tier: "api", key: "", dryRun: false };
    expect(refused).toEqual(
      [30_000, 30_000, 30_000].map((retryAfterMs) => ({ ...one, retryAfterMs })),
    );
  });

  it.each<[string, RateKey, readonly IncomingMessage[]]>([
    ["a field", { header: "X-Key" }, [request({ "x-key": "a" }), request({ "X-KEY": "b" })]],
    ["a cookie", { cookie: "id" }, [request({ cookie: "id=a" }), request({ cookie: "id=b" })]],
    ["an address", { address: true }, [request({}, "192.0.2.1"), request({}, "192.0.2.2")]],
    ["a function", ({ path, address }) => `${path} ${address}`, [request({}, "::1"), request()]],
  ])("counts by %s", (_by, key, two) => {
    const { limit } = limited({ key });
    expect(
      passed(
        limit,
        two.flatMap((one) => times(3, one)),
      ),
    ).toBe(4);
    expect(limit.state().keys).toBe(2);
  });

  it("counts an IPv6 client by its network, and believes no field of a stranger", () => {
    const { limit } = limited({ key: { address: true } });
    const near = ["2001:db8::1", "2001:db8::2", "2001:db8::ffff"].map((one) => request({}, one));
    expect(passed(limit, near)).toBe(2);
    const lies = [1, 2, 3].map((host) => request({ "x-forwarded-for": `198.51.100.${host}` }));
    expect(passed(limit, lies)).toBe(2);
  });

  it("counts by what trusted peers say, and by the fronts of behind", () => {
    const through = (client: string) =>
      request({ "x-forwarded-for": `203.0.113.9, ${client}` }, "127.0.0.1");
    const clients = ["198.51.100.1", "198.51.100.2"].flatMap((one) => times(3, through(one)));
    const trust = ["loopback"];
    expect(passed(limited({ key: { address: { trust } } }).limit, clients)).toBe(4);
    expect(passed(limited({ key: { address: true } }, "nginx").limit, clients)).toBe(4);
    expect(passed(limited({ key: { address: true } }).limit, clients)).toBe(2);
  });

  it("has costs and tiers", () => {
    const { limit, gateway } = limited({
      limit: 10,
      cost: ({ path }) => (path === "/" ? 4 : 1),
      tier: ({ headers }) => headers[1],
      tiers: { pro: { limit: 40 }, free: { limit: 4, windowMs: 1_000 } },
    });
    expect(passed(limit, times(20, request()))).toBe(2);
    expect(passed(limit, times(20, request({ "x-tier": "pro" })))).toBe(10);
    expect(passed(limit, times(20, request({ "x-tier": "free" })))).toBe(1);
    expect(gateway.snapshot().rateLimits[0]?.requests).toMatchObject({
      api: { admitted: 2, refused: 18 },
      "api-pro": { admitted: 10, refused: 10 },
      "api-free": { admitted: 1, refused: 19 },
    });
  });

  it("in a dry run refuses nothing, says nothing, and counts", () => {
    const { limit, refused } = limited({ dryRun: true });
    expect(times(5, request()).map((one) => limit(one))).toEqual(Array(5).fill(undefined));
    const counts = { admitted: 2, refused: 0, wouldRefuse: 3 };
    expect(limit.state().requests).toEqual({ api: counts });
    expect(refused.map(({ dryRun }) => dryRun)).toEqual([true, true, true]);
  });

  it("says as much in fields as it is told to", () => {
    const some = limited({ fields: "refusals" }).limit;
    expect([some(request()), some(request())]).toEqual([undefined, undefined]);
    expect(some(request())).toHaveProperty("headers");
    const none = limited({ fields: "none", limit: 1 }).limit;
    expect([none(request()), none(request())]).toEqual([
      undefined,
      { refuse: "rate_limited", retryAfterMs: 60_000 },
    ]);
  });

  it("with another is asked in turn: the fields of both, or the first refusal", async () => {
    const { gateway } = limited();
    const both = admitAll(
      rateLimit(gateway, { ...BASE, name: "minute" }),
      rateLimit(gateway, { name: "day", limit: 3, windowMs: 86_400_000 }),
    );
    expect(await both(request())).toEqual({
      headers: {
        "RateLimit-Policy": '"minute";q=2;w=60, "day";q=3;w=86400',
        RateLimit: '"minute";r=1;t=30, "day";r=2;t=28800',
      },
    });
    await both(request());
    expect(await both(request())).toMatchObject({ refuse: "rate_limited", retryAfterMs: 30_000 });
  });

  it("does not appear once it is closed, nor after the gateway", () => {
    const { gateway, limit } = limited();
    const other = rateLimit(gateway, { ...BASE, name: "other" });
    const names = () => gateway.snapshot().rateLimits.map(({ name }) => name);
    expect(names()).toEqual(["api", "other"]);
    limit.close();
    expect(names()).toEqual(["other"]);
    gateway.close();
    expect(names()).toEqual([]);
    expect(other.describe()).toMatchObject({ limit: 2, key: "none", store: "memory" });
  });

  it("keeps to its bound with a million keys", () => {
    const { limit } = limited({ key: ({ path }) => path, keysMax: 1_000, fields: "none" });
    const one = request() as IncomingMessage & { url: string };
    for (let key = 0; key < 1_000_000; key += 1) {
      one.url = `/${key}`;
      limit(one);
    }
    expect(limit.state().keys).toBe(1_000);
  });
});

describe("options that cannot be", () => {
  it.each<[object, string]>([
    [{ limits: 3 }, 'limits: unknown option; did you mean "limit"?'],
    [{ limit: 0 }, "limit: 0 is not an integer of at least 1"],
    [{ limit: undefined }, "limit: is missing"],
    [{ burst: 3 }, "burst: 3 is more than limit, 2"],
    [{ name: "a b" }, 'name: "a b" is not a name'],
    [{ count: "exactly" }, 'count: "exactly" is not known; did you mean "exact"?'],
    [{ key: "x-key" }, 'key: "x-key" is not a key'],
    [{ key: { address: { ipv6Bits: 129 } } }, "key.address.ipv6Bits: 129 is not an integer to 128"],
    [{ key: { address: { trust: "loopback" } } }, 'key.address.trust: "loopback" is no list'],
    [{ cost: 0 }, "cost: 0 is neither a number above 0 nor a function"],
    [{ tiers: { pro: {} } }, "tiers.pro.limit: is missing"],
    [{ tiers: { pro: { limt: 1 } } }, 'tiers.pro.limt: unknown option; did you mean "limit"?'],
    [{ store: {} }, "store: an object is no store; write redisStore(client)"],
  ])("%j: %s", (options, problem) => {
    const gateway = createGateway({ name: "edge" });
    const made = () => rateLimit(gateway, { ...BASE, ...options } as RateLimitOptions);
    expect(made).toThrow(problem);
  });

  it("of a quota are told as well, and of an upstream that has none", () => {
    expect(() => outgoingQuota({ limit: 10, windowMs: 0 })).toThrow("windowMs: 0 is not");
    const upstreams = { api: { targets: "http://127.0.0.1:1", quota: { limit: 10 } as never } };
    expect(() => createGateway({ upstreams })).toThrow(
      "upstreams.api.quota: an object is not a quota; write outgoingQuota({ limit: 600",
    );
  });
});
