/** Priorities, shedding by the delay of our own loop, and throttling what is refused anyway. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../src/base/random.js";
import { SHED } from "../../src/catalog/overload-defaults.js";
import type { Priority } from "../../src/catalog/priorities.js";
import { refusals } from "../../src/policies/refusals.js";
import { NOTHING_HELD, type World, world } from "./world.js";

describe("the priority of a call", () => {
  const rule = { header: "X-Priority" };
  const ranked = async (made: World, headers: readonly string[], overrides = {}) => {
    const sending = made.send({ headers }, overrides);
    (await made.wire.next()).respond(200);
    await sending.outcome;
    return sending.call.priority;
  };

  it.each([
    [["x-priority", "SHEDDABLE"], "SHEDDABLE"],
    [["accept", "x", "X-PRIORITY", " sheddable-plus"], "SHEDDABLE_PLUS"],
    [["x-priority", "critical_plus"], "CRITICAL_PLUS"],
    [["x-priority", "urgent"], "CRITICAL"],
    [[], "CRITICAL"],
  ] as const)("%j is %s where the field is named", async (headers, priority) => {
    expect(await ranked(world({ priority: rule }), headers)).toBe(priority);
  });

  it.each([
    ["u=7", "SHEDDABLE"],
    ["u=0, i", "CRITICAL_PLUS"],
    ["critical-plus", "CRITICAL_PLUS"],
    ["nonsense=(", "CRITICAL"],
  ] as const)("priority: %s is %s where that field is named", async (value, priority) => {
    const headers = ["priority", value];
    const named = world({ priority: { header: "Priority" } });
    expect(await ranked(named, headers)).toBe(priority);
    // Of another field only the four names say something, and of none that is not named.
    expect(await ranked(world({ priority: rule }), ["x-priority", "u=7"])).toBe("CRITICAL");
    expect(await ranked(world(), headers)).toBe("CRITICAL");
  });

  it("is not read from any field unless one is named", async () => {
    expect(await ranked(world(), ["x-priority", "CRITICAL_PLUS"])).toBe("CRITICAL");
  });

  it("that code gives its own call wins over the rule", async () => {
    const made = world({ priority: rule });
    const own = { priority: "SHEDDABLE" };
    expect(await ranked(made, ["x-priority", "CRITICAL_PLUS"], own)).toBe("SHEDDABLE");
  });

  it("may come of a function of the request", async () => {
    const seen: unknown[] = [];
    const made = world({
      priority: ({ method, path, header }) => {
        seen.push([method, path, header("ACCEPT"), header("nothing")]);
        return path.startsWith("/batch") ? "SHEDDABLE" : undefined;
      },
    });
    const batch = made.send({ path: "/batch/1", headers: ["accept", "text/html"] });
    const page = made.send({ path: "/page", method: "PUT" });
    await made.clock.advance(0);
    expect([batch, page].map(({ call }) => call.priority)).toEqual(["SHEDDABLE", "CRITICAL"]);
    expect(seen).toEqual([
      ["GET", "/batch/1", "text/html", null],
      ["PUT", "/page", null, null],
    ]);
  });

  it("that no call can have is our own fault, and says what may be given", async () => {
    const made = world({ priority: () => "HIGH" as Priority });
    await expect((async () => made.send().outcome)()).rejects.toThrow(
      /gave HIGH; it may give SHEDDABLE, /,
    );
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

describe("load shedding", () => {
  const LATE = 100;

  /** What becomes of a call of each priority, many times. */
  async function sharesOf(made: World) {
    const shares: Record<string, number> = {};
    for (const priority of ["SHEDDABLE", "SHEDDABLE_PLUS", "CRITICAL", "CRITICAL_PLUS"] as const) {
      let refused = 0;
      for (let call = 0; call < 100; call += 1) {
        const sending = made.send({}, { priority });
        await new Promise(setImmediate);
        if (sending.result() === "load_shed") refused += 1;
        else made.wire.sent.at(-1)?.respond(200);
      }
      shares[priority] = refused / 100;
    }
    return shares;
  }

  async function block(made: World, delayMs: number, samples: number) {
    for (let sample = 0; sample < samples; sample += 1) {
      made.clock.stall(delayMs);
      await made.clock.advance(SHED.sampleMs);
    }
  }

  function guarded() {
    const made = world({ shedMs: LATE, random: seededRandom(7), retry: { enabled: false } });
    made.load?.refuses("CRITICAL");
    return made;
  }

  it("refuses the least important first, and more and more while the loop stays late", async () => {
    const made = guarded();
    await block(made, 300, 2);
    expect(made.load?.pressure).toBeGreaterThan(0);
    expect(await sharesOf(made)).toMatchObject({ SHEDDABLE_PLUS: 0, CRITICAL: 0 });
    await block(made, 300, 4);
    const later = await sharesOf(made);
    expect(later).toMatchObject({ SHEDDABLE: 1, CRITICAL_PLUS: 0 });
    await block(made, 300, 20);
    expect(await sharesOf(made)).toMatchObject({ SHEDDABLE: 1, CRITICAL: 1, CRITICAL_PLUS: 1 });
  });

  it("rests between half of the limit and the limit, and takes calls back below that", async () => {
    const made = guarded();
    await block(made, 300, 8);
    const before = made.load?.pressure ?? 0;
    // Some samples until the delay itself has come down.
    await block(made, 110, 40);
    const during = made.load?.pressure ?? 0;
    await block(made, 110, 20);
    expect(made.load?.pressure).toBe(during);
    expect(during).toBeGreaterThanOrEqual(before);
    await made.clock.advance(SHED.fallMs + SHED.smoothingMs * 3);
    expect(made.load?.pressure).toBe(0);
    expect((await sharesOf(made))["SHEDDABLE"]).toBe(0);
  });

  it("one long pause refuses no ordinary call", async () => {
    const made = guarded();
    await block(made, 5_000, 1);
    expect((await sharesOf(made))["CRITICAL"]).toBe(0);
  });

  it("answers with a time to come back, takes nothing, and counts against nobody", async () => {
    const told: string[] = [];
    const counted = refusals((call, { code }) => told.push(`${code} ${call.priority}`));
    const made = world({ shedMs: LATE, refusals: counted, breaker: { consecutiveFailures: 1 } });
    made.load?.refuses("CRITICAL");
    await block(made, 300, 30);
    const outcome = await made.send().outcome;
    expect(outcome).toEqual({
      kind: "no_response",
      failure: { code: "load_shed", retryAfterMs: SHED.fallMs },
    });
    expect(told).toEqual(["load_shed CRITICAL"]);
    expect(made.wire.sent).toHaveLength(0);
    expect(made.changes).toEqual([]);
    await made.clock.advance(20_000);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

describe("throttling", () => {
  const settings = { throttle: {}, breaker: false, retry: { enabled: false } } as const;

  /** Calls one after the other, answered by this status; gives how many were sent. */
  async function ask(made: World, calls: number, status: number, priority: Priority = "CRITICAL") {
    const before = made.wire.sent.length;
    for (let call = 0; call < calls; call += 1) {
      const sending = made.send({}, { priority });
      await new Promise(setImmediate);
      const sent = made.wire.sent.at(-1);
      if (sent !== undefined && !sent.settled) sent.respond(status);
      await sending.outcome;
      await made.clock.advance(10);
    }
    return made.wire.sent.length - before;
  }

  it("sends everything while at least half is accepted", async () => {
    const made = world({ ...settings, random: seededRandom(1) });
    for (let turn = 0; turn < 50; turn += 1) {
      expect(await ask(made, 1, 200)).toBe(1);
      expect(await ask(made, 1, 503)).toBe(1);
    }
  });

  it.each([503, 429])(
    "sends a tenth of the calls to an upstream that answers %d",
    async (status) => {
      const made = world({ ...settings, random: seededRandom(2) });
      await ask(made, 300, status);
      const sent = await ask(made, 300, status);
      expect(sent).toBeGreaterThan(15);
      expect(sent).toBeLessThan(50);
      expect(made.throttle?.refusedShare("CRITICAL")).toBe(0.9);
    },
  );

  it("takes everything back when the upstream accepts again", async () => {
    const made = world({ ...settings, random: seededRandom(3) });
    await ask(made, 300, 503);
    await ask(made, 3_500, 200);
    expect(await ask(made, 100, 200)).toBeGreaterThan(95);
  });

  it("refuses the least important first", async () => {
    const made = world({ ...settings, random: seededRandom(4) });
    for (let turn = 0; turn < 100; turn += 1) {
      await ask(made, 1, 503, "SHEDDABLE");
      await ask(made, 1, 503, "CRITICAL");
      await ask(made, 1, 200, "CRITICAL");
    }
    const shareOf = (priority: Priority) => made.throttle?.refusedShare(priority) ?? 0;
    expect(shareOf("SHEDDABLE")).toBeGreaterThan(0.4);
    expect(shareOf("CRITICAL")).toBe(0);
  });

  it("a refused call is told when to come back, not repeated, and counts for nobody", async () => {
    const counted = refusals();
    const made = world({ ...settings, retry: {}, refusals: counted, breaker: {} });
    const first = made.send({ method: "POST" });
    (await made.wire.next()).respond(503);
    await first.outcome;
    const outcome = await made.send().outcome;
    expect(outcome).toEqual({
      kind: "no_response",
      failure: { code: "upstream_throttled", retryAfterMs: 1_000 },
    });
    expect(made.wire.sent).toHaveLength(1);
    expect(counted.counts()).toMatchObject({ upstream_throttled: { CRITICAL: 1 } });
    expect(made.changes).toEqual([]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("other failures, calls that are still under way and those that left say nothing", async () => {
    const made = world({ ...settings, random: seededRandom(5) });
    for (let call = 0; call < 20; call += 1) {
      const sending = made.send();
      const sent = await made.wire.next();
      if (call % 3 === 0) sent.fail("connection_refused");
      else if (call % 3 === 1) sent.respond(500);
      else sending.call.cancellation.cut("client");
      await sending.outcome;
    }
    for (let call = 0; call < 20; call += 1) made.send();
    await made.clock.advance(0);
    expect(made.wire.sent).toHaveLength(40);
    expect(made.throttle?.refusedShare("CRITICAL")).toBe(0);
  });
});
