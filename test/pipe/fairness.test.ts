/** Callers that are told apart: none can fill all places, the queue or the streams. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fieldOf } from "../../src/targets/balance/request-key.js";
import { NOTHING_HELD, type World, type WorldOptions, world } from "./world.js";

const callers = {
  by: "header x-user",
  of: (request: Parameters<typeof fieldOf>[0]) => fieldOf(request, "x-user"),
};

function fair(bulkhead: NonNullable<WorldOptions["bulkhead"]>, of = callers.of): World {
  return world({ bulkhead, callers: { by: callers.by, of }, breaker: false });
}

const ask = (made: World, user: string, path = `/${user}`) =>
  made.send({ path, headers: user === "" ? [] : ["X-User", user] });

function running(made: World): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { settled, exchange } of made.wire.sent) {
    const user = exchange.request.path.slice(1);
    if (!settled) counts[user] = (counts[user] ?? 0) + 1;
  }
  return counts;
}

describe("places with callers that are told apart", () => {
  it("a caller that is alone gets half, and another one has a place at once", async () => {
    const made = fair({ concurrencyMax: 8, queueMax: 100 });
    for (let call = 0; call < 20; call += 1) ask(made, "a");
    await made.clock.advance(0);
    expect(running(made)).toEqual({ a: 4 });
    expect(made.places.callers).toEqual({ count: 1, most: 4 });
    ask(made, "b");
    await made.clock.advance(0);
    expect(running(made)).toEqual({ a: 4, b: 1 });
    // What ends of the first caller goes to those that are below their share.
    for (let call = 0; call < 20; call += 1) ask(made, "b");
    await made.clock.advance(0);
    expect(running(made)).toEqual({ a: 4, b: 2 });
  });

  it.each([
    [1, 0.5, 6],
    [2, 0.5, 4],
    [5, 0.5, 2],
    [1, 0.75, 9],
    [2, 0.75, 6],
  ])("%i callers with a share of %d have %i places of 12 each", async (count, share, each) => {
    const made = fair({ concurrencyMax: 12, queueMax: 1_000, callerShare: share });
    for (let call = 0; call < 20; call += 1) {
      for (let user = 0; user < count; user += 1) ask(made, `u${user}`);
    }
    await made.clock.advance(0);
    const all = Object.values(running(made));
    expect(Math.max(...all)).toBe(each);
    expect(all.reduce((sum, one) => sum + one)).toBeLessThan(12);
    ask(made, "newcomer");
    await made.clock.advance(0);
    expect(running(made)["newcomer"]).toBe(1);
  });

  it("what waits behind its own caller takes the place that this caller leaves", async () => {
    const made = fair({ concurrencyMax: 2, queueMax: 10 });
    ask(made, "a");
    const second = ask(made, "a");
    await made.clock.advance(100);
    expect([running(made), made.places.waiting]).toEqual([{ a: 1 }, 1]);
    (await made.wire.next()).respond(200);
    await made.clock.advance(0);
    expect([running(made), made.places.waiting]).toEqual([{ a: 1 }, 0]);
    (await made.wire.next()).respond(200);
    await made.clock.advance(0);
    expect(second.result()).toBe(200);
    expect(made.places.callers).toEqual({ count: 0, most: 0 });
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("a caller that waits in vain is told that it is its own share", async () => {
    const made = fair({ concurrencyMax: 2, queueMax: 10, queueMs: 1_000 });
    ask(made, "a");
    const second = ask(made, "a");
    await made.clock.advance(1_000);
    expect(second.result()).toBe("bulkhead_queue_timeout");
    expect(await second.outcome).toMatchObject({ failure: { details: "caller_places=1" } });
    expect(made.places.callers).toEqual({ count: 1, most: 1 });
  });

  it("a caller cannot fill the queue", async () => {
    const made = fair({ concurrencyMax: 2, queueMax: 4, queueStressMs: Number.POSITIVE_INFINITY });
    for (const user of ["x", "y"]) ask(made, user);
    await made.clock.advance(0);
    const flood = Array.from({ length: 6 }, () => ask(made, "a"));
    await made.clock.advance(0);
    expect(flood.map(({ result }) => result())).toEqual([
      ...[null, null],
      ...["bulkhead_full", "bulkhead_full", "bulkhead_full", "bulkhead_full"],
    ]);
    const other = ask(made, "b");
    await made.clock.advance(0);
    expect([other.result(), made.places.waiting]).toEqual([null, 3]);
  });

  it("a caller cannot fill the streams", async () => {
    const made = fair({ streamsMax: 2 });
    const upgrade = (user: string) =>
      made.send({ path: "/", headers: ["x-user", user], upgrade: "websocket" });
    const open = async (user: string) => {
      const sent = upgrade(user);
      await made.clock.advance(0);
      if (sent.result() !== null) return sent.result();
      (await made.wire.next()).respond(101, { open: true });
      await made.clock.advance(0);
      return sent.result();
    };
    expect(await open("a")).toBe(101);
    expect(await open("a")).toBe("bulkhead_full");
    expect(await open("b")).toBe(101);
  });

  it("calls without a key are one caller", async () => {
    const made = fair({ concurrencyMax: 4, queueMax: 100 });
    for (let call = 0; call < 10; call += 1) ask(made, "");
    await made.clock.advance(0);
    expect(running(made)).toEqual({ "": 2 });
  });

  it("a function is asked once for each call, and its caller keeps its name", async () => {
    let asked = 0;
    const made = fair({ concurrencyMax: 4, queueMax: 100 }, () => {
      asked += 1;
      return `call ${asked}`;
    });
    for (let call = 0; call < 4; call += 1) ask(made, "a");
    for (let call = 0; call < 4; call += 1) (await made.wire.next()).respond(200);
    await made.clock.advance(0);
    expect(asked).toBe(4);
    expect(made.places.callers).toEqual({ count: 0, most: 0 });
  });

  it("describe() says by what", () => {
    const roles = fair({}).describe();
    const { settings } = roles.find(({ role }) => role === "bulkhead") ?? {};
    expect(settings).toMatchObject({ by: "header x-user", callerShare: 0.5 });
  });

  it("whatever comes and goes, a caller without a place gets one while there is one", async () => {
    const steps = fc.array(
      fc.record({ user: fc.constantFrom("a", "b", "c", "d"), ends: fc.boolean() }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 9 }), async (all, concurrencyMax) => {
        const made = fair({ concurrencyMax, queueMax: 8, queueMs: 10_000 });
        for (const { user, ends } of all) {
          const oldest = made.wire.sent.find(({ settled }) => !settled);
          if (ends) oldest?.respond(200);
          else {
            const before = running(made);
            const isFree = made.places.running < concurrencyMax;
            const sent = ask(made, user);
            await made.clock.advance(0);
            if (isFree && before[user] === undefined) {
              expect(running(made)[user]).toBe(1);
              expect(sent.result()).toBe(null);
            }
          }
          await made.clock.advance(0);
          expect(made.places.running).toBeLessThanOrEqual(concurrencyMax);
        }
        for (;;) {
          const open = made.wire.sent.find(({ settled }) => !settled);
          if (open === undefined) break;
          open.respond(200);
          await made.clock.advance(0);
        }
        expect(made.held()).toEqual(NOTHING_HELD);
        expect(made.places.callers).toEqual({ count: 0, most: 0 });
      }),
      { numRuns: 60 },
    );
  });
});
