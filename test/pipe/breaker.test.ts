/** How targets are judged, left out and taken back, with the policies around them. */
import { describe, expect, it } from "vitest";
import { BREAKER, EVIDENCE, HOPE } from "../../src/catalog/defaults.js";
import type { FailureCode } from "../../src/catalog/failures.js";
import { idOf, NOTHING_HELD, world } from "./world.js";

const ONCE = { retry: { attemptsMax: 1 } } as const;

async function failTimes(made: ReturnType<typeof world>, times: number, code: FailureCode) {
  for (let time = 0; time < times; time += 1) {
    const sending = made.send({}, { retry: false });
    (await made.wire.next()).fail(code);
    await sending.outcome;
  }
}

const stateOf = ({ targets }: ReturnType<typeof world>) => targets.targets[0]?.breaker?.state;

describe("opening", () => {
  it("five failures in a row open the breaker of a target", async () => {
    const made = world(ONCE);
    await failTimes(made, 4, "connection_refused");
    expect(stateOf(made)).toBe("closed");
    await failTimes(made, 1, "connection_refused");
    expect(stateOf(made)).toBe("open");
    expect(made.changes).toEqual([
      {
        target: idOf(0),
        from: "closed",
        to: "open",
        reason: "consecutive_failures",
        openForMs: 1_000,
      },
    ]);
  });

  it("an open breaker answers at once, sends nothing and says when to come back", async () => {
    const made = world(ONCE);
    await failTimes(made, 5, "connection_refused");
    await made.clock.advance(400);
    const outcome = await made.send().outcome;
    expect(outcome).toEqual({
      kind: "no_response",
      failure: { code: "breaker_open", blame: "upstream", target: idOf(0), retryAfterMs: 600 },
    });
    expect(made.wire.sent).toHaveLength(5);
    expect(made.held()).toEqual(NOTHING_HELD);
  });

  it("a call does not wait inside the gateway for a breaker to let it through", async () => {
    const made = world();
    await failTimes(made, 5, "connection_terminated");
    expect(stateOf(made)).toBe("open");
    const sending = made.send();
    await sending.outcome;
    expect(sending.result()).toBe("breaker_open");
    expect(sending.call.stopReason).toBe("no_other_target");
    expect(sending.call.attempts).toHaveLength(0);
    expect(made.clock.now()).toBe(0);
  });

  it.each([
    "client_closed_request",
    "request_body_timeout",
    "tls_certificate_error",
    "stale_connection",
    "event_loop_stalled",
    "local_resources_exhausted",
    "received_rate_limited",
  ] as const)("%s is no fault of the target and counts for nothing", async (code) => {
    const made = world({ retry: { enabled: false } });
    await failTimes(made, 30, code);
    expect(stateOf(made)).toBe("closed");
    expect(made.targets.targets[0]?.breaker?.snapshot()).toMatchObject({ counted: 0, failed: 0 });
  });

  it("the third reset of a kept connection by one route counts, beside others", async () => {
    const made = world({ retry: { enabled: false } });
    const lose = async (path: string): Promise<void> => {
      const sending = made.send({ path });
      (await made.wire.next()).fail("stale_connection");
      await sending.outcome;
      expect(sending.result()).toBe("stale_connection");
    };
    const answer = async (path: string): Promise<void> => {
      const sending = made.send({ path });
      (await made.wire.next()).respond(200);
      await sending.outcome;
    };
    const routes = () => made.targets.targets[0]?.breaker?.snapshot().routes;
    for (let time = 0; time < 2; time += 1) {
      await lose("/boom");
      await answer("/orders");
    }
    expect(routes()).toEqual([]);
    await lose("/boom");
    await answer("/orders");
    await lose("/boom");
    expect(routes()).toMatchObject([{ route: "GET /boom", failuresInRow: 2, standing: "avoided" }]);
    await answer("/orders");
    await made.clock.advance(2_000);
    const more = BREAKER.consecutiveFailures * EVIDENCE.unseenFactor - 2;
    for (let time = 0; time < more; time += 1) await lose("/boom");
    await made.clock.advance(1);
    const refused = made.send({ path: "/boom" });
    expect(await refused.outcome).toMatchObject({
      failure: { code: "breaker_open", route: "GET /boom" },
    });
    await answer("/orders");
    expect(stateOf(made)).toBe("closed");
  });

  it("resets of kept connections that are repeated count for nothing", async () => {
    const made = world();
    for (let time = 0; time < 8; time += 1) {
      const sending = made.send({ path: "/boom" });
      (await made.wire.next()).fail("stale_connection");
      (await made.wire.next()).respond(200);
      await sending.outcome;
    }
    expect(made.targets.targets[0]?.staleRoutes).toBe(null);
  });

  it("an answer that is a failure counts when its body is over", async () => {
    const made = world(ONCE);
    await failTimes(made, 4, "connection_refused");
    const sending = made.send();
    const answer = (await made.wire.next()).respond(500, { open: true });
    await sending.outcome;
    expect(stateOf(made)).toBe("closed");
    answer.end();
    expect(stateOf(made)).toBe("open");
  });

  it("a body that breaks off counts against the target by the name that broke it", async () => {
    const made = world(ONCE);
    await failTimes(made, 4, "connection_refused");
    const sending = made.send();
    const answer = (await made.wire.next()).respond(200, { open: true });
    await sending.outcome;
    answer.breakOff("connection_reset_in_body");
    expect(stateOf(made)).toBe("open");
    expect(sending.call.attempts.map(({ code }) => code)).toEqual(["connection_reset_in_body"]);
  });

  it("a route whose bodies break at one target goes to the others", async () => {
    const made = world({ ...ONCE, targets: 2 });
    const brokenAt: string[] = [];
    for (let time = 0; time < 20; time += 1) {
      const path = time % 2 === 0 ? "/file" : "/orders";
      const sending = made.send({ path });
      const sent = await made.wire.next();
      const breaks = path === "/file" && sent.target === idOf(0);
      const answer = sent.respond(200, { open: true });
      await sending.outcome;
      if (breaks) answer.breakOff("connection_reset_in_body");
      else answer.end();
      if (breaks) brokenAt.push(sent.target);
      if (time % 4 === 3) await made.clock.advance(10);
    }
    expect(brokenAt).toHaveLength(EVIDENCE.avoidedAfter);
    expect(stateOf(made)).toBe("closed");
  });

  it("a body that the client left counts neither for nor against the target", async () => {
    const made = world(ONCE);
    await failTimes(made, 4, "connection_refused");
    const sending = made.send();
    const answer = (await made.wire.next()).respond(200, { open: true });
    await sending.outcome;
    answer.breakOff("client_closed_request");
    expect(stateOf(made)).toBe("closed");
    await failTimes(made, 1, "connection_refused");
    expect(stateOf(made)).toBe("open");
  });

  const mixed = async (code: FailureCode) => {
    const made = world({ ...ONCE, targets: 1 });
    for (let round = 0; round < 10; round += 1) {
      expect(stateOf(made)).toBe("closed");
      const good = made.send();
      (await made.wire.next()).respond(200);
      await good.outcome;
      await failTimes(made, 1, code);
    }
    return made;
  };

  it("half of twenty calls within ten seconds open it, however they are mixed", async () => {
    const made = await mixed("connection_refused");
    expect(stateOf(made)).toBe("open");
    expect(made.changes[0]?.reason).toBe("failure_rate");
  });

  it("what requests may be at fault for opens no only target while it answers", async () => {
    const made = await mixed("connection_terminated");
    expect(stateOf(made)).toBe("closed");
    expect(made.targets.targets[0]?.breaker?.snapshot()).toMatchObject({ counted: 20, failed: 10 });
  });
});

describe("half-open", () => {
  const opened = async () => {
    const made = world(ONCE);
    await failTimes(made, 5, "connection_refused");
    await made.clock.advance(1_000);
    return made;
  };
  /** Its connections were refused, and one was accepted since. */
  const returned = async () => {
    const made = await opened();
    for (const target of made.targets.targets) target.hasReturned = () => true;
    return made;
  };

  it("who comes beside a trial is refused at once, but for a restart", async () => {
    const made = await opened();
    made.send();
    await made.wire.next();
    const beside = made.send();
    await beside.outcome;
    expect(beside.result()).toBe("breaker_open");
  });

  it("one trial at a time goes through, and three good ones close it", async () => {
    const made = await returned();
    const trial = made.send();
    const sent = await made.wire.next();
    expect(stateOf(made)).toBe("half_open");
    const beside = made.send();
    sent.respond(200);
    await trial.outcome;
    // Who came beside it has waited, and is the next trial.
    (await made.wire.next()).respond(200);
    await beside.outcome;
    expect(beside.result()).toBe(200);
    const last = made.send();
    (await made.wire.next()).respond(200);
    await last.outcome;
    expect(stateOf(made)).toBe("closed");
    expect(made.changes.map(({ reason }) => reason)).toEqual([
      "consecutive_failures",
      "open_time_over",
      "trials_passed",
    ]);
  });

  it("who comes beside a trial is refused when that fails", async () => {
    const made = await returned();
    const trial = made.send();
    const sent = await made.wire.next();
    const beside = made.send();
    const before = made.wire.sent.length;
    sent.fail("connection_refused");
    await trial.outcome;
    await beside.outcome;
    expect(beside.result()).toBe("breaker_open");
    expect(made.wire.sent).toHaveLength(before);
  });

  it("who comes beside a trial that hangs waits a moment and is refused", async () => {
    const made = await returned();
    made.send();
    await made.wire.next();
    const beside = made.send();
    await made.clock.advance(HOPE.waitMs - 1);
    expect(beside.result()).toBeNull();
    await made.clock.advance(1);
    await beside.outcome;
    expect(beside.result()).toBe("breaker_open");
  });

  it("who leaves while it waits beside a trial is gone at once", async () => {
    const made = await returned();
    made.send();
    await made.wire.next();
    const beside = made.send();
    await made.clock.advance(1);
    beside.call.cancellation.cut("client");
    await beside.outcome;
    expect(beside.result()).toBe("client_closed_request");
  });

  it("a trial that fails opens it again, for no longer where it is alone", async () => {
    const made = await opened();
    await failTimes(made, 1, "connection_refused");
    expect(stateOf(made)).toBe("open");
    expect(made.changes.at(-1)).toMatchObject({ reason: "trial_failed", openForMs: 1_000 });
    const denied = made.send();
    await denied.outcome;
    expect(denied.result()).toBe("breaker_open");
  });

  it("a trial that ends neutral frees the place for the next", async () => {
    const made = await opened();
    const trial = made.send();
    await made.wire.next();
    trial.call.cancellation.cut("client");
    await trial.outcome;
    expect(stateOf(made)).toBe("half_open");
    const next = made.send();
    (await made.wire.next()).respond(200);
    await next.outcome;
    expect(next.result()).toBe(200);
  });

  it("an answer from before the breaker opened does not judge the trial", async () => {
    const made = world(ONCE);
    const early = made.send();
    const slow = await made.wire.next();
    await failTimes(made, 5, "connection_refused");
    await made.clock.advance(1_000);
    const trial = made.send();
    const sent = await made.wire.next();
    slow.fail("connection_terminated");
    await early.outcome;
    expect(stateOf(made)).toBe("half_open");
    sent.respond(200);
    await trial.outcome;
    expect(stateOf(made)).toBe("half_open");
  });
});

describe("with several targets", () => {
  it("a target whose breaker is open is left out while others serve", async () => {
    const made = world({ targets: 2 });
    const targets: string[] = [];
    for (let call = 0; call < 20; call += 1) {
      const sending = made.send();
      while (sending.result() === null) {
        const sent = await made.wire.next();
        targets.push(sent.target);
        if (sent.target === idOf(0)) sent.fail("connection_refused");
        else sent.respond(200);
        await new Promise(setImmediate);
      }
      expect(sending.result()).toBe(200);
    }
    expect(targets.filter((target) => target === idOf(0))).toHaveLength(5);
  });

  it("with all of them open the call is refused until the first may be tried", async () => {
    const made = world({ targets: 2, ...ONCE });
    await failTimes(made, 9, "connection_refused");
    await made.clock.advance(300);
    await failTimes(made, 1, "connection_refused");
    const outcome = await made.send().outcome;
    expect(outcome).toMatchObject({ failure: { code: "no_healthy_target", retryAfterMs: 700 } });
  });

  it("without breakers a target is asked however often it fails", async () => {
    const made = world({ ...ONCE, breaker: false });
    await failTimes(made, 50, "connection_refused");
    expect(made.wire.sent).toHaveLength(50);
  });
});
