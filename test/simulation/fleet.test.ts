/**
 * Twenty gateways as a fleet, and each alone, on virtual time: what an ill target costs, and that
 * neither liars, nor members with a fault of their own, nor the bus cost the others anything.
 */
import { describe, expect, it } from "vitest";
import { CHANNEL, fleetWorld, type Illness } from "./fleet-world.js";

const KINDS: readonly Illness[] = ["503", "reset", "silent"];
const LONG_MS = 120_000;
/** Of twenty members together; alone it is three times as many and more. */
const POSTS_LOST_MAX = 6;

/** A member that says what it likes, every tenth of a second. */
function liar(targets: readonly string[], name: string) {
  let losses = 0;
  return () => {
    losses += 1;
    const ill = targets.map((target) => ({ target, losses, out: true, late: false }));
    const sees = [{ upstream: "app", size: 3, ill }];
    return JSON.stringify({ v: 1, member: name, host: name, says: "here", sees });
  };
}

const WELL = { illness: "503", ill: 0, together: true, members: 8 } as const;
const ONE = "http://10.0.0.1:8080";
const ALL = [ONE, "http://10.0.0.2:8080", "http://10.0.0.3:8080"];

describe("a fleet of twenty", { timeout: LONG_MS }, () => {
  it.each(KINDS)("loses at most six POSTs while one target is ill: %s", async (illness) => {
    for (const seed of [1, 2]) {
      const options = { seed, illness, ill: 1 };
      const together = await fleetWorld({ ...options, together: true });
      const alone = await fleetWorld({ ...options, together: false });
      expect(together.postsLost, `seed ${seed}`).toBeLessThanOrEqual(POSTS_LOST_MAX);
      expect(together.postsLost).toBeLessThan(alone.postsLost / 2);
      expect(together.getsLost).toBe(0);
      expect(together.reachedIll).toBeLessThan(alone.reachedIll);
      expect(together.backAfterMs[0]).toBeLessThan(2_000);
    }
  });

  it.each<[Illness, number]>([
    ["503", 6],
    ["reset", 6],
  ])("spares targets that are all ill: %s", async (illness, factor) => {
    const options = { seed: 3, illness, ill: 3 };
    const together = await fleetWorld({ ...options, together: true });
    const alone = await fleetWorld({ ...options, together: false });
    expect(together.reachedIll).toBeLessThan(alone.reachedIll / factor);
    expect(Math.max(...together.backAfterMs)).toBeLessThan(2_000);
  });

  it("without its bus from the middle on is as gateways that are alone", async () => {
    const options = { seed: 4, illness: "503", ill: 1 } as const;
    const gone = await fleetWorld({ ...options, together: true, busGoneAt: 3_000 });
    const alone = await fleetWorld({ ...options, together: false });
    expect(gone.postsLost).toBeLessThanOrEqual(alone.postsLost + 3);
    expect(gone.getsLost).toBe(0);
  });
});

describe("others cannot hurt", { timeout: LONG_MS }, () => {
  it.each<[string, readonly string[]]>([
    ["one target", [ONE]],
    ["all targets", ALL],
  ])("one liar of eight that says %s is out: no ejection, nothing lost", async (_what, lies) => {
    const says = liar(lies, "0-liar");
    const result = await fleetWorld({
      ...{ ...WELL, seed: 5, members: 7 },
      meddle(bus, clock) {
        const lie = (): void => {
          void bus.send(CHANNEL, says());
          clock.after(100, lie);
        };
        lie();
      },
    });
    expect(result).toMatchObject({ out: {}, lostByOthers: 0 });
  });

  it("two liars of ten who say all is out have no voice", async () => {
    const liars = ["0-liar", "1-liar"].map((name) => liar(ALL, name));
    const result = await fleetWorld({
      ...{ ...WELL, seed: 6 },
      meddle(bus, clock) {
        const lie = (): void => {
          for (const says of liars) void bus.send(CHANNEL, says());
          clock.after(100, lie);
        };
        lie();
      },
    });
    expect(result).toMatchObject({ out: {}, lostByOthers: 0 });
  });

  it("members that reach no target take none from the others", async () => {
    const result = await fleetWorld({ ...WELL, seed: 7, members: 10, cutOff: 3 });
    expect(result).toMatchObject({ out: {}, lostByOthers: 0 });
    expect(result.postsLost).toBeGreaterThan(0);
  });

  it("members that come, lie and go leave nothing behind", async () => {
    const result = await fleetWorld({
      ...{ ...WELL, seed: 8 },
      meddle(bus, clock) {
        let turn = 0;
        const flap = (): void => {
          turn += 1;
          const name = `0-flapping-${turn}`;
          void bus.send(CHANNEL, liar([ALL[turn % 3] as string], name)());
          const bye = { v: 1, member: name, host: name, says: "bye" };
          if (turn % 2 === 0) void bus.send(CHANNEL, JSON.stringify(bye));
          clock.after(1_500, flap);
        };
        flap();
      },
    });
    // Those that go without a word agree with the next for a while, which is more than one.
    expect(result.lostByOthers).toBe(0);
  });
});

describe("the simulation", { timeout: LONG_MS }, () => {
  it("the same seed gives the same numbers", async () => {
    const options = { seed: 9, illness: "503", ill: 1, together: true } as const;
    expect(await fleetWorld(options)).toEqual(await fleetWorld(options));
  });
});
