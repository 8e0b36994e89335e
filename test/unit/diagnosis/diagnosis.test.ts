/**
 * The verdict from live evidence: which pattern the failures of an upstream make.
 */
import { describe, expect, it } from "vitest";
import { type Diagnosis, diagnoseLive, type LiveFacts } from "../../../src/diagnosis/diagnosis.js";
import {
  type FailureEntry,
  failureLedger,
  type SuccessEntry,
} from "../../../src/diagnosis/failure-ledger.js";
import { routeOf } from "../../../src/targets/route-of.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const NOW = 1_000_000;
const WALL = Date.parse("2026-03-04T12:00:00Z");

function entry(rest: Partial<FailureEntry>): FailureEntry {
  return {
    at: NOW - 1_000,
    wallAt: WALL + (rest.at ?? NOW - 1_000) - NOW,
    target: "http://a",
    code: "http_response_timeout",
    method: "GET",
    route: "/orders/:id",
    reused: false,
    socketAgeMs: 40,
    restedMs: null,
    successesBefore: 0,
    ...rest,
  };
}

const HOSTS = ["http://a", "http://b", "http://c"] as const;

/** `good` succeeded after all of the entries. */
function diagnosed(
  entries: readonly FailureEntry[],
  good: readonly Partial<SuccessEntry>[] = [],
  rest: Partial<LiveFacts> = {},
): Diagnosis {
  const facts = {
    upstream: "orders",
    entries,
    successesSince: good.length,
    successes: 1_000 + good.length,
    latestSuccesses: (count: number) =>
      good
        .slice(-count)
        .map((one) => ({ target: "http://a", route: "/orders/:id", reused: false, ...one })),
    targets: HOSTS,
    incidents: [],
    now: NOW,
  };
  return diagnoseLive({ ...facts, ...rest });
}

const times = (count: number, make: (index: number) => Partial<FailureEntry>) =>
  Array.from({ length: count }, (_, index) => entry(make(index)));

describe("a diagnosis", () => {
  it("is well without failures", () => {
    expect(diagnosed([]).verdict).toMatchObject({ well: true, cause: null });
  });

  it("concludes nothing from one or two failures", () => {
    const { verdict, findings } = diagnosed(times(2, () => ({})));
    expect(verdict.well).toBe(true);
    expect(findings).toMatchObject([{ severity: "note", cause: "few_failures" }]);
  });

  it("names the one target of several that fails", () => {
    const { verdict } = diagnosed(
      times(10, () => ({ target: "http://b" })),
      [{ target: "http://c" }],
    );
    expect(verdict).toMatchObject({
      well: false,
      cause: "http_response_timeout_at_one_target",
      blame: "upstream",
      confidence: "likely",
    });
    expect(verdict.title).toContain("only at http://b");
    expect(verdict.evidence).toContain("only at http://b; others of the 3 targets answer");
  });

  it("does not say that the others work when none of them answered", () => {
    const { verdict } = diagnosed(times(10, () => ({ target: "http://b" })));
    expect(verdict.confidence).toBe("possible");
    expect(verdict.evidence).toContain(
      "at http://b, and no other of the 3 targets answered meanwhile",
    );
  });

  it("names the one route that fails, at all targets", () => {
    const entries = times(12, (index) => ({ target: HOSTS[index % 3] as string }));
    const { verdict, pattern } = diagnosed(entries, [{ route: "/carts" }]);
    expect(verdict).toMatchObject({ cause: "http_response_timeout", layer: "head" });
    expect(verdict.evidence).toContain("only on /orders/:id; other routes are answered");
    expect(verdict.evidence).toContain("at all 3 targets");
    expect(verdict.title).toContain("only on /orders/:id");
    expect(pattern).toMatchObject({ target: null, targetsFailing: 3, otherRoutesWork: true });
    const alone = diagnosed(entries).verdict;
    expect(alone.title).toContain("on all routes");
    expect(alone.evidence).toContain("on /orders/:id, and no other route was answered meanwhile");
  });

  it("says since when, and since when nothing has succeeded", () => {
    const entries = times(6, (index) => ({
      at: NOW - 60_000 + index * 1_000,
      successesBefore: index === 2 ? 7 : 0,
    }));
    const { verdict, pattern } = diagnosed(entries);
    expect(verdict.evidence).toContain(
      "6 times http_response_timeout since 2026-03-04T11:59:00.000Z",
    );
    expect(verdict.evidence).toContain("nothing has succeeded since 2026-03-04T11:59:02.000Z");
    expect(pattern).toMatchObject({ successes: 7, successesAfter: 0, failedInARow: 4 });
    expect(verdict).toMatchObject({ well: false });
  });

  it("tells what is over as what has been, and is well", () => {
    const entries = times(5, () => ({ at: NOW - 120_000 }));
    const good = Array.from({ length: 20 }, () => ({}));
    const { verdict, findings } = diagnosed(entries, good);
    expect(verdict.well).toBe(true);
    expect(findings[0]).toMatchObject({ severity: "warning", impact: "some" });
    expect(findings[0]?.title).toMatch(/^Until 120 s ago: /);
  });

  it("takes what never worked for a wrong address, and an answer for a working one", () => {
    const refused = times(4, () => ({ code: "connection_refused", socketAgeMs: null }));
    const never = { successes: 0 };
    expect(diagnosed(refused, [], never).verdict).toMatchObject({
      cause: "never_worked",
      blame: "upstream",
      layer: "connect",
    });
    const answered = [entry({ code: "received_server_error" }), ...refused];
    expect(diagnosed(answered, [], never).verdict).toMatchObject({ cause: "connection_refused" });
    const slow = times(4, () => ({ code: "http_response_timeout" }));
    const { verdict } = diagnosed(slow, [], never);
    expect(verdict).toMatchObject({ cause: "http_response_timeout", blame: "upstream" });
    expect(verdict.evidence).toContain("no exchange has succeeded since the gateway was made");
  });

  it("blames this process for an event loop of its own that stalls", () => {
    const entries = times(4, (index) => ({
      code: "event_loop_stalled",
      target: HOSTS[index % 3] as string,
    }));
    expect(diagnosed(entries).verdict).toMatchObject({ blame: "self", layer: "process" });
  });

  it("is only possible when neither target nor route is shared", () => {
    const hosts = ["http://a", "http://b"];
    const entries = times(10, (index) => ({
      target: hosts[index % 2] as string,
      route: `/r${index}`,
    }));
    expect(diagnosed(entries).verdict.confidence).toBe("possible");
  });

  it("knows the keep-alive race by kept connections of one known age", () => {
    const { verdict } = diagnosed(
      times(6, (index) => ({ code: "stale_connection", reused: true, socketAgeMs: 5_000 + index })),
      [{ reused: false }],
    );
    expect(verdict).toMatchObject({
      cause: "keep_alive_race",
      layer: "keep_alive",
      blame: "proxy",
      confidence: "likely",
    });
    expect(verdict.evidence.join()).toContain("Node's keepAliveTimeout");
    expect(verdict.evidence).toContain("only on kept connections; new ones work");
  });

  it("takes the names of a lost connection for one thing", () => {
    const codes = ["stale_connection", "connection_terminated", "connection_terminated"] as const;
    const { verdict, pattern } = diagnosed(times(3, (index) => ({ code: codes[index] as never })));
    expect(verdict).toMatchObject({ well: false, code: "connection_terminated" });
    expect(pattern?.codes).toEqual(["stale_connection", "connection_terminated"]);
  });

  it("knows the keep-alive race of busy connections by how long they rested", () => {
    const { verdict, pattern } = diagnosed(
      times(6, (index) => ({
        code: "stale_connection",
        reused: true,
        socketAgeMs: 40_000 + index * 9_000,
        restedMs: 5_001,
      })),
    );
    expect(verdict.cause).toBe("keep_alive_race");
    expect(verdict.evidence.join()).toMatch(
      /67 s old, after 5\.0 s at rest: Node's keepAliveTimeout/,
    );
    expect(pattern).toMatchObject({ connections: "kept", restedMs: 5_001, agesAlike: true });
  });

  it("takes lost kept connections of any age for no race", () => {
    const { verdict } = diagnosed(
      times(6, (index) => ({
        code: "connection_terminated",
        reused: true,
        socketAgeMs: 20_000 + index * 3_000,
      })),
    );
    expect(verdict.cause).toBe("connection_terminated");
  });

  it("blames no upstream for clients that left", () => {
    expect(diagnosed(times(9, () => ({ code: "client_closed_request" }))).findings).toEqual([]);
    expect(diagnosed(times(9, () => ({ code: "hedge_cancelled" }))).findings).toEqual([]);
  });

  it("tells a process that vanished before everything else", () => {
    const incident = {
      id: 1,
      upstream: "orders",
      target: "http://a",
      startedAt: 0,
      lastAnswerAt: 0,
      answeredAgainAt: null,
      endedAt: null,
      downMs: 4_200,
      inFlight: 3,
      refused: 9,
      cut: 3,
      stale: 0,
      firstCode: "connection_terminated",
      lastCode: "connection_refused",
      sockets: null,
      callsHit: 12,
      callsFailed: 4,
      callsTurnedAway: 0,
      relapses: 0,
      newProcess: null,
    } as const;
    const entries = times(9, () => ({ code: "connection_refused" }));
    const { verdict } = diagnosed(entries, [], { incidents: [incident] });
    expect(verdict).toMatchObject({ cause: "process_vanished", layer: "process" });
    expect(verdict.title).toContain("4.2 s");
    const both = [incident, { ...incident, id: 2, target: "http://b", startedAt: 400 }];
    const all = diagnosed(entries, [], { incidents: both, targets: ["http://a", "http://b"] });
    expect(all.verdict).toMatchObject({
      cause: "all_targets_vanished",
      title: "All 2 targets vanished within 0.4 s.",
    });
  });
});

describe("the ledger of failures", () => {
  it("keeps the latest, no more than it may, and forgets what is old", async () => {
    const clock = virtualClock();
    const ledger = failureLedger(clock);
    const { route: _, at: __, wallAt: ___, successesBefore: ____, ...rest } = entry({});
    for (let count = 0; count < 300; count += 1) ledger.failed({ ...rest, path: `/x/${count}` });
    expect(ledger.entries()).toHaveLength(200);
    ledger.succeeded("http://a", "/x/1", false);
    expect(ledger.successesSince()).toBe(1);
    await clock.advance(301_000);
    expect(ledger.entries()).toEqual([]);
  });

  it("keeps the latest successes in the order in which they came", () => {
    const ledger = failureLedger(virtualClock());
    for (let count = 0; count < 100; count += 1) ledger.succeeded("http://a", `/r${count}`, false);
    expect(ledger.successes()).toBe(100);
    expect(ledger.latestSuccesses(2)).toMatchObject([{ route: "/r98" }, { route: "/r99" }]);
    expect(ledger.latestSuccesses(1_000)).toHaveLength(64);
  });

  it.each([
    ["/orders/7?x=1", "/orders/:id"],
    ["/users/6f9619ff-8b86-d011-b42d-00cf4fc964ff/cart", "/users/:id/cart"],
    ["/", "/"],
    ["/a/b/c/d/e/f", "/a/b/c/d"],
  ])("calls %s the route %s", (path, route) => {
    expect(routeOf(path)).toBe(route);
  });
});
