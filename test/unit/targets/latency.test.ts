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
});
