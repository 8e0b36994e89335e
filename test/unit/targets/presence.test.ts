import { describe, expect, it } from "vitest";
import type { FailureCode } from "../../../src/catalog/failures.js";
import { INCIDENT } from "../../../src/catalog/health-defaults.js";
import type { IncidentFacts } from "../../../src/targets/evidence.js";
import { Presence } from "../../../src/targets/presence.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

type Told = readonly ["start" | "end", IncidentFacts];

function bench() {
  const clock = virtualClock({ now: 10_000 });
  const told: Told[] = [];
  const world = { pending: 0 };
  const presence = new Presence(
    clock,
    {
      started: (evidence) => told.push(["start", evidence.facts()]),
      ended: (evidence) => told.push(["end", evidence.facts()]),
    },
    () => world.pending,
  );
  return {
    clock,
    presence,
    told,
    world,
    names: () => told.map(([name]) => name),
    /** Answers on a connection of this age. */
    answer: (ageMs = 0) => presence.answered(clock.now() - ageMs, clock.now()),
    fail(code: FailureCode, ageMs: number | null = null, call: object = {}) {
      const openedAt = ageMs === null ? -1 : clock.now() - ageMs;
      presence.failed(code, { call, openedAt, reused: ageMs !== null && ageMs > 0 });
      return call;
    },
  };
}

describe("a process that vanishes", () => {
  it("is one incident, from the first loss to the first answer of its successor", async () => {
    const { clock, presence, told, world, names, answer, fail } = bench();
    answer();
    await clock.advance(2_000);
    world.pending = 4;
    const calls = [9_000, 4_000, 500].map((age) => fail("connection_terminated", age));
    world.pending = 1;
    fail("stale_connection", 1_000);
    fail("connection_refused", null, calls[0]);
    expect(told).toEqual([]);
    await clock.advance(INCIDENT.settleMs);
    expect(names()).toEqual(["start"]);
    expect(told[0]?.[1]).toMatchObject({
      inFlight: 4,
      refused: 1,
      cut: 3,
      stale: 1,
      firstCode: "connection_terminated",
      lastCode: "connection_refused",
      sockets: { lost: 4, reused: 4, youngestMs: 500, oldestMs: 9_000 },
      callsHit: 4,
      answeredAgainAt: null,
      endedAt: null,
      newProcess: null,
    });
    for (let call = 0; call < 50; call += 1) fail("connection_refused");
    presence.evidence?.callFailed(calls[1] as object, false);
    presence.evidence?.callFailed({}, true);
    presence.evidence?.callFailed({}, false);
    await clock.advance(1_900);
    answer();
    await clock.advance(INCIDENT.quietMs - 1);
    answer(50);
    expect(names()).toEqual(["start"]);
    await clock.advance(1);
    expect(names()).toEqual(["start", "end"]);
    const end = told[1]?.[1] as IncidentFacts;
    expect(end).toMatchObject({
      refused: 51,
      callsHit: 54,
      callsFailed: 1,
      callsTurnedAway: 1,
      downMs: 2_000,
      relapses: 0,
      newProcess: true,
    });
    expect(end.startedAt - end.lastAnswerAt).toBe(2_000);
    expect((end.answeredAgainAt as number) - end.startedAt).toBe(2_000);
    expect((end.endedAt as number) - (end.answeredAgainAt as number)).toBe(INCIDENT.quietMs);
    expect(presence.evidence).toBeNull();
    expect(clock.pending()).toBe(0);
    expect(JSON.parse(JSON.stringify(end))).toEqual(end);
  });

  it("is none while an old connection is answered, or new ones are accepted", async () => {
    const { clock, names, answer, fail } = bench();
    answer();
    for (let time = 0; time < 6; time += 1) fail("connection_terminated", 500);
    await clock.advance(10);
    answer(5_000);
    await clock.advance(INCIDENT.settleMs);
    // One client asks for what makes it hang up, again and again.
    fail("stale_connection", 500);
    for (let time = 0; time < 10; time += 1) {
      await clock.advance(2);
      fail("connection_terminated", 1);
    }
    await clock.advance(INCIDENT.settleMs);
    expect(names()).toEqual([]);
  });

  it("is told at its end at the latest, and never twice", async () => {
    const { clock, names, answer, fail } = bench();
    answer();
    fail("connection_refused");
    answer();
    await clock.advance(INCIDENT.quietMs);
    expect(names()).toEqual(["start", "end"]);
    await clock.advance(60_000);
    expect(names()).toEqual(["start", "end"]);
  });

  it("is another incident once the first one is over", async () => {
    const { clock, names, answer, fail } = bench();
    for (let time = 0; time < 2; time += 1) {
      answer();
      fail("connection_refused");
      answer();
      await clock.advance(INCIDENT.quietMs);
    }
    expect(names()).toEqual(["start", "end", "start", "end"]);
  });

  it("and comes and goes in a loop is one incident, which says how often", async () => {
    const { clock, told, names, answer, fail } = bench();
    answer();
    for (let life = 0; life < 4; life += 1) {
      fail("connection_refused");
      await clock.advance(INCIDENT.settleMs);
      answer();
      await clock.advance(INCIDENT.quietMs - 1);
    }
    await clock.advance(1);
    expect(names()).toEqual(["start", "end"]);
    expect(told[1]?.[1].relapses).toBe(3);
  });

  it("leaves stragglers on its old connections, which are no relapse", async () => {
    const { clock, told, names, answer, fail } = bench();
    answer();
    fail("connection_refused");
    await clock.advance(500);
    answer();
    await clock.advance(10);
    fail("connection_terminated", 5_000);
    fail("stale_connection", 5_000);
    await clock.advance(INCIDENT.quietMs);
    expect(names()).toEqual(["start", "end"]);
    expect(told[1]?.[1]).toMatchObject({ cut: 1, stale: 1, relapses: 0 });
  });

  it("that was never there is no incident", async () => {
    const { clock, told, fail } = bench();
    for (let call = 0; call < 20; call += 1) fail("connection_refused");
    await clock.advance(60_000);
    expect(told).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it("ends without an answer when it is a target no longer", async () => {
    const { clock, presence, told, names, answer, fail } = bench();
    answer();
    fail("connection_refused");
    await clock.advance(5_000);
    presence.stop();
    presence.stop();
    fail("connection_refused");
    expect(names()).toEqual(["start", "end"]);
    expect(told[1]?.[1]).toMatchObject({ answeredAgainAt: null, downMs: 5_000, newProcess: null });
    expect(clock.pending()).toBe(0);
  });

  it("may turn out to have been there all the time", async () => {
    const { clock, told, answer, fail } = bench();
    answer();
    await clock.advance(1_000);
    fail("connection_refused");
    await clock.advance(200);
    answer(1_000);
    await clock.advance(INCIDENT.quietMs);
    expect(told[1]?.[1].newProcess).toBe(false);
  });
});

describe("what is no incident", () => {
  it.each([
    ["single cuts among answers", ["connection_terminated", "ok"]],
    ["connections at rest that the peer closes", ["stale_connection"]],
    ["timeouts", ["http_response_timeout", "connection_timeout"]],
    ["errors that it answers", ["received_server_error", "received_gateway_error"]],
    ["clients that leave", ["client_closed_request"]],
  ] as const)("%s", async (_what, events) => {
    const { clock, told, answer, fail } = bench();
    answer();
    for (let round = 0; round < 20; round += 1) {
      for (const event of events) {
        if (event === "ok") answer(60_000);
        else fail(event, 1_000);
      }
      await clock.advance(10);
    }
    await clock.advance(60_000);
    expect(told).toEqual([]);
    expect(clock.pending()).toBe(0);
  });

  it("a few cuts that lie far apart", async () => {
    const { clock, told, answer, fail } = bench();
    answer();
    for (let cut = 0; cut < 10; cut += 1) {
      fail("connection_terminated", 100);
      await clock.advance(INCIDENT.suspicionMs + 1);
    }
    expect(told).toEqual([]);
  });

  it("so many cuts in a row, with no answer between, are one", async () => {
    const { clock, names, answer, fail } = bench();
    answer();
    for (let cut = 0; cut < INCIDENT.cutsMin; cut += 1) fail("connection_terminated", 100);
    await clock.advance(INCIDENT.settleMs);
    expect(names()).toEqual(["start"]);
  });
});
