/** The small tools beside the policies: budget, backoff, pause, patient timer, verdict. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { patientTimer } from "../../../src/base/shared-timers.js";
import { RETRY } from "../../../src/catalog/defaults.js";
import { FAILURE_CODES, FAILURES } from "../../../src/catalog/failures.js";
import { Cancellation } from "../../../src/core/cancellation.js";
import { backoffMs } from "../../../src/policies/backoff.js";
import { verdictOf } from "../../../src/policies/breaker-gate.js";
import { pause } from "../../../src/policies/pause.js";
import { retryBudget } from "../../../src/policies/retry-budget.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

describe("the retry budget", () => {
  it("allows a share of the calls above its floor, over the window", async () => {
    const clock = virtualClock();
    const budget = retryBudget(clock, {
      budgetRatio: 0.2,
      budgetWindowMs: 10_000,
      budgetFloorPerSecond: 0.1,
    });
    for (let call = 0; call < 50; call += 1) budget.deposit(clock.now());
    expect(budget.snapshot()).toEqual({ calls: 50, repeats: 0, left: 11 });
    const taken = Array.from({ length: 20 }, () => budget.withdraw(false)).filter(Boolean);
    expect(taken).toHaveLength(11);
    await clock.advance(10_000);
    expect(budget.snapshot()).toEqual({ calls: 0, repeats: 0, left: 1 });
  });

  it("allows the same share of every second while no target is above doubt", async () => {
    const clock = virtualClock();
    const budget = retryBudget(clock, { ...RETRY, budgetFloorPerSecond: 1 });
    for (let call = 0; call < 100; call += 1) budget.deposit(clock.now());
    const take = (): number => {
      let taken = 0;
      while (taken < 100 && budget.withdraw(true)) taken += 1;
      return taken;
    };
    expect(take()).toBe(3);
    // One that helped shows that it is worth to go on.
    budget.helped();
    expect(take()).toBe(1);
    await clock.advance(1_000);
    expect(take()).toBe(3);
    expect(budget.withdraw(false)).toBe(true);
  });

  it("is never overdrawn, whatever the order of calls and repeats", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 500 }), (steps) => {
        const budget = retryBudget({ now: () => 0 }, { ...RETRY, budgetFloorPerSecond: 1 });
        let calls = 0;
        let repeats = 0;
        for (const isCall of steps) {
          if (isCall) {
            budget.deposit(0);
            calls += 1;
          } else if (budget.withdraw(false)) repeats += 1;
          expect(repeats).toBeLessThanOrEqual(calls * RETRY.budgetRatio + 10);
        }
      }),
    );
  });
});

describe("backoff", () => {
  it("lies between nothing and a cap that doubles up to its largest", () => {
    const random = seededRandom(1);
    const caps = [25, 50, 100, 200, 250, 250];
    for (const [index, cap] of caps.entries()) {
      const waits = Array.from({ length: 200 }, () => backoffMs(random, index + 1, RETRY));
      expect(Math.max(...waits)).toBeLessThan(cap);
      expect(Math.max(...waits)).toBeGreaterThan(cap * 0.9);
      expect(Math.min(...waits)).toBeLessThan(cap * 0.1);
    }
  });
});

describe("a pause", () => {
  it("ends by itself and leaves nothing behind", async () => {
    const clock = virtualClock();
    const cancellation = new Cancellation();
    let over = false;
    void pause(clock, 100, cancellation)?.then(() => {
      over = true;
    });
    await clock.advance(99);
    expect(over).toBe(false);
    await clock.advance(1);
    expect(over).toBe(true);
    expect(cancellation.listening).toBe(0);
  });

  it("ends with the cut and leaves no timer behind", async () => {
    const clock = virtualClock();
    const cancellation = new Cancellation();
    const paused = pause(clock, 100, cancellation);
    cancellation.cut("client");
    await paused;
    expect(clock.pending()).toBe(0);
    expect(pause(clock, 100, cancellation)).toBeUndefined();
  });
});

describe("a patient timer", () => {
  it("waits two turns after its time, in which it can still be cancelled", async () => {
    const clock = virtualClock();
    let fired = false;
    const timer = patientTimer(clock, 100, () => {
      fired = true;
    });
    clock.stall(500);
    clock.turn(() => clock.turn(() => timer.cancel()));
    await clock.advance(0);
    expect(fired).toBe(false);
    expect(clock.pending()).toBe(0);
  });

  it("fires when nobody cancels it", async () => {
    const clock = virtualClock();
    let fired = false;
    patientTimer(clock, 100, () => {
      fired = true;
    });
    await clock.advance(99);
    expect(fired).toBe(false);
    await clock.advance(1);
    expect(fired).toBe(true);
  });
});

describe("the verdict", () => {
  it("counts a failure against the target by its blame alone", () => {
    const counted = new Set(FAILURE_CODES.filter((code) => verdictOf(code) === "failure"));
    for (const code of FAILURE_CODES) {
      const against = ["upstream", "overload", "network"].includes(FAILURES[code].blame);
      expect(counted.has(code)).toBe(against);
    }
    expect(verdictOf(null)).toBe("success");
  });

  it("leaves the client's and our own faults neutral", () => {
    expect(verdictOf("client_closed_request")).toBe("neutral");
    expect(verdictOf("event_loop_stalled")).toBe("neutral");
    expect(verdictOf("tls_certificate_error")).toBe("neutral");
  });
});
