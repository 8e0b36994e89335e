/** What upstreams and callers say about repeats and time, and what the policies make of it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReplayBody } from "../../src/core/replay-body.js";
import { idOf, NOTHING_HELD, spentBody, world } from "./world.js";

const buffered = () => ReplayBody.fromBuffer(Buffer.from("order"));
const NACK = { headers: { "finagle-http-nack": "true" } };

describe("what an upstream says", () => {
  it("a POST that was refused unprocessed is sent to another target", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({ method: "POST", body: buffered() });
    const first = await wire.next();
    first.respond(503, NACK);
    const second = await wire.next();
    second.respond(201);
    await sending.outcome;
    expect(sending.result()).toBe(201);
    expect(second.target).not.toBe(first.target);
  });

  it("without such a word a POST that was answered with 503 is not sent again", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({ method: "POST", body: buffered() });
    (await wire.next()).respond(503);
    await sending.outcome;
    expect(sending.call.stopReason).toBe("method_not_idempotent");
  });

  it.each(["x-envoy-ratelimited", "x-envoy-overloaded", "finagle-http-nonretryable-nack"])(
    "an answer with %s is not asked for again, not even elsewhere",
    async (name) => {
      const { wire, send } = world({ targets: 2 });
      const sending = send();
      (await wire.next()).respond(503, { headers: { [name]: "true" } });
      await sending.outcome;
      expect(sending.result()).toBe(503);
      expect(sending.call.stopReason).toBe("repeat_forbidden");
      expect(wire.sent).toHaveLength(1);
    },
  );

  it("a pushback is waited for before the same target is asked again", async () => {
    const { wire, clock, send } = world();
    const sending = send();
    (await wire.next()).respond(502, { headers: { "grpc-retry-pushback-ms": "150" } });
    await clock.advance(149);
    expect(wire.sent).toHaveLength(1);
    await clock.advance(1);
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });
});

describe("what an application has promised of a status", () => {
  const promised = { targets: 3, retry: { unprocessedStatuses: [503] } };

  it("a POST that gets it goes to another target, with the same body", async () => {
    const { wire, send, held } = world(promised);
    const sending = send({ method: "POST", body: buffered() });
    const first = await wire.next();
    first.respond(503);
    const second = await wire.next();
    second.respond(201);
    await sending.outcome;
    expect(sending.result()).toBe(201);
    expect(second.target).not.toBe(first.target);
    expect(sending.call.request.body?.complete).toBe(true);
    expect(held()).toEqual(NOTHING_HELD);
  });

  it.each([500, 502, 504])("says nothing of %i", async (status) => {
    const { wire, send } = world(promised);
    const sending = send({ method: "POST", body: buffered() });
    (await wire.next()).respond(status);
    await sending.outcome;
    expect(sending.result()).toBe(status);
    expect(wire.sent).toHaveLength(1);
  });

  it("says nothing of an answer that never came", async () => {
    const { wire, send } = world(promised);
    const sending = send({ method: "POST", body: buffered() });
    (await wire.next()).fail("connection_terminated");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("method_not_idempotent");
  });

  it("gives way to what the answer itself says", async () => {
    const { wire, send } = world(promised);
    const sending = send({ method: "POST", body: buffered() });
    (await wire.next()).respond(503, { headers: { "x-envoy-ratelimited": "true" } });
    await sending.outcome;
    expect(sending.call.stopReason).toBe("repeat_forbidden");
  });

  it("needs a body that is still here", async () => {
    const { wire, send } = world(promised);
    const sending = send({ method: "POST", body: await spentBody() });
    (await wire.next()).respond(503);
    await sending.outcome;
    expect(sending.result()).toBe(503);
    expect(sending.call.stopReason).toBe("body_not_replayable");
  });

  it("is bounded by attempts and paid from the budget, as every repeat", async () => {
    const { wire, send } = world(promised);
    const sending = send({ method: "POST", body: buffered() });
    for (let attempt = 0; attempt < 3; attempt += 1) (await wire.next()).respond(503);
    await sending.outcome;
    expect(sending.result()).toBe(503);
    expect(sending.call.stopReason).toBe("attempts_exhausted");
    const poor = world({ ...promised, budget: { budgetRatio: 0, budgetFloorPerSecond: 0 } });
    const refused = poor.send({ method: "POST", body: buffered() });
    (await poor.wire.next()).respond(503);
    await refused.outcome;
    expect(refused.call.stopReason).toBe("budget_exhausted");
  });

  it("whatever targets answer, a POST that may have been processed is the last of its call", () => {
    const answers = fc.array(fc.constantFrom(200, 404, 429, 500, 502, 503, 504, "cut" as const), {
      minLength: 3,
      maxLength: 3,
    });
    const property = fc.asyncProperty(answers, async (list) => {
      const { wire, send } = world(promised);
      const sending = send({ method: "POST", body: buffered() });
      let asked = 0;
      for (const answer of list) {
        const sent = await wire.next();
        asked += 1;
        if (answer === "cut") sent.fail("connection_terminated");
        else sent.respond(answer);
        // Only the promised status leads to a further attempt.
        if (answer !== 503) break;
      }
      await sending.outcome;
      expect(wire.sent).toHaveLength(asked);
    });
    return fc.assert(property, { numRuns: 100 });
  });
});

describe("a caller that repeats", () => {
  it("gets one attempt of what may have been processed", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({}, null, { attempt: 2 });
    (await wire.next()).fail("connection_terminated");
    await sending.outcome;
    expect(sending.result()).toBe("connection_terminated");
    expect(sending.call.stopReason).toBe("caller_repeats");
    expect(wire.sent).toHaveLength(1);
  });

  it("still gets another target for what was never written, at no cost", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({}, null, { attempt: 3 });
    (await wire.next()).fail("connection_refused");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });
});

describe("a caller's deadline", () => {
  it("with no time left is refused at once, and no target hears of it", async () => {
    const { wire, send, held } = world();
    const sending = send({}, null, { deadlineMs: 0 });
    await sending.outcome;
    expect(sending.result()).toBe("deadline_already_over");
    expect(wire.sent).toHaveLength(0);
    expect(held()).toEqual(NOTHING_HELD);
  });

  it("cuts the call where it is sooner than ours", async () => {
    const { clock, wire, send } = world({ totalMs: 5_000 });
    const sending = send({}, null, { deadlineMs: 400 });
    await wire.next();
    await clock.advance(399);
    expect(sending.result()).toBeNull();
    await clock.advance(1);
    await sending.outcome;
    expect(sending.result()).toBe("deadline_exceeded");
  });

  it("that is short opens no breaker, however many there are", async () => {
    const { clock, wire, send, changes } = world();
    for (let count = 0; count < 30; count += 1) {
      const sending = send({}, null, { deadlineMs: 20 });
      await wire.next();
      await clock.advance(20);
      await sending.outcome;
      expect(sending.result()).toBe("deadline_exceeded");
    }
    expect(changes).toEqual([]);
  });

  it("that gave a fair time counts against a target that stayed silent", async () => {
    const { clock, wire, send, changes } = world();
    for (let count = 0; count < 5; count += 1) {
      const sending = send({}, null, { deadlineMs: 1_500 });
      await wire.next();
      await clock.advance(1_500);
      await sending.outcome;
    }
    expect(changes.map(({ target, to }) => [target, to])).toEqual([[idOf(0), "open"]]);
  });
});
