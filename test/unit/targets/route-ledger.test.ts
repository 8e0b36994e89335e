/** Which routes of a target are avoided and refused, and that nobody can make the list grow. */
import { describe, expect, it } from "vitest";
import { EVIDENCE } from "../../../src/catalog/defaults.js";
import { NO_JURY } from "../../../src/targets/jury.js";
import { keyOf, RouteLedger } from "../../../src/targets/route-ledger.js";

const get = (path: string) => ({ method: "GET", path });

function bench(jury: Partial<typeof NO_JURY> = {}) {
  const clock = { at: 0, now: () => clock.at };
  return { clock, ledger: new RouteLedger(clock, 5, [], { ...NO_JURY, ...jury }) };
}

/** Enough fail in a row, a twentieth of a second apart. */
function failFor(
  { clock, ledger }: ReturnType<typeof bench>,
  ms: number,
  path = "/orders",
  everyMs = 50,
): void {
  for (const end = clock.at + ms; clock.at < end; clock.at += everyMs) {
    ledger.tried(get(path));
    ledger.failed(get(path));
  }
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
    const { clock, ledger } = bench({ isLast: () => false });
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

  it("is refused when enough have failed, and none was answered well for two seconds", () => {
    const made = bench();
    const { ledger } = made;
    failFor(made, EVIDENCE.routeMissedMsMin - 100);
    expect(ledger.refusedForMs(get("/orders"))).toBe(0);
    failFor(made, 200);
    expect(ledger.refusedForMs(get("/orders"))).toBeGreaterThan(0);
    expect(ledger.list()).toMatchObject([{ route: "GET /orders", standing: "refused" }]);
    ledger.passed(get("/orders"));
    expect(ledger.refusedForMs(get("/orders"))).toBe(0);
  });

  it("is not refused for what chance explains where others seldom ask for it", () => {
    const made = bench();
    const { clock, ledger } = made;
    failFor(made, 12_000, "/orders", 500);
    expect(ledger.refusedForMs(get("/orders"))).toBe(0);
    // Half as many that kept their callers waiting are enough.
    for (let slow = 0; slow < 14; slow += 1) ledger.failed(get("/reports"), { isSlow: true });
    clock.at += EVIDENCE.routeMissedMsMin;
    ledger.tried(get("/reports"));
    ledger.failed(get("/reports"), { isSlow: true });
    expect(ledger.refusedForMs(get("/reports"))).toBeGreaterThan(0);
  });

  it("with few good answers is refused when they stay away for ten seconds", () => {
    const made = bench();
    const { ledger } = made;
    ledger.failed(get("/orders"));
    ledger.passed(get("/orders"));
    failFor(made, EVIDENCE.routeMissedMs - 100);
    expect(ledger.refusedForMs(get("/orders"))).toBe(0);
    failFor(made, 200);
    expect(ledger.refusedForMs(get("/orders"))).toBeGreaterThan(0);
  });

  it("whose bodies break is avoided, and tried again by the next head", () => {
    const { clock, ledger } = bench({ isLast: () => false });
    const orders = get("/orders");
    for (let time = 0; time < 2; time += 1) {
      ledger.passed(orders);
      ledger.failed(orders, { isBroken: true });
    }
    expect(ledger.avoids(orders)).toBe(true);
    clock.at = EVIDENCE.routeMs;
    ledger.tried(orders);
    ledger.passed(orders);
    expect(ledger.avoids(orders)).toBe(false);
    ledger.failed(orders, { isBroken: true });
    expect(ledger.list()).toMatchObject([{ failuresInRow: 3, passed: 0, standing: "avoided" }]);
    clock.at += 2 * EVIDENCE.routeMs - 1;
    expect(ledger.avoids(orders)).toBe(true);
    clock.at += 1;
    ledger.passed(orders);
    ledger.ended(orders);
    ledger.failed(orders, { isBroken: true });
    expect(ledger.list()).toMatchObject([{ failuresInRow: 1, standing: "watched" }]);
  });

  it("with good answers is not forgotten for the many that have none, which are hopeless", () => {
    const { ledger } = bench();
    const orders = get("/orders");
    ledger.failed(orders);
    for (let good = 0; good < 10; good += 1) ledger.passed(orders);
    ledger.failed(get("/boom-0"));
    expect(ledger.isHopeless(get("/boom-0"))).toBe(false);
    for (let at = 1; at < 2 * EVIDENCE.routesMax; at += 1) ledger.failed(get(`/boom-${at}`));
    ledger.failed(orders);
    expect(ledger.size).toBe(EVIDENCE.routesMax);
    expect(ledger.list().at(-1)).toMatchObject({ route: "GET /orders", passed: 10 });
    expect(ledger.isHopeless(orders)).toBe(false);
    expect(ledger.isHopeless(get(`/boom-${EVIDENCE.routesMax + 9}`))).toBe(true);
  });

  it("is tried once a second where no other target takes it", () => {
    const made = bench();
    failFor(made, 30_000);
    expect(made.ledger.refusedForMs(get("/orders"))).toBeLessThanOrEqual(EVIDENCE.routeMs);
  });

  it("is tried each second by calls that are repeated elsewhere, less often by others", () => {
    for (const isHarmless of [true, false]) {
      const { clock, ledger } = bench({ isLast: () => false });
      let trials = 0;
      for (; clock.at < 30_000; clock.at += 50) {
        if (ledger.avoids(get("/orders"))) continue;
        trials += 1;
        ledger.tried(get("/orders"));
        ledger.failed(get("/orders"), { isHarmless });
      }
      expect(trials).toBe(isHarmless ? 31 : 7);
    }
  });

  it("is not refused while another target answers it well, and so takes its calls", () => {
    let answeredAt = 0;
    const made = bench({ isLast: () => false, answeredAt: () => answeredAt });
    failFor(made, 5_000);
    expect(made.ledger.refusedForMs(get("/orders"))).toBeGreaterThan(0);
    answeredAt = made.clock.at;
    expect(made.ledger.refusedForMs(get("/orders"))).toBe(0);
    expect(made.ledger.avoids(get("/orders"))).toBe(true);
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
