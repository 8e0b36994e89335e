/** When a call is sent again, where to, after how long, and what is noted when it is not. */
import { describe, expect, it } from "vitest";
import type { FailureCode } from "../../src/catalog/failures.js";
import { ReplayBody } from "../../src/core/replay-body.js";
import { idOf, NOTHING_HELD, spentBody, world } from "./world.js";

const buffered = () => ReplayBody.fromBuffer(Buffer.from("order"));

describe("safety of repeats", () => {
  it("a POST that may have been received is never sent twice", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({ method: "POST", body: buffered() });
    (await wire.next()).fail("connection_terminated");
    await sending.outcome;
    expect(sending.result()).toBe("connection_terminated");
    expect(sending.call.stopReason).toBe("method_not_idempotent");
    expect(wire.sent).toHaveLength(1);
  });

  it("a POST that was proved never to be written is sent again", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({ method: "POST", body: buffered() });
    (await wire.next()).fail("connection_refused");
    (await wire.next()).respond(201);
    await sending.outcome;
    expect(sending.result()).toBe(201);
    expect(sending.call.attempts.map(({ code }) => code)).toEqual(["connection_refused", null]);
  });

  it("a POST whose caller promised that it is repeatable is sent again", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({ method: "POST", replayable: true, body: buffered() });
    (await wire.next()).fail("http_response_timeout");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it.each(["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "QUERY"])(
    "%s is sent again after a connection that was lost",
    async (method) => {
      const { wire, send } = world({ targets: 2 });
      const sending = send({ method });
      (await wire.next()).fail("connection_terminated");
      (await wire.next()).respond(200);
      await sending.outcome;
      expect(sending.result()).toBe(200);
    },
  );

  it("a body that is not kept any more is not sent again", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({ method: "PUT", body: await spentBody() });
    (await wire.next()).fail("connection_terminated");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("body_not_replayable");
    expect(wire.sent).toHaveLength(1);
  });

  it.each([500, 501, 404, 425])(
    "an answer with status %i is passed on and not asked for again",
    async (status) => {
      const { wire, send } = world({ targets: 2 });
      const sending = send();
      (await wire.next()).respond(status);
      await sending.outcome;
      expect(sending.result()).toBe(status);
      expect(wire.sent).toHaveLength(1);
    },
  );

  it.each([502, 503, 504])(
    "an answer with status %i is given up and asked for elsewhere",
    async (status) => {
      const { wire, send } = world({ targets: 2 });
      const sending = send();
      const answer = (await wire.next()).respond(status, { open: true });
      (await wire.next()).respond(200);
      await sending.outcome;
      expect(sending.result()).toBe(200);
      expect(answer.discarded).toBe(true);
    },
  );

  it("the answer of the last attempt is passed on whole, not given up", async () => {
    const { wire, send, clock } = world({ retry: { attemptsMax: 2 } });
    const sending = send();
    (await wire.next()).respond(503);
    await clock.advance(250);
    const last = (await wire.next()).respond(503, { open: true });
    await sending.outcome;
    expect(sending.result()).toBe(503);
    expect(last.discarded).toBe(false);
    expect(sending.call.stopReason).toBe("attempts_exhausted");
    last.end();
  });
});

describe("where and when", () => {
  it("a repeat goes to another target at once", async () => {
    const { wire, send, clock } = world({ targets: 2 });
    const sending = send();
    (await wire.next()).fail("connection_refused");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(wire.sent.map(({ target }) => target)).toEqual([idOf(0), idOf(1)]);
    expect(clock.now()).toBe(0);
  });

  it("a repeat at the same target waits at random up to a cap that doubles", async () => {
    const { wire, send, clock } = world({ random: { next: () => 0.999 } });
    const sending = send();
    (await wire.next()).fail("connection_refused");
    await clock.advance(24.9);
    expect(wire.sent).toHaveLength(1);
    await clock.advance(0.1);
    (await wire.next()).fail("connection_refused");
    await clock.advance(49.9);
    expect(wire.sent).toHaveLength(2);
    await clock.advance(0.1);
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("three attempts with three targets meet each target once", async () => {
    const { wire, send } = world({ targets: 3 });
    const sending = send();
    for (let attempt = 0; attempt < 3; attempt += 1) (await wire.next()).fail("connection_refused");
    await sending.outcome;
    expect(new Set(wire.sent.map(({ target }) => target)).size).toBe(3);
    expect(sending.call.stopReason).toBe("attempts_exhausted");
    expect(sending.call.attempts.map(({ number }) => number)).toEqual([1, 2, 3]);
  });

  it("Retry-After is obeyed where there is no other target", async () => {
    const { wire, send, clock } = world();
    const sending = send();
    (await wire.next()).respond(503, { headers: { "retry-after": "2" } });
    await clock.advance(1_999);
    expect(wire.sent).toHaveLength(1);
    await clock.advance(1);
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("a Retry-After as a date is obeyed by the wall clock", async () => {
    const { wire, send, clock } = world({ retry: { retryAfterWaitMsMax: 10_000 } });
    const sending = send();
    const date = new Date(clock.wallNow() + 3_000).toUTCString();
    (await wire.next()).respond(503, { headers: { "retry-after": date } });
    await clock.advance(2_999);
    expect(wire.sent).toHaveLength(1);
    await clock.advance(1);
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("a Retry-After beyond the deadline is not waited for but passed on", async () => {
    const { wire, send, clock } = world({ totalMs: 5_000 });
    const sending = send();
    const answer = (await wire.next()).respond(503, {
      headers: { "retry-after": "60" },
      open: true,
    });
    await sending.outcome;
    expect(sending.result()).toBe(503);
    expect(sending.call.stopReason).toBe("no_time_left");
    expect(answer.discarded).toBe(false);
    expect(clock.now()).toBe(0);
    answer.end();
  });

  it("a Retry-After that asks for more than a user should wait is passed on", async () => {
    const { wire, send, clock } = world();
    const sending = send();
    (await wire.next()).respond(503, { headers: { "retry-after": "3" } });
    await sending.outcome;
    expect(sending.result()).toBe(503);
    expect(sending.call.stopReason).toBe("retry_after_too_long");
    expect(clock.now()).toBe(0);
  });

  it("the waits that Retry-After asks for are counted over all attempts", async () => {
    const { wire, send, clock } = world({ retry: { attemptsMax: 5 } });
    const sending = send();
    for (let attempt = 0; attempt < 3; attempt += 1) {
      (await wire.next()).respond(503, { headers: { "retry-after": "1" } });
      await clock.advance(1_500);
    }
    await sending.outcome;
    expect(sending.call.attempts).toHaveLength(3);
    expect(sending.call.stopReason).toBe("retry_after_too_long");
  });

  it("a wrong name or certificate is not tried again where it was wrong", async () => {
    const { wire, send } = world();
    const sending = send();
    (await wire.next()).fail("tls_certificate_error");
    await sending.outcome;
    expect(sending.call.attempts).toHaveLength(1);
    expect(sending.call.stopReason).toBe("no_other_target");
  });

  it("a wrong name or certificate of one target is no reason to leave out another", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send();
    (await wire.next()).fail("tls_certificate_error");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("an overloaded target's Retry-After does not delay the call of another target", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send();
    (await wire.next()).respond(503, { headers: { "retry-after": "20" } });
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("a rate limit is waited for and not evaded at another target", async () => {
    const { wire, send, clock } = world({ targets: 2 });
    const sending = send();
    (await wire.next()).respond(429, { headers: { "retry-after": "1" } });
    await clock.advance(999);
    expect(wire.sent).toHaveLength(1);
    await clock.advance(1);
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("a rate limit that does not say how long is passed on", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send();
    (await wire.next()).respond(429);
    await sending.outcome;
    expect(sending.result()).toBe(429);
    expect(sending.call.stopReason).toBe("not_repeatable");
  });
});

describe("the stale connection", () => {
  it("is repeated at once, at the same target, without an attempt and without budget", async () => {
    const { wire, send, budget, clock } = world({
      targets: 2,
      retry: { attemptsMax: 1 },
      budget: { budgetRatio: 0, budgetFloorPerSecond: 0 },
    });
    const sending = send();
    (await wire.next()).fail("stale_connection");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
    expect(sending.call.attempts.map(({ number }) => number)).toEqual([1, 1]);
    expect(budget.snapshot().repeats).toBe(0);
    expect(clock.now()).toBe(0);
  });

  it("is free once; a second one costs an attempt", async () => {
    const { wire, send, budget } = world({ targets: 2, retry: { attemptsMax: 2 } });
    const sending = send();
    (await wire.next()).fail("stale_connection");
    (await wire.next()).fail("stale_connection");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.call.attempts.map(({ number }) => number)).toEqual([1, 1, 2]);
    expect(budget.snapshot().repeats).toBe(1);
  });

  it("leaves all attempts to the failures that follow it", async () => {
    const { wire, send } = world({ targets: 4, retry: { attemptsMax: 3 } });
    const sending = send();
    (await wire.next()).fail("stale_connection");
    for (let attempt = 1; attempt <= 3; attempt += 1)
      (await wire.next()).fail("connection_refused");
    await sending.outcome;
    expect(sending.call.attempts.map(({ number }) => number)).toEqual([1, 1, 2, 3]);
    expect(sending.call.stopReason).toBe("attempts_exhausted");
  });

  it("is not repeated for a POST", async () => {
    const { wire, send } = world();
    const sending = send({ method: "POST" });
    (await wire.next()).fail("stale_connection");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("method_not_idempotent");
    expect(wire.sent).toHaveLength(1);
  });
});

describe("bounds", () => {
  it("a good first answer leaves no reason behind", async () => {
    const { wire, send } = world();
    const sending = send();
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.call.stopReason).toBeNull();
  });

  it("all calls together repeat no more than the budget allows", async () => {
    const { wire, send, clock } = world({
      targets: 2,
      breaker: false,
      budget: { budgetRatio: 0.2, budgetFloorPerSecond: 0 },
    });
    const reasons: unknown[] = [];
    for (let call = 0; call < 20; call += 1) {
      const before = wire.sent.length;
      const sending = send();
      while (sending.result() === null) {
        (await wire.next()).fail("connection_refused");
        await new Promise(setImmediate);
      }
      reasons.push([wire.sent.length - before, sending.call.stopReason]);
      await clock.advance(250);
    }
    expect(wire.sent).toHaveLength(24);
    expect(reasons[0]).toEqual([1, "budget_exhausted"]);
    expect(reasons[4]).toEqual([2, "budget_exhausted"]);
  });

  describe("when calls fail many at once", () => {
    const CALLS = 100;

    it("by a crash of one target, all of them are repeated at once elsewhere", async () => {
      const made = world({ targets: 2, breaker: false });
      const sendings = Array.from({ length: CALLS }, () => made.send());
      await made.clock.advance(0);
      const crashed = made.wire.sent[0]?.target;
      for (const sent of [...made.wire.sent]) {
        if (sent.target === crashed) sent.fail("connection_terminated");
        else sent.respond(200);
      }
      await made.clock.advance(0);
      for (const sent of made.wire.sent) if (!sent.settled) sent.respond(200);
      await made.clock.advance(0);
      expect(sendings.every((sending) => sending.result() === 200)).toBe(true);
      expect(made.wire.sent).toHaveLength(CALLS * 1.5);
    });

    it("by an outage of all, no second has more repeats than its share", async () => {
      const made = world({ targets: 2, breaker: false, retry: { backoffMsMax: 0 } });
      for (let call = 0; call < CALLS; call += 1) made.send();
      await made.clock.advance(0);
      const repeatsOf = async () => {
        const before = made.wire.sent.length;
        for (let turn = 0; turn < 5; turn += 1) {
          for (const sent of [...made.wire.sent]) {
            if (!sent.settled) sent.fail("connection_terminated");
          }
          await made.clock.advance(0);
        }
        return made.wire.sent.length - before;
      };
      // The floor of ten a second, and a fifth of the hundred calls of the last ten.
      expect(await repeatsOf()).toBe(10 + 2);
      await made.clock.advance(500);
      for (let call = 0; call < CALLS; call += 1) made.send();
      await made.clock.advance(0);
      expect(await repeatsOf()).toBe(2);
    });
  });

  it("a quiet service may repeat from the floor of the budget", async () => {
    const { wire, send } = world({ targets: 2, budget: { budgetFloorPerSecond: 0.1 } });
    const sending = send();
    (await wire.next()).fail("connection_refused");
    (await wire.next()).fail("connection_refused");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("budget_exhausted");
  });

  it("no attempt begins that cannot end before the deadline", async () => {
    const { wire, send, clock } = world({ targets: 2, totalMs: 1_000 });
    const sending = send();
    const first = await wire.next();
    await clock.advance(990);
    first.fail("connection_terminated");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("no_time_left");
    expect(wire.sent).toHaveLength(1);
  });

  it("no wait begins that would not end before the deadline", async () => {
    const { wire, send, clock } = world({ totalMs: 1_000, random: { next: () => 0.9 } });
    const sending = send();
    const first = await wire.next();
    await clock.advance(960);
    first.fail("connection_refused");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("no_time_left");
    expect(clock.now()).toBe(960);
  });

  it("while draining a running call gets no further attempt", async () => {
    const { wire, send, lifecycle } = world({ targets: 2 });
    const sending = send();
    const first = await wire.next();
    lifecycle.state = "draining";
    first.fail("connection_refused");
    await sending.outcome;
    expect(sending.result()).toBe("connection_refused");
    expect(sending.call.stopReason).toBe("draining");
  });

  it("in lame duck a call is still repeated", async () => {
    const { wire, send, lifecycle } = world({ targets: 2 });
    lifecycle.state = "lame_duck";
    const sending = send();
    (await wire.next()).fail("connection_refused");
    (await wire.next()).respond(200);
    await sending.outcome;
    expect(sending.result()).toBe(200);
  });

  it("a call that is told not to repeat does not", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send({}, { retry: false });
    (await wire.next()).fail("connection_refused");
    await sending.outcome;
    expect(sending.call.stopReason).toBe("retry_off");
  });

  it("a call may ask for fewer or more attempts than its upstream", async () => {
    const { wire, send } = world({ targets: 5, retry: { enabled: false } });
    const more = send({}, { retry: { attemptsMax: 4 } });
    for (let attempt = 0; attempt < 4; attempt += 1) (await wire.next()).fail("connection_refused");
    await more.outcome;
    expect(more.call.attempts).toHaveLength(4);
    const none = send();
    (await wire.next()).fail("connection_refused");
    await none.outcome;
    expect(none.call.stopReason).toBe("retry_off");
  });
});

describe("cuts between attempts", () => {
  const sleeping = async (code: FailureCode | 503) => {
    const made = world({ random: { next: () => 0.9 } });
    const sending = made.send();
    const sent = await made.wire.next();
    if (code === 503) sent.respond(503, { headers: { "retry-after": "2" } });
    else sent.fail(code);
    await made.clock.advance(1);
    expect(sending.result()).toBeNull();
    return { ...made, sending };
  };

  it("a client that leaves during the wait ends it at once", async () => {
    const { sending, clock, wire, held } = await sleeping("connection_refused");
    sending.call.cancellation.cut("client");
    await sending.outcome;
    expect(sending.result()).toBe("client_closed_request");
    expect(sending.call.stopReason).toBe("client_gone");
    expect(clock.now()).toBe(1);
    expect(wire.sent).toHaveLength(1);
    expect(held()).toEqual(NOTHING_HELD);
    expect(sending.call.cancellation.listening).toBe(0);
  });

  it("a shutdown during the wait ends it with the last failure", async () => {
    const { sending } = await sleeping("connection_refused");
    sending.call.cancellation.cut("shutdown");
    await sending.outcome;
    expect(sending.result()).toBe("connection_refused");
    expect(sending.call.stopReason).toBe("draining");
  });

  it("a shutdown after an answer was given up is a refusal", async () => {
    const { sending } = await sleeping(503);
    sending.call.cancellation.cut("shutdown");
    await sending.outcome;
    expect(sending.result()).toBe("draining");
  });

  it("a drain that begins during the wait takes the repeat back", async () => {
    const { sending, lifecycle, clock, wire } = await sleeping("connection_refused");
    lifecycle.state = "draining";
    await clock.advance(1_000);
    expect(sending.result()).toBe("connection_refused");
    expect(sending.call.stopReason).toBe("draining");
    expect(wire.sent).toHaveLength(1);
  });

  it("a client that leaves during an attempt is not asked for another", async () => {
    const { wire, send } = world({ targets: 2 });
    const sending = send();
    await wire.next();
    sending.call.cancellation.cut("client");
    await sending.outcome;
    expect(sending.result()).toBe("client_closed_request");
    expect(sending.call.stopReason).toBe("client_gone");
    expect(wire.sent).toHaveLength(1);
  });
});

describe("what is no failure of an upstream", () => {
  it("an error thrown by our own code is not repeated and holds nothing back", async () => {
    const made = world({
      targets: 2,
      listener: { has: () => true, keeps: () => false, notify: throwBug },
    });
    const sending = made.send();
    const outcome = expect(sending.outcome).rejects.toThrow("a bug in a hook");
    (await made.wire.next()).fail("connection_refused");
    await outcome;
    expect(made.wire.sent).toHaveLength(1);
    expect(made.held()).toEqual(NOTHING_HELD);
  });
});

function throwBug(): never {
  throw new Error("a bug in a hook");
}
