import { describe, expect, it } from "vitest";
import { Call } from "../../../src/core/call.js";
import type { GatewayRequest } from "../../../src/core/request.js";
import { createLifecycle, type LifecycleChange } from "../../../src/lifecycle/lifecycle.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

function made() {
  const clock = virtualClock();
  const changes: LifecycleChange[] = [];
  return { clock, changes, lifecycle: createLifecycle(clock, (change) => changes.push(change)) };
}

const newCall = (): Call => new Call({} as GatewayRequest, 0, "id", null);

describe("the life of a gateway", () => {
  it("goes forward only, and each step is told once with its reason", () => {
    const { lifecycle, changes } = made();
    lifecycle.lameDuck("SIGTERM");
    lifecycle.lameDuck("SIGINT");
    lifecycle.windDown("SIGTERM");
    lifecycle.lameDuck("SIGTERM");
    lifecycle.close("SIGTERM");
    lifecycle.windDown("SIGTERM");
    expect(changes).toEqual([
      { from: "running", to: "lame_duck", reason: "SIGTERM" },
      { from: "lame_duck", to: "draining", reason: "SIGTERM" },
      { from: "draining", to: "closed", reason: "SIGTERM" },
    ]);
    expect(lifecycle.state).toBe("closed");
  });

  it("lets new calls in until it refuses, also while it winds down", () => {
    const { lifecycle } = made();
    const admitted = [lifecycle.admits];
    lifecycle.lameDuck("x");
    admitted.push(lifecycle.admits);
    lifecycle.windDown("x");
    admitted.push(lifecycle.admits);
    lifecycle.refuse("x");
    admitted.push(lifecycle.admits);
    expect(admitted).toEqual([true, true, true, false]);
  });

  it("counts a call out once, however often its end is told", () => {
    const { lifecycle } = made();
    const call = newCall();
    lifecycle.begin(call);
    expect(lifecycle.active).toBe(1);
    lifecycle.end(call);
    lifecycle.end(call);
    expect([lifecycle.active, lifecycle.ended]).toEqual([0, 1]);
  });

  it("cuts every call under way in the name of the shutdown, those included that end by it", () => {
    const { lifecycle } = made();
    const calls = [newCall(), newCall(), newCall()];
    for (const call of calls) {
      lifecycle.begin(call);
      call.cancellation.add(() => lifecycle.end(call));
    }
    expect(lifecycle.cutAll()).toBe(3);
    expect(calls.map(({ cancellation }) => cancellation.by)).toEqual(Array(3).fill("shutdown"));
    expect(lifecycle.active).toBe(0);
  });

  it("drains until the last call ends, or its time is over", async () => {
    const { lifecycle, clock } = made();
    const calls = [newCall(), newCall()];
    for (const call of calls) lifecycle.begin(call);
    const drained = lifecycle.drain(1_000);
    lifecycle.end(calls[0] as Call);
    await clock.advance(1_000);
    expect(await drained).toEqual({ finished: 1, cut: 1, durationMs: 1_000 });
    expect(lifecycle.admits).toBe(false);
  });
});
