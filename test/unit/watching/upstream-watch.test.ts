import { describe, expect, it } from "vitest";
import { BREAKER } from "../../../src/catalog/defaults.js";
import { type Breaker, createBreaker } from "../../../src/targets/breaker.js";
import { createTarget, parseTarget } from "../../../src/targets/target.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";
import { upstreamWatch } from "../../../src/watching/upstream-watch.js";

function bench(count: number) {
  const clock = virtualClock();
  const changes: string[] = [];
  const breakers = Array.from({ length: count }, () =>
    createBreaker(clock, { next: () => 0 }, BREAKER, () => watch.look()),
  );
  const targets = breakers.map((breaker) => createTarget(parseTarget("http://a"), breaker));
  const watch = upstreamWatch(clock, { targets }, (from, to) => changes.push(`${from}>${to}`));
  const first = breakers[0] as Breaker;
  return { clock, changes, breakers, first, watch };
}

function fail(breaker: Breaker): void {
  for (let time = 0; time < BREAKER.consecutiveFailures; time += 1) settle(breaker, "failure");
}

function settle(breaker: Breaker, verdict: "success" | "failure"): void {
  const permit = breaker.admit();
  if ("deniedForMs" in permit) throw new Error("denied");
  permit.settle(verdict);
}

describe("the watch over an upstream", () => {
  it("tells every change once, at the moment when a breaker changes", () => {
    const { changes, breakers, first, watch } = bench(2);
    fail(first);
    expect(changes).toEqual(["healthy>degraded"]);
    fail(breakers[1] as Breaker);
    expect(changes).toEqual(["healthy>degraded", "degraded>down"]);
    expect(watch.state).toBe("down");
  });

  it("tells that the open time is over although nobody calls", async () => {
    const { clock, changes, first } = bench(1);
    fail(first);
    await clock.advance(BREAKER.openMs - 1);
    expect(changes).toEqual(["healthy>down"]);
    await clock.advance(1);
    expect(changes).toEqual(["healthy>down", "down>degraded"]);
    expect(clock.pending()).toBe(0);
  });

  it("is healthy again when the trials have passed, and down again when one fails", async () => {
    const { clock, changes, first } = bench(1);
    fail(first);
    await clock.advance(BREAKER.openMs);
    settle(first, "failure");
    await clock.advance(BREAKER.openMsMax);
    for (let trial = 0; trial < BREAKER.trialSuccesses; trial += 1) settle(first, "success");
    expect(changes).toEqual([
      "healthy>down",
      "down>degraded",
      "degraded>down",
      "down>degraded",
      "degraded>healthy",
    ]);
    expect(clock.pending()).toBe(0);
  });

  it("tells nothing more, and keeps no timer, once it was stopped", async () => {
    const { clock, changes, first, watch } = bench(1);
    fail(first);
    watch.stop();
    expect(clock.pending()).toBe(0);
    watch.look();
    await clock.advance(BREAKER.openMs);
    expect(changes).toEqual(["healthy>down"]);
  });
});
