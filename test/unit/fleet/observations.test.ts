/** What is made of what members say of targets. */
import { describe, expect, it } from "vitest";
import { Observations, readSees, type Witnessing } from "../../../src/fleet/observations.js";
import type { IllTarget, TargetsWitness } from "../../../src/targets/fleet-link.js";

const [A, B, C] = ["http://a:1", "http://b:1", "http://c:1"] as const;

function witness(own: readonly IllTarget[] = []) {
  const did: string[] = [];
  const made: TargetsWitness = {
    upstream: "app",
    targets: [A, B, C],
    someLate: false,
    ill: () => own,
    doubt: (target, _ms, isNews) => void did.push(`doubt ${target} ${isNews ? "new" : "again"}`),
    confirm: (target, _ms, isNews) => void did.push(`out ${target} ${isNews ? "new" : "again"}`),
    leaveTrial: (target) => void did.push(`leave ${target}`),
    clear: (target) => void did.push(`clear ${target}`),
  };
  return { made, did };
}

const lost = (target: string, losses = 1): IllTarget => ({
  target,
  losses,
  out: false,
  late: false,
});
const out = (target: string, losses = 5): IllTarget => ({ ...lost(target, losses), out: true });
const late = (target: string): IllTarget => ({ ...lost(target, 0), late: true });

function says(member: string, host: string, ...ill: readonly IllTarget[]): Witnessing {
  return { member, host, sees: [{ upstream: "app", size: 3, ill }] };
}

/** What comes of it, step by step; this member is "m" on host "h". */
function heard(
  steps: readonly (readonly Witnessing[])[],
  own: readonly IllTarget[] = [],
  quorum = 2,
): readonly (readonly string[])[] {
  const { made, did } = witness(own);
  const observations = new Observations(quorum);
  observations.add(made);
  return steps.map((others) => {
    observations.consider(says("m", "h", ...own), others);
    return did.splice(0);
  });
}

describe("what others see", () => {
  it("puts a target in doubt, is no news again, and is over when nobody says so any more", () => {
    const steps = [
      [says("a", "g", lost(A))],
      [says("a", "g", lost(A))],
      [says("a", "g", lost(A, 2))],
      [],
      [],
    ];
    expect(heard(steps)).toEqual([
      [`doubt ${A} new`],
      [`doubt ${A} again`],
      [`doubt ${A} new`],
      [`clear ${A}`],
      [],
    ]);
  });

  it("takes a target out once enough say so", () => {
    const one = says("a", "g", out(A));
    const two = says("b", "i", out(A));
    expect(heard([[one], [one, two], [one, two]])).toEqual([
      [`doubt ${A} new`, `leave ${A}`],
      [`doubt ${A} new`, `leave ${A}`, `out ${A} new`],
      [`doubt ${A} again`, `leave ${A}`, `out ${A} again`],
    ]);
    expect(heard([[one, two]], [], 3)[0]).not.toContain(`out ${A} new`);
  });

  it("asks for two hosts where there are two", () => {
    const [one, two] = [says("a", "g", out(A)), says("b", "g", out(A))];
    expect(heard([[one, two]])[0]).not.toContain(`out ${A} new`);
    const near = [says("a", "h", out(A)), says("b", "h", out(A))];
    expect(heard([near])[0]).toContain(`out ${A} new`);
  });

  it("counts what is seen here, and leaves the trial to the first of those that saw it", () => {
    const own = [out(A)];
    expect(heard([[says("z", "g", out(A))]], own)).toEqual([[`out ${A} new`]]);
    expect(heard([[says("a", "g", out(A))]], own)).toEqual([
      [`doubt ${A} new`, `leave ${A}`, `out ${A} new`],
    ]);
  });

  it("does not count who alone sees most targets fail", () => {
    const blind = says("a", "g", out(A), out(B));
    const sound = says("b", "i");
    expect(heard([[blind, sound]])).toEqual([[]]);
    // Where most see it, it is the targets.
    const general = heard([[blind, says("b", "i", out(A), out(B))]], [out(A), out(C)])[0];
    expect(general).toContain(`out ${A} new`);
  });

  it("takes one that waits for chance, and two for a silent target", () => {
    const one = says("a", "g", late(A));
    expect(heard([[one]])).toEqual([[]]);
    expect(heard([[one, says("b", "i", late(A))]])).toEqual([[`doubt ${A} new`]]);
    expect(heard([[one]], [late(A)])).toEqual([[`doubt ${A} new`]]);
  });

  it("of other upstreams and unknown targets means nothing", () => {
    const other = { member: "a", host: "g", sees: [{ upstream: "other", size: 1, ill: [out(A)] }] };
    expect(heard([[other], [says("a", "g", out("http://unknown:1"))]])).toEqual([[], []]);
  });
});

describe("what is no observation", () => {
  it.each([
    [null],
    ["app"],
    [[{ upstream: "app" }]],
    [[{ upstream: 7, size: 1, ill: [] }]],
    [[{ upstream: "app", size: 1, ill: [{ target: "t" }] }]],
    [[{ upstream: "app", size: 1, ill: [{ target: "t", losses: "1", out: true, late: false }] }]],
    [Array(201).fill({ upstream: "app", size: 1, ill: [] })],
    [[{ upstream: "app", size: 1, ill: Array(101).fill(out(A)) }]],
  ])("%j", (value) => {
    expect(readSees(value)).toBeNull();
  });
});
