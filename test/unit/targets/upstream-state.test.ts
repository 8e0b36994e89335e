import { describe, expect, it } from "vitest";
import type { Breaker, BreakerState } from "../../../src/targets/breaker.js";
import { createTarget, parseTarget, type Target } from "../../../src/targets/target.js";
import { ALWAYS_HEALTHY, type TargetHealth } from "../../../src/targets/target-health.js";
import { nextReturnMs, upstreamState } from "../../../src/targets/upstream-state.js";

/** A target whose breaker is in this state, and refuses for this long; so may its health. */
function target(state: BreakerState | null, waitMs = 0, health = ALWAYS_HEALTHY): Target {
  const breaker = { state, deniedForMs: () => waitMs } as Partial<Breaker> as Breaker;
  return createTarget(parseTarget("http://a"), state === null ? null : breaker, health);
}

function outOfHealth(ms: number): TargetHealth {
  return { ...ALWAYS_HEALTHY, state: "unhealthy", deniedForMs: () => ms };
}

function draining(): Target {
  return Object.assign(target("open", 500), { draining: true });
}

describe("the state of an upstream", () => {
  it("is healthy while every target takes calls, with a breaker or without one", () => {
    expect(upstreamState([target("closed"), target(null)])).toBe("healthy");
  });

  it("is degraded as soon as one target takes none", () => {
    expect(upstreamState([target("closed"), target("open", 500)])).toBe("degraded");
  });

  it("is down when no target takes calls, and when there is none", () => {
    expect(upstreamState([target("open", 500), target("open", 900)])).toBe("down");
    expect(upstreamState([])).toBe("down");
  });

  it("is no longer down once a trial may be made, and while one is under way", () => {
    expect(upstreamState([target("open", 0)])).toBe("degraded");
    expect(upstreamState([target("half_open", 700)])).toBe("degraded");
  });

  it("counts a target that is out of health, and leaves out one that is drained", () => {
    expect(upstreamState([target("closed"), target("closed", 0, outOfHealth(90))])).toBe(
      "degraded",
    );
    expect(upstreamState([target("closed", 0, outOfHealth(Infinity))])).toBe("down");
    expect(upstreamState([target("closed"), draining()])).toBe("healthy");
    expect(upstreamState([draining()])).toBe("down");
  });

  it("panics while a target that is out of health is used all the same", () => {
    const overruled = { ...ALWAYS_HEALTHY, state: "unhealthy", overruled: true } as const;
    expect(upstreamState([target("closed"), target("closed", 0, overruled)])).toBe("panic");
    expect(upstreamState([target("open", 500, overruled)])).toBe("down");
  });

  it("is not down for a trial of a target in doubt, and waits for no time that is over", () => {
    const doubted = (state: BreakerState, waitMs: number): Target => {
      const made = target(state, waitMs);
      return { ...made, breaker: { ...made.breaker, inDoubt: true } as Breaker };
    };
    expect(upstreamState([doubted("open", 500)])).toBe("down");
    expect(upstreamState([doubted("half_open", 700)])).toBe("degraded");
    for (const state of ["open", "half_open"] as const) {
      const all = [doubted(state, 700)];
      if (upstreamState(all) === "down") expect(nextReturnMs(all)).toBe(700);
      else expect(nextReturnMs(all)).toBe(Infinity);
    }
  });

  it("says when the first target comes back by itself", () => {
    expect(nextReturnMs([target("open", 900), target("open", 500), target("closed")])).toBe(500);
    expect(nextReturnMs([target("open", 100, outOfHealth(900)), draining()])).toBe(900);
    expect(nextReturnMs([target("half_open", 700), target("closed")])).toBe(Infinity);
  });
});
