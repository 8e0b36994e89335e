/**
 * The verdict from live evidence: which pattern the failures of an upstream make.
 */
import { describe, expect, it } from "vitest";
import { type Diagnosis, diagnoseLive, type LiveFacts } from "../../../src/gateway/diagnosis.js";
import { type FailureEntry, failureLedger, routeOf } from "../../../src/gateway/failure-ledger.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const NOW = 1_000_000;

function entry(rest: Partial<FailureEntry>): FailureEntry {
  return {
    at: NOW - 1_000,
    target: "http://a",
    code: "http_response_timeout",
    method: "GET",
    route: "/orders/:id",
    reused: false,
    socketAgeMs: 40,
    ...rest,
  };
}

function diagnosed(entries: readonly FailureEntry[], rest: Partial<LiveFacts> = {}): Diagnosis {
  const targets = ["http://a", "http://b", "http://c"];
  const facts = {
    upstream: "orders",
    entries,
    successesSince: 0,
    targets,
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
    const { verdict } = diagnosed(times(10, () => ({ target: "http://b" })));
    expect(verdict).toMatchObject({
      well: false,
      cause: "http_response_timeout_at_one_target",
      blame: "upstream",
      confidence: "likely",
    });
    expect(verdict.title).toContain("only http://b");
  });

  it("names the one route that fails, at all targets", () => {
    const hosts = ["http://a", "http://b", "http://c"];
    const { verdict } = diagnosed(times(12, (index) => ({ target: hosts[index % 3] as string })));
    expect(verdict).toMatchObject({ cause: "http_response_timeout", layer: "head" });
    expect(verdict.evidence).toContain("only on /orders/:id");
    expect(verdict.evidence).toContain("at 3 targets");
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
    );
    expect(verdict).toMatchObject({
      cause: "keep_alive_race",
      layer: "keep_alive",
      blame: "proxy",
    });
    expect(verdict.evidence.join()).toContain("Node's keepAliveTimeout");
  });

  it("takes lost kept connections of any age for no race", () => {
    const { verdict } = diagnosed(
      times(6, (index) => ({
        code: "connection_terminated",
        reused: true,
        socketAgeMs: 20_000 + index * 3_000,
      })),
    );
    expect(verdict.cause).toBe("connection_terminated_at_one_target");
  });

  it("blames no upstream for clients that left", () => {
    expect(diagnosed(times(9, () => ({ code: "client_closed_request" }))).findings).toEqual([]);
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
    const { verdict } = diagnosed(entries, { incidents: [incident] });
    expect(verdict).toMatchObject({ cause: "process_vanished", layer: "process" });
    expect(verdict.title).toContain("4.2 s");
  });
});

describe("the ledger of failures", () => {
  it("keeps the latest, no more than it may, and forgets what is old", async () => {
    const clock = virtualClock();
    const ledger = failureLedger(clock);
    const { route: _, at: __, ...rest } = entry({});
    for (let count = 0; count < 300; count += 1) ledger.failed({ ...rest, path: `/x/${count}` });
    expect(ledger.entries()).toHaveLength(200);
    ledger.succeeded();
    expect(ledger.successesSince()).toBe(1);
    await clock.advance(301_000);
    expect(ledger.entries()).toEqual([]);
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
