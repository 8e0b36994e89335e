// What the default was decided by: docs/balancing.md has the figures.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CASES, figures, run } from "./balancing.js";

const caseOf = (name: string) => {
  const found = CASES.find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no case ${name}`);
  return found;
};

describe("balancing, simulated", () => {
  it("the docs have the figures of the simulation", () => {
    const page = readFileSync(new URL("../../docs/balancing.md", import.meta.url), "utf8");
    expect(page, "npx tsx test/simulation/balancing.ts").toContain(figures());
  }, 60_000);

  it.each(["2, one fails at once", "3, one fails at once", "10, one fails at once"])(
    "of %s, two choices lose next to nothing and least pending hardly anything",
    (name) => {
      const two = run("two_choices", caseOf(name));
      const least = run("least_pending", caseOf(name));
      const turns = run("round_robin", caseOf(name));
      // One call in a second asks whether it is well again; here nobody repeats it.
      expect(two.failed / two.calls).toBeLessThan(0.006);
      expect(least.failed / least.calls).toBeLessThan(0.01);
      expect(least.failed).toBeLessThan(turns.failed / 50);
    },
  );

  it("a slow target is not felt by two choices, and is by round robin", () => {
    const two = run("two_choices", caseOf("3, one ten times slower"));
    const turns = run("round_robin", caseOf("3, one ten times slower"));
    expect(two.p99).toBeLessThan(150);
    expect(turns.p99).toBeGreaterThan(10_000);
  });

  it("equal targets are served as well as by looking at all of them", () => {
    const two = run("two_choices", caseOf("10 equal"));
    const least = run("least_pending", caseOf("10 equal"));
    expect(two.p99).toBeLessThan(least.p99 * 1.1);
    const mean = two.given.reduce((sum, one) => sum + one, 0) / two.given.length;
    expect(Math.max(...two.given) / mean).toBeLessThan(1.25);
  });
});
