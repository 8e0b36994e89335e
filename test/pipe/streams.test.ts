/** Answers without an end have places of their own, so that they take none from calls. */
import { describe, expect, it } from "vitest";
import { NOTHING_HELD, world } from "./world.js";

const EVENTS = { headers: { "content-type": "text/event-stream; charset=utf-8" }, open: true };
const ONE_EACH = { concurrencyMax: 1, queueMax: 0, streamsMax: 1 };

function bench() {
  const made = world({ bulkhead: ONE_EACH, breaker: false });
  const streams = (): number => made.places.streams.running;
  return { made, streams };
}

describe("an event stream", () => {
  it("gives its place back with its head, and holds one of the streams to its end", async () => {
    const { made, streams } = bench();
    made.send({ path: "/events" });
    const answer = (await made.wire.next()).respond(200, EVENTS);
    await made.clock.advance(0);
    expect([made.places.running, streams()]).toEqual([0, 1]);
    const plain = made.send({ path: "/plain" });
    (await made.wire.next()).respond(200);
    await made.clock.advance(0);
    expect(plain.result()).toBe(200);
    answer.end();
    expect(streams()).toBe(0);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("is refused and given up when all places of streams are taken", async () => {
    const { made, streams } = bench();
    made.send({ path: "/events" });
    const first = (await made.wire.next()).respond(200, EVENTS);
    await made.clock.advance(0);
    const second = made.send({ path: "/events" });
    const given = (await made.wire.next()).respond(200, EVENTS);
    await made.clock.advance(0);
    expect(second.result()).toBe("bulkhead_full");
    const outcome = await second.outcome;
    expect(outcome).toMatchObject({ failure: { details: "streams=1" } });
    expect(given.discarded).toBe(true);
    expect([made.places.running, streams()]).toEqual([0, 1]);
    given.end();
    first.breakOff("connection_terminated");
    expect(streams()).toBe(0);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it.each([
    ["another type", { "content-type": "application/json" }],
    ["a type that only begins so", { "content-type": "text/event-streams" }],
    ["no type", {}],
  ])("is none with %s", async (_what, headers: Record<string, string>) => {
    const { made, streams } = bench();
    made.send({ path: "/download" });
    const answer = (await made.wire.next()).respond(200, { headers, open: true });
    await made.clock.advance(0);
    expect([made.places.running, streams()]).toEqual([1, 0]);
    answer.end();
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

describe("an upgrade", () => {
  it("is refused before it is sent when all places of streams are taken", async () => {
    const { made, streams } = bench();
    made.send({ path: "/ws", upgrade: "websocket" });
    const tunnel = (await made.wire.next()).respond(101, { open: true });
    await made.clock.advance(0);
    expect([made.places.running, streams()]).toEqual([0, 1]);
    const second = made.send({ path: "/ws", upgrade: "websocket" });
    await made.clock.advance(0);
    expect(second.result()).toBe("bulkhead_full");
    expect(made.wire.sent.length).toBe(1);
    tunnel.end();
    expect(streams()).toBe(0);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});
