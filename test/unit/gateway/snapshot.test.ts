import { describe, expect, it } from "vitest";
import { BREAKER } from "../../../src/catalog/defaults.js";
import { createGateway } from "../../../src/gateway/gateway.js";
import type { GatewayEvents } from "../../../src/records/events.js";
import { refusingPort } from "../../../src/testing/index.js";

describe("the snapshot of a gateway", () => {
  it("survives JSON, unlimited numbers included", () => {
    const gateway = createGateway({
      name: "edge",
      upstreams: {
        orders: { targets: ["http://a", { url: "https://b/api", weight: 3 }], required: true },
        search: { targets: "unix:/run/search.sock", breaker: false },
      },
    });
    const snapshot = gateway.snapshot();
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    expect(snapshot).toMatchObject({
      version: 1,
      name: "edge",
      lifecycle: { state: "running", active: 0, maintenance: null },
      upstreams: [
        {
          name: "orders",
          state: "healthy",
          required: true,
          targets: [
            { target: "http://a", breaker: { state: "closed" } },
            { target: "https://b/api", weight: 3, pending: 0 },
          ],
        },
        { name: "search", required: false, targets: [{ breaker: null }] },
      ],
    });
  });

  it("shows one moment: what happens later does not reach it", () => {
    const gateway = createGateway({ upstreams: { orders: { targets: "http://a" } } });
    const before = gateway.snapshot();
    gateway.startMaintenance({ retryAfterMs: 5_000 });
    expect(before.lifecycle.maintenance).toBeNull();
    expect(gateway.snapshot().lifecycle.maintenance).toEqual({ retryAfterMs: 5_000 });
    gateway.close();
    expect(gateway.snapshot().lifecycle.state).toBe("closed");
  });

  it("has an upstream down, and told so, when its only target refused often enough", async () => {
    const targets = `http://127.0.0.1:${await refusingPort()}`;
    const gateway = createGateway({
      upstreams: { orders: { targets, retry: false, required: true } },
    });
    const told: GatewayEvents["upstream:state"][] = [];
    gateway.on("upstream:state", (change) => told.push(change));
    const orders = gateway.upstream("orders");
    for (let call = 0; call < BREAKER.consecutiveFailures; call += 1) {
      await orders.send({ path: "/" });
    }
    expect(told).toEqual([{ upstream: "orders", required: true, from: "healthy", to: "down" }]);
    expect(orders.state).toBe("down");
    expect(gateway.snapshot().upstreams[0]).toMatchObject({
      state: "down",
      targets: [{ breaker: { state: "open", consecutiveFailures: BREAKER.consecutiveFailures } }],
    });
    gateway.close();
  });
});

describe("a gateway without upstreams", () => {
  it("has a life and a snapshot all the same, and says that it has none", async () => {
    const gateway = createGateway({ name: "edge" });
    expect(gateway.upstreams).toEqual([]);
    expect(gateway.snapshot().upstreams).toEqual([]);
    expect(() => gateway.upstream("orders")).toThrow(
      'no upstream is called "orders"; this gateway has none',
    );
    // As JavaScript may call it.
    const diagnose = gateway.diagnose as (name?: unknown) => unknown;
    expect(() => diagnose()).toThrow("no upstream is called undefined; this gateway has none");
    expect(await gateway.drain()).toMatchObject({ finished: 0, cut: 0 });
    gateway.close();
  });
});
