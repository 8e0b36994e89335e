/**
 * Failures on purpose: whom they meet, what stands above makes of them, and that nothing is sent
 * or left behind.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FAILURES } from "../../src/catalog/failures.js";
import { CHAOS_FAILURES } from "../../src/catalog/options/chaos.js";
import { createGateway } from "../../src/gateway/gateway.js";
import type { GatewayEvents } from "../../src/records/events.js";
import { NOTHING_HELD, type World, type WorldOptions, world } from "./world.js";

const ONCE = { retry: { enabled: false } } as const;
const struckWorld = (chaos: WorldOptions["chaos"], more: WorldOptions = ONCE): World =>
  world({ chaos: { share: 1, ...chaos }, ...more });

/** What a call comes to where it is not sent; "sent" where it is. */
async function go(made: World, request: Parameters<World["send"]>[0] = {}) {
  const sending = made.send(request);
  await made.clock.advance(0);
  if (sending.result() !== null) return sending.result();
  (await made.wire.next()).respond(200);
  await made.clock.advance(0);
  expect(sending.result()).toBe(200);
  return "sent";
}

describe("chaos", () => {
  it.each(CHAOS_FAILURES.filter((name) => name !== "none"))(
    "fails as %s, without sending anything, and opens the breaker as that does",
    async (failure) => {
      const made = struckWorld({ failure });
      for (let call = 0; call < 5; call += 1) expect(await go(made)).toBe(failure);
      const isHeldAgainst = FAILURES[failure].blame !== "proxy";
      expect(made.changes.map(({ to }) => to)).toEqual(isHeldAgainst ? ["open"] : []);
      expect(made.held()).toEqual(NOTHING_HELD);
    },
  );

  it("is repeated where the same on the wire would be, and not where it would not", async () => {
    const repeats = { targets: 3, breaker: false } as const;
    const refused = struckWorld({ failure: "connection_refused" }, repeats);
    const post = refused.send({ method: "POST" });
    await refused.clock.advance(5_000);
    expect(post.result()).toBe("connection_refused");
    expect(post.call.attempts.map(({ code }) => code)).toEqual([
      ...["connection_refused", "connection_refused", "connection_refused"],
    ]);
    expect(new Set(post.call.attempts.map(({ target }) => target)).size).toBe(3);
    const cut = struckWorld({ failure: "connection_terminated" }, repeats);
    const sent = cut.send({ method: "POST" });
    await cut.clock.advance(5_000);
    expect(sent.result()).toBe("connection_terminated");
    expect(sent.call.attempts).toHaveLength(1);
    expect(cut.held()).toEqual(NOTHING_HELD);
  });

  it("meets only the paths and the fields that it is limited to", async () => {
    const made = struckWorld(
      { failure: "connection_refused", path: "/orders", header: "X-Chaos" },
      { ...ONCE, breaker: false },
    );
    const headers = ["x-CHAOS", "1"];
    expect(await go(made, { path: "/orders", headers })).toBe("connection_refused");
    expect(await go(made, { path: "/orders/7?x=1", headers })).toBe("connection_refused");
    expect(await go(made, { path: "/orders/7" })).toBe("sent");
    expect(await go(made, { path: "/ordersets", headers })).toBe("sent");
    expect(await go(made, { path: "/", headers })).toBe("sent");
    expect(made.struck).toHaveLength(2);
  });

  it("meets the share that it is to meet", async () => {
    let drawn = 0;
    const random = { next: () => drawn };
    const chaos = { share: 0.05, failure: "connection_refused" } as const;
    const made = world({ ...ONCE, breaker: false, chaos, random });
    const went: unknown[] = [];
    for (drawn of [0.049, 0.05, 0.9, 0]) went.push(await go(made));
    expect(went).toEqual(["connection_refused", "sent", "sent", "connection_refused"]);
  });

  it("delays, and then sends", async () => {
    const made = struckWorld({ delayMs: 300 });
    const sending = made.send();
    const coming = made.wire.next();
    let isSent = false;
    void coming.then(() => {
      isSent = true;
    });
    await made.clock.advance(299);
    expect(isSent).toBe(false);
    await made.clock.advance(1);
    (await coming).respond(200);
    await made.clock.advance(0);
    expect(sending.result()).toBe(200);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("delays no longer than responseMs, the deadline and the client allow", async () => {
    const slow = struckWorld({ delayMs: 60_000 }, { ...ONCE, timeouts: { responseMs: 500 } });
    const late = slow.send();
    await slow.clock.advance(600);
    expect(late.result()).toBe("http_response_timeout");
    expect(slow.held()).toEqual(NOTHING_HELD);
    const short = struckWorld({ delayMs: 60_000 }, { ...ONCE, totalMs: 400 });
    const over = short.send();
    await short.clock.advance(500);
    expect(over.result()).toMatch(/^deadline_exceeded/);
    expect(short.held()).toEqual(NOTHING_HELD);
    const left = struckWorld({ delayMs: 60_000 });
    const gone = left.send();
    await left.clock.advance(10);
    gone.call.cancellation.cut("client");
    await left.clock.advance(0);
    expect(gone.result()).toBe("client_closed_request");
    expect(left.held()).toEqual(NOTHING_HELD);
  });
});

describe("chaos of a gateway, on sockets", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  async function asked(env: string, inProduction: boolean) {
    vi.stubEnv("NODE_ENV", env);
    let served = 0;
    const server = createServer((_req, res) => {
      served += 1;
      res.end();
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const targets = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const chaos = { share: 1, failure: "connection_refused", inProduction } as const;
    const gateway = createGateway({ upstreams: { orders: { targets, chaos, retry: false } } });
    const told: GatewayEvents["chaos:act"][] = [];
    gateway.on("chaos:act", (act) => void told.push(act));
    const orders = gateway.upstream("orders");
    const outcome = await orders.send({ path: "/" });
    if (outcome.kind === "success") await outcome.response.discard();
    const { settings } = orders.describe().find(({ role }) => role === "chaos") ?? {};
    gateway.close();
    server.closeAllConnections();
    server.close();
    return { outcome, told, served, settings, targets };
  }

  it("is told, and reaches nobody", async () => {
    const { outcome, told, served, settings, targets } = await asked("development", false);
    expect(outcome).toMatchObject({
      kind: "no_response",
      failure: { code: "connection_refused", details: "chaos" },
    });
    expect(served).toBe(0);
    expect(told).toMatchObject([
      { upstream: "orders", target: targets, failure: "connection_refused", delayMs: 0 },
    ]);
    expect(settings).toMatchObject({ share: 1, failure: "connection_refused" });
  });

  it("is off in production, until its switch is set", async () => {
    const off = await asked("production", false);
    expect(off.outcome.kind).toBe("success");
    expect([off.told, off.served, off.settings]).toEqual([[], 1, { enabled: false }]);
    const on = await asked("production", true);
    expect(on.outcome.kind).toBe("no_response");
    expect(on.served).toBe(0);
  });
});
