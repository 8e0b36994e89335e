import { describe, expect, it } from "vitest";
import type { Breaker, BreakerState } from "../../../src/targets/breaker.js";
import { createTarget, parseTarget, type Target } from "../../../src/targets/target.js";
import { nextReturnMs, upstreamState } from "../../../src/targets/upstream-state.js";

/** A target whose breaker is in this state, and refuses for this long. */
function target(state: BreakerState | null, waitMs = 0): Target {
  const breaker = { state, deniedForMs: () => waitMs } as Partial<Breaker> as Breaker;
  return createTarget(parseTarget("http://a"), 1, state === null ? null : breaker);
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

  it("says when the first target comes back by itself", () => {
    expect(nextReturnMs([target("open", 900), target("open", 500), target("closed")])).toBe(500);
    expect(nextReturnMs([target("half_open", 700), target("closed")])).toBe(Infinity);
  });
});
