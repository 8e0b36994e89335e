import { describe, expect, it } from "vitest";
import { BALANCE } from "../../../src/catalog/balance-defaults.js";
import { Latency } from "../../../src/targets/latency.js";

describe("the latency of a target", () => {
  it("is what was observed first", () => {
    const latency = new Latency();
    expect([latency.known, latency.at(0)]).toEqual([false, 0]);
    latency.observe(80, 1_000);
    expect([latency.known, latency.at(1_000)]).toEqual([true, 80]);
  });

  it("moves by the time since the observation before, not by their number", () => {
    const [one, many] = [new Latency(), new Latency()];
    one.observe(10, 0);
    many.observe(10, 0);
    one.observe(100, 1_000);
    for (let at = 901; at <= 1_000; at += 1) many.observe(100, at);
    expect(one.at(1_000)).toBeGreaterThan(10);
    expect(one.at(1_000)).toBeLessThan(30);
    expect(many.at(1_000)).toBeLessThan(one.at(1_000) + 10);
  });

  it("falls while nothing is observed, so that who was slow is tried again", () => {
    const latency = new Latency();
    latency.observe(1_000, 0);
    expect(latency.at(BALANCE.decayMs)).toBeCloseTo(1_000 / Math.E, 3);
  });

  it("takes a failure for a long wait, however fast it was", () => {
    const latency = new Latency();
    latency.fail(1, 0);
    expect(latency.at(0)).toBe(BALANCE.failureMs);
    const slow = new Latency();
    slow.fail(60_000, 0);
    expect(slow.at(0)).toBe(60_000);
  });
});

describe("a target that was not heard of for a second", () => {
  const { quietMs } = BALANCE;

  it("is quiet, whatever it was before; one that is not known is not", () => {
    const latency = new Latency();
    expect(latency.isQuiet(60_000)).toBe(false);
    latency.fail(1, 0);
    expect([latency.isQuiet(quietMs - 1), latency.isQuiet(quietMs)]).toEqual([false, true]);
  });

  it("is as quick as its next answer, and no slower for one that is slow", () => {
    const healed = new Latency();
    healed.fail(10_000, 0);
    healed.observe(5, quietMs + 5);
    expect(healed.at(quietMs + 5)).toBe(5);
    const slower = new Latency();
    slower.observe(10, 0);
    slower.observe(1_000, quietMs + 1_000);
    expect(slower.at(quietMs + 1_000)).toBeLessThan(300);
  });

  it("has failed last until it answers", () => {
    const latency = new Latency();
    latency.fail(1, 0);
    expect(latency.lastFailed).toBe(true);
    latency.observe(1, 10);
    expect(latency.lastFailed).toBe(false);
  });
});

describe("the failures of a target", () => {
  it("are counted, and forgotten with time, a single one after a few seconds", () => {
    const latency = new Latency();
    expect(latency.failures(0)).toBe(0);
    for (let count = 1; count <= 10; count += 1) {
      latency.fail(1, 0);
      expect(latency.failures(0)).toBe(count);
    }
    expect(latency.failures(BALANCE.failureMs)).toBe(4);
    expect(latency.failures(5 * BALANCE.failureMs)).toBe(0);
  });

  it("weigh together as much as if each had been pending for its wait", () => {
    const latency = new Latency();
    for (let at = 0; at < 10 * BALANCE.failureMs; at += 100) latency.fail(1, at);
    // Little's law: ten a second, for five seconds each.
    expect(latency.failures(10 * BALANCE.failureMs)).toBeCloseTo(BALANCE.failureMs / 100, -1);
  });

  it("are forgotten with everything else, and good answers are none", () => {
    const latency = new Latency();
    latency.observe(20, 0);
    expect(latency.failures(0)).toBe(0);
    latency.fail(1, 0);
    latency.forget(0, 0);
    expect([latency.known, latency.failures(0)]).toEqual([false, 0]);
  });
});

describe("what was begun before the target was taken out", () => {
  it("is not noted when it ends, however late", () => {
    const latency = new Latency();
    latency.observe(20, 0);
    latency.forget(1_000, 2);
    latency.fail(30_000, 30_500);
    latency.observe(29_000, 29_900);
    expect([latency.known, latency.failures(30_500)]).toEqual([false, 0]);
    latency.fail(29_000, 30_500);
    expect([latency.known, latency.failures(30_500)]).toEqual([true, 1]);
  });

  it("is counted as swallowed until it ends", () => {
    const latency = new Latency();
    latency.forget(1_000, 2);
    for (const startedAt of [500, 1_500, 900]) latency.ended(startedAt);
    expect(latency.swallowed).toBe(0);
    latency.forget(2_000, 1);
    latency.ended(2_500);
    expect(latency.swallowed).toBe(1);
  });
});
