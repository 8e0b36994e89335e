/** Gateways that know of each other, on the virtual clock, over a bus that fails. */
import { describe, expect, it } from "vitest";
import { FLEET } from "../../../src/catalog/fleet-defaults.js";
import { type FleetBus, type FleetOptions, fleet, memoryBus } from "../../../src/fleet/index.js";
import { createGateway } from "../../../src/gateway/gateway.js";
import { rateLimit } from "../../../src/rate-limit/index.js";
import type { GatewayEvents } from "../../../src/records/events.js";
import { type VirtualClock, virtualClock } from "../../../src/testing/virtual-clock.js";

interface Faults {
  /** Nothing is answered any more, and nothing arrives. */
  frozen: boolean;
  rejects: boolean;
  sent: number;
}

function faulty(inner: FleetBus = memoryBus()): { bus: FleetBus; faults: Faults } {
  const faults = { frozen: false, rejects: false, sent: 0 };
  const bus: FleetBus = {
    ...inner,
    async send(...args) {
      faults.sent += 1;
      if (faults.rejects) throw new Error("connect ECONNREFUSED");
      if (faults.frozen) await new Promise(() => {});
      return inner.send(...args);
    },
  };
  return { bus, faults };
}

function member(clock: VirtualClock, bus: FleetBus, more: Partial<FleetOptions> = {}) {
  const gateway = createGateway({ fleet: fleet({ name: "edge", bus, ...more }) }, { clock });
  const members: GatewayEvents["fleet:member"][] = [];
  const buses: GatewayEvents["fleet:bus"][] = [];
  gateway.on("fleet:member", (one) => members.push(one));
  gateway.on("fleet:bus", (one) => buses.push(one));
  const state = () =>
    gateway.snapshot().fleet as NonNullable<ReturnType<typeof gateway.snapshot>["fleet"]>;
  return { gateway, members, buses, state, others: () => state().others.length };
}

describe("a fleet", () => {
  it("is known to its members within a moment, and to one that joins", async () => {
    const clock = virtualClock();
    const { bus } = faulty();
    const members = Array.from({ length: 5 }, (_, index) =>
      member(clock, bus, { host: `h${index}` }),
    );
    await clock.advance(2 * FLEET.greetMs);
    expect(members.map(({ others }) => others())).toEqual([4, 4, 4, 4, 4]);
    const late = member(clock, bus);
    await clock.advance(2 * FLEET.greetMs);
    expect(late.others()).toBe(5);
    expect(members[0]?.members.map(({ present }) => present)).toEqual(Array(5).fill(true));
    expect(
      late
        .state()
        .others.map(({ host }) => host)
        .sort(),
    ).toEqual(["h0", "h1", "h2", "h3", "h4"]);
  });

  it("notices who leaves at once and who vanishes soon; shares grow a minute later", async () => {
    const clock = virtualClock();
    const seen = faulty();
    const lost = faulty(seen.bus);
    const [one, two, three] = [
      member(clock, seen.bus),
      member(clock, seen.bus),
      member(clock, lost.bus),
    ];
    await clock.advance(100);
    expect([one.others(), one.state().dividedBy]).toEqual([2, 3]);
    two.gateway.close();
    await clock.advance(1);
    expect([one.others(), one.state().dividedBy]).toEqual([1, 3]);
    lost.faults.frozen = true;
    await clock.advance(FLEET.presentMs - FLEET.beatMs - 100);
    expect(one.others()).toBe(1);
    await clock.advance(2 * FLEET.beatMs + 100);
    expect([one.others(), one.state().dividedBy]).toEqual([0, 3]);
    await clock.advance(FLEET.absentMs);
    expect(one.state().dividedBy).toBe(1);
    expect(one.members.map(({ present }) => present)).toEqual([true, true, false, false]);
    lost.faults.frozen = false;
    await clock.advance(FLEET.unsentMsMax + 2 * FLEET.beatMs);
    expect([one.others(), three.others()]).toEqual([1, 1]);
    one.gateway.close();
    three.gateway.close();
    await clock.advance(0);
    expect(clock.pending()).toBe(0);
  });

  it.each(["frozen", "rejects"] as const)(
    "whose bus %s says so once, sends little, and comes back",
    async (fault) => {
      const clock = virtualClock();
      const { bus, faults } = faulty();
      const [one, two] = [member(clock, bus), member(clock, bus)];
      await clock.advance(100);
      faults[fault] = true;
      const { sent } = faults;
      await clock.advance(600_000);
      expect(one.buses.map(({ up }) => up)).toEqual([false]);
      expect([one.others(), one.state().bus.up, one.state().dividedBy]).toEqual([0, false, 1]);
      expect(faults.sent - sent).toBeLessThanOrEqual((2 * 600_000) / FLEET.beatMs);
      faults[fault] = false;
      await clock.advance(FLEET.unsentMsMax + 2 * FLEET.beatMs);
      expect(one.buses.map(({ up }) => up)).toEqual([false, true]);
      expect([one.others(), two.others()]).toEqual([1, 1]);
    },
  );

  it("hears no other fleet, and nothing that is no message", async () => {
    const clock = virtualClock();
    const { bus } = faulty();
    const one = member(clock, bus);
    member(clock, bus, { name: "other" });
    await clock.advance(100);
    const wrong = [
      "",
      "{",
      "null",
      "[]",
      '{"v":2,"member":"a","host":"h","says":"here"}',
      '{"v":1,"member":"a b","host":"h","says":"here"}',
      '{"v":1,"member":"a","host":7,"says":"here"}',
      '{"v":1,"member":"a","host":"h","says":"go"}',
      `{"v":1,"member":"a","host":"h","says":"here","x":"${"x".repeat(70_000)}"}`,
    ];
    for (const text of wrong) await bus.send("good-gateway:fleet:edge", text);
    expect(one.others()).toBe(0);
    await bus.send("good-gateway:fleet:edge", '{"v":1,"member":"a","host":"h","says":"here"}');
    expect(one.others()).toBe(1);
  });

  it("remembers no more members than it may", async () => {
    const clock = virtualClock();
    const { bus } = faulty();
    const one = member(clock, bus);
    await clock.advance(100);
    for (let index = 0; index < FLEET.membersMax + 100; index += 1) {
      const said = { v: 1, member: `m${index}`, host: "h", says: "here" };
      await bus.send("good-gateway:fleet:edge", JSON.stringify(said));
    }
    expect(one.others()).toBe(FLEET.membersMax);
    await clock.advance(FLEET.absentMs + FLEET.beatMs);
    expect(one.state().dividedBy).toBe(1);
  });

  it("divides limits that are divided", async () => {
    const clock = virtualClock();
    const { bus } = faulty();
    const gateways = Array.from({ length: 4 }, () => member(clock, bus).gateway);
    await clock.advance(100);
    const passed = gateways.map((gateway) => {
      const limit = rateLimit(gateway, {
        name: "api",
        limit: 40,
        windowMs: 60_000,
        count: "divided",
      });
      const asked = Array.from({ length: 40 }, () => limit.ask("key"));
      return Promise.all(asked).then((all) => all.filter(({ allowed }) => allowed).length);
    });
    expect(await Promise.all(passed)).toEqual([10, 10, 10, 10]);
  });

  it.each<[object, string]>([
    [{ nam: "edge" }, 'nam: unknown option; did you mean "name"?'],
    [{ name: "a b" }, 'name: "a b" is not a name'],
    [{ bus: {} }, "bus: an object is no bus; write clusterBus() or redisBus(client)"],
    [{ host: "a b" }, 'host: "a b" is not a name without spaces'],
  ])("%j cannot be: %s", (options, problem) => {
    const made = () => fleet({ name: "edge", bus: memoryBus(), ...options } as FleetOptions);
    expect(made).toThrow(problem);
    expect(() => createGateway({ fleet: options as never })).toThrow(
      "fleet: an object is no fleet",
    );
  });
});
