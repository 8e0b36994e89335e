/**
 * A restart: what the process before knew of its targets, and what is made of it. On a clock that
 * is moved by hand, and on sockets.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { BREAKER, RESTORE } from "../../../src/catalog/defaults.js";
import { createGateway } from "../../../src/gateway/gateway.js";
import type { GatewaySnapshot } from "../../../src/gateway/snapshot.js";
import type { GatewayEvents } from "../../../src/records/events.js";
import { refusingPort } from "../../../src/testing/index.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const TARGETS = ["http://10.0.0.1", "http://10.0.0.2", "http://10.0.0.3"] as const;
const OPTIONS = { upstreams: { orders: { targets: TARGETS } } } as const;

/** A gateway, and the snapshot of one that had been ill; both at the same moment. */
function restarted() {
  const clock = virtualClock();
  const random = { next: () => 0 };
  const before = createGateway(OPTIONS, { clock, random });
  before.upstream("orders").targets.openBreaker(TARGETS[0], { forMs: 5_000 });
  const snapshot = (): GatewaySnapshot => JSON.parse(JSON.stringify(before.snapshot()));
  const after = createGateway(OPTIONS, { clock, random });
  const told: GatewayEvents["breaker:change"][] = [];
  after.on("breaker:change", (change) => told.push(change));
  const breakers = () => after.snapshot().upstreams[0]?.targets.map(({ breaker }) => breaker);
  return { clock, snapshot, after, told, breakers };
}

/** The same with another value at one target. */
function changed(snapshot: GatewaySnapshot, index: number, to: object): GatewaySnapshot {
  const [orders] = snapshot.upstreams;
  const targets = orders?.targets.map((one, at) => (at === index ? { ...one, ...to } : one)) ?? [];
  return { ...snapshot, upstreams: [{ ...(orders as object), targets } as never] };
}

describe("a gateway that is restored", () => {
  it("opens the breakers that were open, for what is left of their time", async () => {
    const { clock, snapshot, after, told, breakers } = restarted();
    const taken = snapshot();
    await clock.advance(2_000);
    expect(after.restore(taken)).toEqual({ ageMs: 2_000, tooOld: false, targets: 1, breakers: 1 });
    const named = { upstream: "orders", target: TARGETS[0] };
    expect(told).toEqual([
      { ...named, from: "closed", to: "open", reason: "restored", openForMs: 3_000 },
    ]);
    expect(breakers()?.map((one) => one?.state)).toEqual(["open", "closed", "closed"]);
    expect(breakers()?.[0]?.deniedForMs).toBe(3_000);
    await clock.advance(3_000);
    expect(breakers()?.[0]?.deniedForMs).toBe(0);
    // Once more: what it knows itself is newer.
    expect(after.restore(taken)).toMatchObject({ breakers: 0 });
  });

  it("lets trials begin at once where the open time has passed meanwhile", async () => {
    const { clock, snapshot, after, breakers } = restarted();
    const taken = snapshot();
    await clock.advance(6_000);
    expect(after.restore(taken)).toMatchObject({ breakers: 1 });
    expect(breakers()?.[0]).toMatchObject({ state: "open", deniedForMs: 0 });
  });

  it("knows how long answers took, less so the older that is", async () => {
    const { clock, snapshot, after } = restarted();
    const latencies = () => after.snapshot().upstreams[0]?.targets.map((one) => one.latencyMs);
    expect(latencies()).toEqual([null, null, null]);
    const taken = changed(snapshot(), 1, { latencyMs: 200 });
    await clock.advance(1_000);
    expect(after.restore(taken)).toMatchObject({ targets: 2, breakers: 1 });
    const [, fresh] = latencies() ?? [];
    expect(fresh).toBeGreaterThan(100);
    expect(fresh).toBeLessThan(200);
    await clock.advance(60_000);
    expect(latencies()?.[1]).toBeLessThan(1);
    const absurd = changed(snapshot(), 2, { latencyMs: 1e12 });
    after.restore(absurd);
    expect(latencies()?.[2]).toBe(RESTORE.latencyMsMax);
  });

  it("believes nothing that is too old, and takes a clock that is ahead for no age", async () => {
    const { clock, snapshot, after, breakers } = restarted();
    const taken = snapshot();
    await clock.advance(RESTORE.ageMsMax + 1);
    expect(after.restore(taken)).toEqual({
      ageMs: RESTORE.ageMsMax + 1,
      ...{ tooOld: true, targets: 0, breakers: 0 },
    });
    expect(breakers()?.[0]?.state).toBe("closed");
    expect(after.restore(taken, { ageMsMax: 120_000 })).toMatchObject({ breakers: 1 });
    const { after: another } = restarted();
    const ahead = { ...changed(taken, 0, {}), at: taken.at + 3_600_000 };
    expect(another.restore(ahead)).toMatchObject({ ageMs: 0, breakers: 1 });
  });

  it("passes over what it does not have, and what is not as it should be", () => {
    const { snapshot, after, breakers } = restarted();
    const taken = snapshot();
    const other = { ...(taken.upstreams[0] as object), name: "search" } as never;
    expect(after.restore({ ...taken, upstreams: [other] })).toMatchObject({ targets: 0 });
    expect(after.restore(changed(taken, 0, { target: "http://10.9.9.9" }))).toMatchObject({
      targets: 0,
    });
    for (const breaker of [null, {}, { state: "ajar" }, "open"]) {
      expect(after.restore(changed(taken, 0, { breaker }))).toMatchObject({ breakers: 0 });
    }
    for (const latencyMs of [null, "200", -1, Number.NaN]) {
      after.restore(changed(taken, 1, { latencyMs }));
      expect(after.snapshot().upstreams[0]?.targets[1]?.latencyMs).toBeNull();
    }
    const forever = { state: "open", deniedForMs: 1e15 };
    const { after: another } = restarted();
    another.restore(changed(taken, 2, { breaker: forever }));
    expect(another.snapshot().upstreams[0]?.targets[2]?.breaker?.deniedForMs).toBe(
      RESTORE.openMsMax,
    );
    expect(breakers()?.[0]?.state).toBe("open");
  });

  it.each([
    ["{}", {}, "restore: expected what gateway.snapshot() returned, not a text; parse it with"],
    [null, {}, "restore: expected what gateway.snapshot() returned, not null"],
    [{ version: 2, at: 0, upstreams: [] }, {}, "restore: expected"],
    [{ version: 1, at: 0, upstreams: [{}] }, {}, "an upstream of the snapshot has no name"],
    [{ version: 1, at: 0, upstreams: [] }, { ageMsMax: 0 }, "ageMsMax: 0 is not a number of"],
  ])("refuses %j with %j", (snapshot, options, message) => {
    const { after } = restarted();
    expect(() => after.restore(snapshot as never, options)).toThrow(message);
  });

  it("does not send calls to what refused them before the restart, on sockets", async () => {
    const served: string[] = [];
    const well = createServer((req, res) => {
      served.push(String(req.url));
      res.end();
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => well.once("listening", resolve));
    const ill = `http://127.0.0.1:${await refusingPort()}`;
    const targets = [ill, `http://127.0.0.1:${(well.address() as AddressInfo).port}`];
    const before = createGateway({ upstreams: { orders: { targets: ill, probe: false } } });
    const state = () => before.snapshot().upstreams[0]?.targets[0]?.breaker?.state;
    for (let call = 0; call < BREAKER.consecutiveFailures; call += 1) {
      await before.upstream("orders").send({ path: "/before" });
    }
    expect(state()).toBe("open");
    const taken = JSON.stringify(before.snapshot());
    before.close();
    const after = createGateway({ upstreams: { orders: { targets, probe: false } } });
    expect(after.restore(JSON.parse(taken))).toMatchObject({ targets: 1, breakers: 1 });
    let attempts = 0;
    after.on("attempt:end", () => {
      attempts += 1;
    });
    for (let call = 0; call < 10; call += 1) {
      const outcome = await after.upstream("orders").send({ path: "/after" });
      expect(outcome.kind).toBe("success");
      if (outcome.kind === "success") await outcome.response.discard();
    }
    // None of them was sent to the one that is out.
    expect(attempts).toBe(10);
    after.close();
    well.closeAllConnections();
    well.close();
  });
});
