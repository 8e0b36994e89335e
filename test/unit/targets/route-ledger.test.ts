/** Which routes of a target are avoided and refused, and that nobody can make the list grow. */
import { describe, expect, it } from "vitest";
import { EVIDENCE } from "../../../src/catalog/defaults.js";
import { keyOf, RouteLedger } from "../../../src/targets/route-ledger.js";

const get = (path: string) => ({ method: "GET", path });

function bench() {
  const clock = { at: 0, now: () => clock.at };
  return { clock, ledger: new RouteLedger(clock, 5) };
}

describe("a route", () => {
  it("is told by method, pattern of the path and upgrade", () => {
    expect(keyOf(get("/orders/17?x=1"))).toBe("GET /orders/:id");
    expect(keyOf({ method: "GET", path: "/live", upgrade: "websocket" })).toBe(
      "GET /live (websocket)",
    );
    expect(keyOf(get(`/${"a b".repeat(1_000)}`)).length).toBeLessThan(200);
  });

  it("is avoided after two failures in a row, and one call at a time finds out", () => {
    const { clock, ledger } = bench();
    const orders = get("/orders/1");
    ledger.failed(orders);
    expect(ledger.avoids(orders)).toBe(false);
    ledger.failed(get("/orders/2"));
    expect(ledger.avoids(orders)).toBe(true);
    expect(ledger.avoids(get("/users"))).toBe(false);
    clock.at = EVIDENCE.routeMs;
    expect(ledger.avoids(orders)).toBe(false);
    ledger.tried(orders);
    expect(ledger.avoids(orders)).toBe(true);
    ledger.failed(orders);
    clock.at += 2 * EVIDENCE.routeMs - 1;
    expect(ledger.avoids(orders)).toBe(true);
    clock.at += 1;
    ledger.tried(orders);
    ledger.passed(orders);
    expect(ledger.avoids(orders)).toBe(false);
    expect(ledger.suspects(orders)).toBe(false);
  });

  it("is refused when nothing of it has been answered well for longer than usual", () => {
    const { clock, ledger } = bench();
    const orders = get("/orders");
    const failFor = (ms: number, every: number) => {
      for (const end = clock.at + ms; clock.at < end; clock.at += every) {
        ledger.tried(orders);
        ledger.failed(orders);
      }
    };
    failFor(EVIDENCE.routeMissedMsMin - 100, 100);
    expect(ledger.refusedForMs(orders)).toBe(0);
    failFor(200, 100);
    expect(ledger.refusedForMs(orders)).toBeGreaterThan(0);
    expect(ledger.list()).toMatchObject([{ route: "GET /orders", standing: "refused" }]);
    ledger.passed(orders);
    expect(ledger.refusedForMs(orders)).toBe(0);
  });

  it("is never refused while others are answered well", () => {
    const { clock, ledger } = bench();
    const orders = get("/orders");
    for (let round = 0; round < 200; round += 1) {
      for (let poison = 0; poison < 40; poison += 1) ledger.failed(orders);
      expect(ledger.refusedForMs(orders)).toBe(0);
      clock.at += 1_000;
      ledger.passed(orders);
    }
  });

  it("is forgotten a minute after its last failure", () => {
    const { clock, ledger } = bench();
    ledger.failed(get("/orders"));
    clock.at = EVIDENCE.forgetMs;
    expect(ledger.list()).toEqual([]);
    expect(ledger.size).toBe(0);
  });
});

describe("a hundred thousand paths", () => {
  it("cost the entries of the latest, and no name longer than it may be", () => {
    const { clock, ledger } = bench();
    for (let at = 0; at < 100_000; at += 1) {
      clock.at += 0.01;
      ledger.failed(get(`/p${at}x/${"y".repeat(at % 500)}`));
      expect(ledger.size).toBeLessThanOrEqual(EVIDENCE.routesMax);
    }
    const bytes = JSON.stringify(ledger.list()).length;
    expect(bytes).toBeLessThan(EVIDENCE.routesMax * (EVIDENCE.routeCharsMax + 150));
  });
});
