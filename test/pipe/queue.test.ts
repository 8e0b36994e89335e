/** Who is served and who is let go when more calls come than there are places. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PRIORITIES, PRIORITY_RANK, type Priority } from "../../src/catalog/priorities.js";
import { Call } from "../../src/core/call.js";
import { refusals } from "../../src/policies/refusals.js";
import { Waiter, WaitingLine } from "../../src/policies/waiting-line.js";
import { NOTHING_HELD, requestOf, type World, world } from "./world.js";

const ONE = { concurrencyMax: 1, queueMax: 2, queueMs: 5_000 };

async function busy(options = {}, random = { next: () => 0 }) {
  const made = world({ bulkhead: { ...ONE, ...options }, random });
  made.send({ path: "/first" });
  const first = await made.wire.next();
  return { made, first };
}

const ask = (made: World, path: string, priority: Priority = "CRITICAL") =>
  made.send({ path }, { priority });

/** Answers one after the other, and gives the order in which they were sent. */
async function serveAll(made: World, first: { respond(status: number): unknown }) {
  const order: string[] = [];
  let sent = first;
  for (;;) {
    sent.respond(200);
    await made.clock.advance(0);
    const next = made.wire.sent.at(-1);
    if (next === undefined || next === sent || next.settled) return order;
    order.push(next.exchange.request.path);
    sent = next;
  }
}

describe("the queue", () => {
  it("serves the most important first, and the oldest of equals", async () => {
    const { made, first } = await busy({ queueMax: 9 });
    ask(made, "/batch", "SHEDDABLE");
    ask(made, "/page-1");
    ask(made, "/page-2");
    ask(made, "/again", "SHEDDABLE_PLUS");
    ask(made, "/login", "CRITICAL_PLUS");
    await made.clock.advance(0);
    expect(await serveAll(made, first)).toEqual([
      "/login",
      "/page-1",
      "/page-2",
      "/again",
      "/batch",
    ]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("serves the newest of equals first once it has stood for long", async () => {
    const { made, first } = await busy({ queueMax: 9 });
    for (const path of ["/1", "/2", "/3"]) ask(made, path);
    await made.clock.advance(99);
    expect(made.places.stressed).toBe(false);
    await made.clock.advance(1);
    expect(made.places.stressed).toBe(true);
    expect(await serveAll(made, first)).toEqual(["/3", "/2", "/1"]);
  });

  it("that was empty in between serves the oldest first again", async () => {
    const { made, first } = await busy({ queueMax: 9 });
    ask(made, "/waits");
    await made.clock.advance(200);
    first.respond(200);
    const second = await made.wire.next();
    for (const path of ["/1", "/2"]) ask(made, path);
    await made.clock.advance(50);
    expect(made.places.stressed).toBe(false);
    expect(await serveAll(made, second)).toEqual(["/1", "/2"]);
  });

  it("with queueStressMs: Infinity serves the oldest first at all times", async () => {
    const { made, first } = await busy({ queueMax: 9, queueStressMs: Number.POSITIVE_INFINITY });
    for (const path of ["/1", "/2"]) ask(made, path);
    await made.clock.advance(4_000);
    expect(await serveAll(made, first)).toEqual(["/1", "/2"]);
  });

  it("that is full lets the least important go for one that matters more", async () => {
    const { made } = await busy();
    const batch = ask(made, "/batch", "SHEDDABLE");
    const page = ask(made, "/page");
    const login = ask(made, "/login", "CRITICAL_PLUS");
    await made.clock.advance(0);
    expect(batch.result()).toBe("bulkhead_queue_displaced");
    expect(page.result()).toBeNull();
    expect(login.result()).toBeNull();
    const another = ask(made, "/batch", "SHEDDABLE");
    await another.outcome;
    expect(another.result()).toBe("bulkhead_full");
  });

  it("that is full and has stood for long lets its oldest go for a newer equal", async () => {
    const { made } = await busy();
    const oldest = ask(made, "/1");
    const newer = ask(made, "/2");
    await made.clock.advance(100);
    const newest = ask(made, "/3");
    await made.clock.advance(0);
    expect([oldest, newer, newest].map((one) => one.result())).toEqual([
      "bulkhead_queue_displaced",
      null,
      null,
    ]);
  });

  it("counts every refusal by name and priority, and none of them against a target", async () => {
    const told: string[] = [];
    const counted = refusals((call, { code }) => told.push(`${code} ${call.priority}`));
    const made = world({ bulkhead: ONE, refusals: counted, breaker: { consecutiveFailures: 1 } });
    made.send();
    const first = await made.wire.next();
    ask(made, "/batch", "SHEDDABLE");
    ask(made, "/batch", "SHEDDABLE");
    ask(made, "/page");
    await ask(made, "/batch", "SHEDDABLE").outcome;
    await made.clock.advance(5_000);
    expect(told).toEqual([
      "bulkhead_queue_displaced SHEDDABLE",
      "bulkhead_full SHEDDABLE",
      "bulkhead_queue_timeout SHEDDABLE",
      "bulkhead_queue_timeout CRITICAL",
    ]);
    const none = { SHEDDABLE: 0, SHEDDABLE_PLUS: 0, CRITICAL: 0, CRITICAL_PLUS: 0 };
    expect(counted.counts()).toEqual({
      bulkhead_queue_displaced: { ...none, SHEDDABLE: 1 },
      bulkhead_full: { ...none, SHEDDABLE: 1 },
      bulkhead_queue_timeout: { ...none, SHEDDABLE: 1, CRITICAL: 1 },
    });
    first.respond(200);
    await made.clock.advance(0);
    expect(made.changes).toEqual([]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

describe("the places", () => {
  const five = { concurrencyMax: 5, queueMax: 5, criticalShare: 0.4 };

  it("leave a share free of sheddable calls", async () => {
    const made = world({ bulkhead: five });
    for (let call = 0; call < 5; call += 1) ask(made, "/batch", "SHEDDABLE_PLUS");
    await made.clock.advance(0);
    expect(made.places.running).toBe(3);
    expect(made.places.waiting).toBe(2);
    ask(made, "/page");
    ask(made, "/page");
    await made.clock.advance(0);
    expect(made.places.running).toBe(5);
    // A place that a page gives back is still not for a batch.
    const page = made.wire.sent.find(({ exchange }) => exchange.request.path === "/page");
    page?.respond(200);
    await made.clock.advance(0);
    expect(made.places.running).toBe(4);
    expect(made.places.waiting).toBe(2);
  });

  it("one is there for sheddable calls, however large the share", async () => {
    const made = world({ bulkhead: { ...five, criticalShare: 1 } });
    ask(made, "/batch", "SHEDDABLE");
    await made.clock.advance(0);
    expect(made.places.running).toBe(1);
  });
});

describe("when to come back", () => {
  it("follows from who is in front and how fast the queue moves, spread by chance", async () => {
    const { made } = await busy({ queueMax: 4 }, { next: () => 0.5 });
    for (let call = 0; call < 4; call += 1) ask(made, "/waits");
    await made.clock.advance(0);
    const hint = async () => {
      const outcome = await ask(made, "/", "SHEDDABLE").outcome;
      return outcome.kind === "no_response" ? outcome.failure.retryAfterMs : null;
    };
    // Nothing is known yet of the pace.
    expect(await hint()).toBe(2_000 * 1.25);
    await made.clock.advance(1_000);
    made.wire.sent.at(-1)?.respond(200);
    await made.clock.advance(0);
    ask(made, "/waits");
    await made.clock.advance(1_000);
    // One in two seconds, four in front: ten seconds, which is also the most that is said.
    expect(await hint()).toBe(10_000 * 1.25);
  });
});

describe("the line", () => {
  it("agrees with a plain list, whatever happens in whatever order", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("join" as const), rank: fc.integer({ min: 0, max: 3 }) }),
      fc.record({ do: fc.constant("leave" as const), which: fc.nat() }),
      fc.record({ do: fc.constant("next" as const), newest: fc.boolean() }),
      fc.record({
        do: fc.constant("victim" as const),
        newest: fc.boolean(),
        rank: fc.integer({ min: 0, max: 3 }),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const line = new WaitingLine();
        let list: Waiter[] = [];
        const rankOf = ({ call }: Waiter) => PRIORITY_RANK[call.priority];
        const edge = (waiters: Waiter[], newest: boolean) =>
          (newest ? waiters.at(-1) : waiters[0]) ?? null;
        const drop = (waiter: Waiter) => {
          line.leave(waiter);
          list = list.filter((one) => one !== waiter);
        };
        for (const one of steps) {
          if (one.do === "join") {
            const priority = PRIORITIES[one.rank] as Priority;
            const waiter = new Waiter(new Call(requestOf({}), 0, "id", { priority }), () => {});
            line.join(waiter);
            list.push(waiter);
          } else if (one.do === "leave") {
            const waiter = list[one.which % Math.max(1, list.length)];
            if (waiter !== undefined) drop(waiter);
          } else if (one.do === "next") {
            const top = Math.max(...list.map(rankOf));
            const expected = edge(
              list.filter((waiter) => rankOf(waiter) === top),
              one.newest,
            );
            expect(line.next(one.newest)).toBe(expected);
            if (expected !== null) drop(expected);
          } else {
            const bottom = Math.min(...list.map(rankOf));
            const lowest = list.filter((waiter) => rankOf(waiter) === bottom);
            const gives = bottom < one.rank || (bottom === one.rank && one.newest);
            const expected = gives ? edge(lowest, !one.newest) : null;
            expect(line.victim(PRIORITIES[one.rank] as Priority, one.newest)).toBe(expected);
          }
          expect(line.size).toBe(list.length);
        }
      }),
      { seed: 4, numRuns: 300 },
    );
  });
});
