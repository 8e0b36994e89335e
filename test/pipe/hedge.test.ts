/** A second target is asked when the first one is slow: who wins, who pays, and when it is not. */
import { describe, expect, it } from "vitest";
import { ReplayBody } from "../../src/core/replay-body.js";
import { NOTHING_HELD, spentBody, type WorldOptions, world } from "./world.js";

const HEDGED: WorldOptions = { targets: 2, hedge: { delayMs: 50 }, breaker: {} };

/** A call whose first target has been silent for as long as it takes. */
async function slow(options: WorldOptions = {}, request = {}, overrides = {}) {
  const made = world({ ...HEDGED, ...options });
  const sending = made.send(request, overrides);
  const first = await made.wire.next();
  await made.clock.advance(50);
  return { made, sending, first, second: made.wire.sent[1] };
}

describe("a hedge", () => {
  it("goes to another target after the wait, and the first good answer wins", async () => {
    const { made, sending, first, second } = await slow();
    expect(second?.target).not.toBe(first.target);
    expect(second?.exchange.attempt.number).toBe(2);
    second?.respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
    expect(first.cutBy).toBe("hedge");
    expect(sending.call.attempts.map(({ number, code }) => [number, code])).toEqual([
      [1, "hedge_cancelled"],
      [2, null],
    ]);
    expect(sending.call.stopReason).toBeNull();
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("is given up when the first one answers after all", async () => {
    const { made, sending, first, second } = await slow();
    const answer = first.respond(200, { open: true });
    await sending.outcome;
    expect(second?.cutBy).toBe("hedge");
    expect(sending.call.attempts.map(({ number, code }) => [number, code])).toEqual([
      [2, "hedge_cancelled"],
      [1, null],
    ]);
    answer.end();
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("says nothing about the target that lost", async () => {
    const { made, sending, second } = await slow({ breaker: { consecutiveFailures: 1 } });
    second?.respond(200);
    await sending.outcome;
    expect(made.changes).toEqual([]);
    expect(made.targets.targets.every(({ breaker }) => breaker?.snapshot().failed === 0)).toBe(
      true,
    );
  });

  it("does not begin when the first answer comes in time", async () => {
    const made = world(HEDGED);
    const sending = made.send();
    (await made.wire.next()).respond(200);
    await sending.outcome;
    await made.clock.advance(1_000);
    expect(made.wire.sent).toHaveLength(1);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("still counts when the first one fails, and nothing is repeated then", async () => {
    const { made, sending, first, second } = await slow();
    first.respond(503);
    await made.clock.advance(0);
    expect(sending.result()).toBeNull();
    second?.respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
    expect(made.wire.sent).toHaveLength(2);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("that fails, too, leaves one failure, and a repeat goes on with the next number", async () => {
    const { made, sending, first, second } = await slow({ targets: 3 });
    first.fail("connection_terminated");
    second?.fail("connection_terminated");
    const third = await made.wire.next().then(() => made.wire.next());
    expect(third.exchange.attempt.number).toBe(3);
    expect(new Set(made.wire.sent.map(({ target }) => target)).size).toBe(3);
    third.respond(200);
    await sending.outcome;
    expect(sending.call.attempts.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("counts among the attempts of the call", async () => {
    const { made, sending, first, second } = await slow({ retry: { attemptsMax: 2 } });
    first.fail("connection_terminated");
    second?.fail("connection_terminated");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("attempts_exhausted");
    expect(made.wire.sent).toHaveLength(2);
  });

  it("is cut with the call, and none begins for a client that has left", async () => {
    const { made, sending, first, second } = await slow();
    sending.call.cancellation.cut("client");
    await sending.outcome;
    expect(sending.result()).toBe("client_closed_request");
    expect([first.cutBy, second?.cutBy]).toEqual(["client", "client"]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("may be one of several, where that is asked for", async () => {
    const { made, sending } = await slow({ targets: 4, hedge: { delayMs: 50, attemptsMax: 3 } });
    await made.clock.advance(500);
    expect(made.wire.sent).toHaveLength(3);
    made.wire.sent[2]?.respond(200);
    await sending.outcome;
    expect(made.wire.sent.map(({ cutBy }) => cutBy)).toEqual(["hedge", "hedge", null]);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

describe("no hedge is sent", () => {
  const body = () => ReplayBody.fromBuffer(Buffer.from("body"));

  it.each<[string, WorldOptions, object, object]>([
    ["for a POST", {}, { method: "POST" }, {}],
    ["for a POST that may be repeated", {}, { method: "POST", replayable: true }, {}],
    ["for a DELETE, whose second answer may be a 404", {}, { method: "DELETE" }, {}],
    ["for an upgrade", {}, { upgrade: "websocket" }, {}],
    ["to the only target", { targets: 1 }, {}, {}],
    ["without a budget", { budget: { budgetRatio: 0, budgetFloorPerSecond: 0 } }, {}, {}],
    ["for a call that wants none", {}, {}, { hedge: false }],
    ["for a call that wants one attempt", {}, {}, { retry: false }],
    ["with too little time left", { totalMs: 60 }, {}, {}],
  ])("%s", async (_, options, request, overrides) => {
    const { made, first } = await slow(options, request, overrides);
    expect(made.wire.sent).toHaveLength(1);
    if (!first.settled) first.respond(200);
  });

  it("for a body that is still coming in or is gone", async () => {
    const { made } = await slow({}, { method: "QUERY", body: await spentBody() });
    expect(made.wire.sent).toHaveLength(1);
    const whole = await slow({}, { method: "QUERY", body: body() });
    expect(whole.made.wire.sent).toHaveLength(2);
  });

  it("where it is off", async () => {
    const made = world({ targets: 2 });
    made.send();
    await made.wire.next();
    await made.clock.advance(5_000);
    expect(made.wire.sent).toHaveLength(1);
  });

  it("while draining", async () => {
    const made = world(HEDGED);
    made.send();
    await made.wire.next();
    made.lifecycle.state = "draining";
    await made.clock.advance(1_000);
    expect(made.wire.sent).toHaveLength(1);
  });

  it("while a breaker is open, since a partial outage is no time for more load", async () => {
    const made = world({ ...HEDGED, targets: 3, breaker: { consecutiveFailures: 1 } });
    const failing = made.send();
    (await made.wire.next()).fail("connection_terminated");
    (await made.wire.next()).respond(200);
    await failing.outcome;
    made.send();
    await made.wire.next();
    await made.clock.advance(500);
    expect(made.wire.sent).toHaveLength(3);
  });
});

describe("the wait before a hedge", () => {
  it("follows from the latencies of late, and there is none until enough are known", async () => {
    const made = world({ ...HEDGED, hedge: {} });
    const answer = async (ms: number) => {
      const sending = made.send();
      const sent = await made.wire.next();
      await made.clock.advance(ms);
      sent.respond(200);
      await sending.outcome;
    };
    // The slow ones come first, while nothing is known that they could be measured against.
    for (let call = 0; call < 4; call += 1) await answer(300);
    for (let call = 0; call < 46; call += 1) await answer(10);
    expect(made.wire.sent).toHaveLength(50);
    made.send();
    await made.wire.next();
    await made.clock.advance(299);
    expect(made.wire.sent).toHaveLength(51);
    await made.clock.advance(1);
    expect(made.wire.sent).toHaveLength(52);
  });
});
