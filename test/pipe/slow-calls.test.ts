/** Answers that come too slowly open the breaker, where somebody has said what is too slow. */
import { describe, expect, it } from "vitest";
import { NOTHING_HELD, type World, type WorldOptions, world } from "./world.js";

const SLOW = { slowCallMs: 500, slowRatio: 0.5, volumeMin: 4, openJitter: 0 };

const slowWorld = (breaker: WorldOptions["breaker"] = SLOW, more: WorldOptions = {}): World =>
  world({ breaker: breaker ?? SLOW, retry: { enabled: false }, ...more });

/** A call whose answer begins after this time. */
async function call(made: World, ms: number, path = "/") {
  const sending = made.send({ path });
  await made.clock.advance(0);
  if (sending.result() !== null) return sending.result();
  const sent = await made.wire.next();
  await made.clock.advance(ms);
  sent.respond(200);
  await made.clock.advance(0);
  return sending.result();
}

const went = ({ changes }: World) => changes.map(({ to, reason }) => `${to} ${reason}`);

describe("slow calls", () => {
  it("open it at the ratio, once there are enough, and a slow trial fails", async () => {
    const made = slowWorld();
    for (const ms of [500, 499, 10]) expect(await call(made, ms)).toBe(200);
    expect(went(made)).toEqual([]);
    expect(await call(made, 500)).toBe(200);
    expect(went(made)).toEqual(["open slow_calls"]);
    expect(await call(made, 0)).toBe("breaker_open");
    await made.clock.advance(1_000);
    expect(await call(made, 500)).toBe(200);
    expect(went(made).slice(1)).toEqual(["half_open open_time_over", "open slow_calls"]);
    // It is tried again as soon: it accepts connections, and only calls can tell.
    await made.clock.advance(1_000);
    for (let trial = 0; trial < 3; trial += 1) expect(await call(made, 100)).toBe(200);
    expect(went(made).at(-1)).toBe("closed trials_passed");
    // What was slow before says nothing now.
    for (const ms of [10, 10, 500]) await call(made, ms);
    expect(made.targets.targets[0]?.breaker?.snapshot()).toMatchObject({
      state: "closed",
      slow: 1,
    });
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("are forgotten behind the window", async () => {
    const made = slowWorld({ ...SLOW, windowMs: 10_000 });
    for (const ms of [500, 500, 500]) await call(made, ms);
    await made.clock.advance(11_000);
    for (const ms of [500, 10, 10, 10]) await call(made, ms);
    expect(went(made)).toEqual([]);
  });

  it("count for nothing unless it is said what is slow", async () => {
    const made = slowWorld({ openJitter: 0 });
    for (let time = 0; time < 40; time += 1) await call(made, 5_000);
    expect(went(made)).toEqual([]);
    expect(made.targets.targets[0]?.breaker?.snapshot().slow).toBe(0);
  });

  it("do not count for a route whose failures say nothing", async () => {
    const made = slowWorld();
    const [target] = made.targets.targets;
    const regexp = /^\/reports/;
    if (target?.breaker) {
      target.breaker.rules = [{ pattern: "/reports/*", regexp, overrides: null, breaker: false }];
    }
    for (let time = 0; time < 8; time += 1) await call(made, 2_000, "/reports/1");
    expect(went(made)).toEqual([]);
    for (const ms of [500, 500, 10, 10]) await call(made, ms);
    expect(went(made)).toEqual(["open slow_calls"]);
  });

  it("of one route are its own fault where enough others are quick", async () => {
    const made = slowWorld();
    const others = async (ms: number): Promise<void> => {
      for (const path of ["/orders", "/users"]) await call(made, ms, path);
    };
    for (let time = 0; time < 5; time += 1) await others(10);
    for (let time = 0; time < 20; time += 1) {
      expect(await call(made, 500, "/reports")).toBe(200);
      await others(10);
    }
    for (let time = 0; time < 10; time += 1) await call(made, 500, "/reports");
    expect(went(made)).toEqual([]);
    // The others are slow as well: it is the target.
    for (let time = 0; time < 20; time += 1) await others(600);
    expect(went(made)).toEqual(["open slow_calls"]);
  });

  it("a slow answer that streams on is passed to its client whole", async () => {
    const made = slowWorld({ ...SLOW, volumeMin: 1 });
    const sending = made.send();
    const sent = await made.wire.next();
    await made.clock.advance(600);
    const answer = sent.respond(200, { open: true });
    await made.clock.advance(0);
    expect([sending.result(), ...went(made)]).toEqual([200, "open slow_calls"]);
    answer.end();
    await made.clock.advance(0);
    expect(went(made)).toEqual(["open slow_calls"]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});
