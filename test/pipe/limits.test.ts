/** Deadline, bulkhead, drain and record, and that everything taken is given back. */
import { describe, expect, it } from "vitest";
import type { AttemptRecord } from "../../src/core/call.js";
import { NOTHING_HELD, world } from "./world.js";

describe("the deadline", () => {
  it("cuts a call that waits for its answer, by name", async () => {
    const made = world({ totalMs: 2_000 });
    const sending = made.send();
    await made.wire.next();
    await made.clock.advance(1_999);
    expect(sending.result()).toBeNull();
    await made.clock.advance(1);
    expect(sending.result()).toBe("deadline_exceeded");
    expect(sending.call.stopReason).toBe("no_time_left");
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("spans attempts and waits", async () => {
    const made = world({ targets: 2, totalMs: 2_000, timeouts: { responseMs: 1_500 } });
    const sending = made.send();
    await made.wire.next();
    await made.clock.advance(1_500);
    await made.wire.next();
    await made.clock.advance(500);
    expect(sending.result()).toBe("deadline_exceeded");
    expect(sending.call.attempts.map(({ code }) => code)).toEqual([
      "http_response_timeout",
      "deadline_exceeded",
    ]);
  });

  it("ends with the head: a body may take longer", async () => {
    const made = world({ totalMs: 2_000, timeouts: { idleMs: 60_000 } });
    const sending = made.send();
    const answer = (await made.wire.next()).respond(200, { open: true });
    await sending.outcome;
    await made.clock.advance(10_000);
    expect(sending.call.cancellation.by).toBeNull();
    answer.end();
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("an answer that lay in the socket while we were stalled beats the late timer", async () => {
    const made = world({ totalMs: 2_000 });
    const sending = made.send();
    const sent = await made.wire.next();
    made.clock.stall(3_000);
    made.clock.turn(() => sent.respond(200));
    await made.clock.advance(0);
    expect(sending.result()).toBe(200);
  });

  it("of the call's own options wins over that of the upstream", async () => {
    const made = world({ totalMs: 2_000 });
    const sending = made.send({}, { timeouts: { totalMs: 100 } });
    await made.wire.next();
    await made.clock.advance(100);
    expect(sending.result()).toBe("deadline_exceeded");
  });

  it("that the caller brought along counts where it is the sooner one", async () => {
    const made = world({ totalMs: 2_000 });
    const sending = made.send({}, null, { deadlineMs: 500 });
    await made.wire.next();
    await made.clock.advance(500);
    expect(sending.result()).toBe("deadline_exceeded");
  });

  it("that has passed on arrival is refused and nothing is sent", async () => {
    const made = world();
    await made.clock.advance(1_000);
    const sending = made.send({}, null, { deadlineMs: -1 });
    await sending.outcome;
    expect(sending.result()).toBe("deadline_already_over");
    expect(made.wire.sent).toHaveLength(0);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("without one no timer of it is started", async () => {
    const made = world({ totalMs: Number.POSITIVE_INFINITY });
    const sending = made.send();
    await made.wire.next();
    await made.clock.advance(9_999);
    expect(sending.result()).toBeNull();
    await made.clock.advance(1);
    (await made.wire.next()).respond(200);
    await made.clock.advance(0);
    expect(sending.result()).toBe(200);
  });
});

describe("the bulkhead", () => {
  const narrow = { bulkhead: { concurrencyMax: 1, queueMax: 2, queueMs: 1_000 } };

  it("a place is held until the body ends, and then goes to whoever waits longest", async () => {
    const made = world(narrow);
    const first = made.send();
    const answer = (await made.wire.next()).respond(200, { open: true });
    await first.outcome;
    const second = made.send({ path: "/second" });
    const third = made.send({ path: "/third" });
    await made.clock.advance(10);
    expect(made.wire.sent).toHaveLength(1);
    answer.end();
    const sent = await made.wire.next();
    expect(sent.exchange.request.path).toBe("/second");
    sent.respond(200);
    await second.outcome;
    (await made.wire.next()).respond(200);
    await third.outcome;
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("a call beyond the queue is refused at once", async () => {
    const made = world({ ...narrow, random: { next: () => 0.5 } });
    for (let call = 0; call < 3; call += 1) made.send();
    const outcome = await made.send().outcome;
    expect(outcome).toEqual({
      kind: "no_response",
      failure: { code: "bulkhead_full", retryAfterMs: 2_500 },
    });
  });

  it("a call that waits too long in the queue is refused", async () => {
    const made = world(narrow);
    made.send();
    const waiting = made.send();
    await made.clock.advance(999);
    expect(waiting.result()).toBeNull();
    await made.clock.advance(1);
    expect(waiting.result()).toBe("bulkhead_queue_timeout");
    expect(made.places.waiting).toBe(0);
  });

  it("a client that leaves takes its place in the queue with it", async () => {
    const made = world(narrow);
    const first = made.send();
    const leaving = made.send();
    const staying = made.send({ path: "/staying" });
    await made.clock.advance(0);
    leaving.call.cancellation.cut("client");
    await leaving.outcome;
    expect(leaving.result()).toBe("client_closed_request");
    expect(made.places.waiting).toBe(1);
    (await made.wire.next()).respond(200);
    await first.outcome;
    const sent = await made.wire.next();
    expect(sent.exchange.request.path).toBe("/staying");
    sent.respond(200);
    await staying.outcome;
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("a deadline that passes in the queue has its own name", async () => {
    const made = world(narrow);
    made.send();
    const waiting = made.send({}, { timeouts: { totalMs: 200 } });
    await made.clock.advance(200);
    expect(waiting.result()).toBe("deadline_exceeded_queued");
  });

  it("a call holds one place however often it is repeated", async () => {
    const made = world({ targets: 3, bulkhead: { concurrencyMax: 2, queueMax: 0 } });
    const sending = made.send();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      (await made.wire.next()).fail("connection_refused");
      expect(made.places.running).toBe(1);
    }
    (await made.wire.next()).respond(200);
    await sending.outcome;
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

describe("the drain gate", () => {
  it.each(["draining", "closed"] as const)(
    "while %s a new call is refused and touches nothing",
    async (state) => {
      const made = world();
      made.lifecycle.state = state;
      const outcome = await made.send().outcome;
      expect(outcome).toMatchObject({ failure: { code: "draining", retryAfterMs: 2_000 } });
      expect(made.held()).toEqual(NOTHING_HELD);
      expect(made.budget.snapshot().calls).toBe(0);
    },
  );

  it("in maintenance a call is told when it may be over", async () => {
    const made = world();
    made.lifecycle.maintenance = { retryAfterMs: 30_000 };
    const outcome = await made.send().outcome;
    expect(outcome).toMatchObject({ failure: { code: "maintenance", retryAfterMs: 30_000 } });
    expect(made.wire.sent).toHaveLength(0);
  });

  it("a call that was let in goes on while draining, counted until its body ends", async () => {
    const made = world();
    const sending = made.send();
    const sent = await made.wire.next();
    made.lifecycle.state = "draining";
    const answer = sent.respond(200, { open: true });
    await sending.outcome;
    expect(sending.result()).toBe(200);
    expect(made.lifecycle.running).toBe(1);
    answer.end();
    expect(made.lifecycle.running).toBe(0);
  });
});

describe("the record", () => {
  it("names every exchange as soon as its head is known", async () => {
    const made = world({ targets: 2 });
    const sending = made.send();
    (await made.wire.next()).respond(503);
    const sent = await made.wire.next();
    await made.clock.advance(40);
    const answer = sent.respond(200, { open: true });
    await sending.outcome;
    expect(sending.call.attempts).toEqual([
      {
        number: 1,
        target: "http://10.0.0.1:8080",
        phase: "receive",
        code: "received_gateway_error",
        status: 503,
        startedAt: 0,
        durationMs: 0,
        reused: false,
      },
      {
        number: 2,
        target: "http://10.0.0.2:8080",
        phase: "receive",
        code: null,
        status: 200,
        startedAt: 0,
        durationMs: 40,
        reused: false,
      },
    ]);
    answer.end();
  });

  it("is told to whoever listens when the body is over, with its last name", async () => {
    const told: AttemptRecord[] = [];
    const made = world({
      listener: { has: () => true, keeps: () => false, notify: (_, one) => void told.push(one) },
    });
    const sending = made.send();
    const answer = (await made.wire.next()).respond(200, { open: true });
    await sending.outcome;
    expect(told).toEqual([]);
    await made.clock.advance(30);
    answer.breakOff("http_response_incomplete");
    expect(told).toMatchObject([{ code: "http_response_incomplete", status: 200, durationMs: 30 }]);
  });
});

describe("the description", () => {
  it("shows the policies in request order with the values in force", () => {
    const roles = world({ retry: { attemptsMax: 7 } }).describe();
    expect(roles.map(({ role }) => role)).toEqual([
      "drain_gate",
      "priority",
      "load_shed",
      "total_deadline",
      "bulkhead",
      "retry",
      "hedge",
      "pace",
      "quota",
      "throttle",
      "pick_target",
      "breaker",
      "attempt_timeout",
      "record",
      "chaos",
    ]);
    const settingsOf = (all: typeof roles) => all.find(({ role }) => role === "retry")?.settings;
    expect(settingsOf(roles)).toMatchObject({ attemptsMax: 7, budgetRatio: 0.2 });
    expect(settingsOf(world({ retry: { enabled: false } }).describe())).toEqual({
      enabled: false,
    });
  });
});
