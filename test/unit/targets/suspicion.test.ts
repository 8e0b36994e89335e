// After a loss, what cannot be repeated keeps away until something else has found out.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EJECTION } from "../../../src/catalog/defaults.js";
import { Suspicion } from "../../../src/targets/suspicion.js";
import { virtualClock } from "../../../src/testing/virtual-clock.js";

const { suspectMs, suspectAgainMs, suspectMsMax } = EJECTION;

function made() {
  const clock = virtualClock();
  const suspicion = new Suspicion(clock);
  const holds = (outUntil = 0): boolean => suspicion.holds(outUntil);
  return { clock, suspicion, holds };
}

describe("a loss", () => {
  it("keeps away what cannot be repeated for a while, and no longer", async () => {
    const { clock, suspicion, holds } = made();
    expect(holds()).toBe(false);
    suspicion.lost(clock.now());
    await clock.advance(suspectMs - 1);
    expect(holds()).toBe(true);
    await clock.advance(1);
    expect(holds()).toBe(false);
  });

  it("is forgotten when what was begun since is answered well", async () => {
    const { clock, suspicion, holds } = made();
    suspicion.lost(clock.now());
    await clock.advance(1);
    suspicion.proved(clock.now());
    expect(holds()).toBe(false);
    expect(suspicion.exists).toBe(false);
  });

  it("is not forgotten by an answer to what was begun before it", async () => {
    const { clock, suspicion, holds } = made();
    const begun = clock.now();
    await clock.advance(10);
    suspicion.lost(begun);
    await clock.advance(5);
    suspicion.proved(begun);
    expect(holds()).toBe(true);
  });

  it("of several at once counts as one; of what was begun later it counts more", async () => {
    const { clock, suspicion, holds } = made();
    await clock.advance(10);
    for (const begun of [1, 5, 9]) suspicion.lost(begun);
    await clock.advance(suspectMs);
    expect(holds()).toBe(false);
    suspicion.lost(clock.now());
    await clock.advance(suspectAgainMs - 1);
    expect(holds()).toBe(true);
    await clock.advance(1);
    expect(holds()).toBe(false);
  });

  it("of several who wait in vain counts more at once", async () => {
    const { clock, suspicion, holds } = made();
    suspicion.confirmed();
    await clock.advance(suspectAgainMs - 1);
    expect(holds()).toBe(true);
  });
});

describe("when nothing else finds out", () => {
  it("one tries at a time: the next waits until that one has had its time", async () => {
    const { clock, suspicion, holds } = made();
    suspicion.lost(clock.now());
    await clock.advance(suspectMs);
    expect(holds()).toBe(false);
    suspicion.tried();
    expect(holds()).toBe(true);
    await clock.advance(suspectMs);
    expect(holds()).toBe(false);
  });

  it("each that tried it in vain doubles the wait of the next, up to a limit", async () => {
    const { clock, suspicion, holds } = made();
    suspicion.confirmed();
    const waits: number[] = [];
    for (let time = 0; time < 4; time += 1) {
      const from = clock.now();
      while (holds()) await clock.advance(500);
      waits.push(clock.now() - from);
      suspicion.tried();
      suspicion.lost(clock.now());
    }
    expect(waits).toEqual([suspectAgainMs, suspectAgainMs, suspectMsMax, suspectMsMax]);
  });

  it("a target that was out leaves those who may be repeated their time first", async () => {
    const { clock, suspicion, holds } = made();
    suspicion.lost(clock.now());
    const outUntil = 3_000;
    await clock.advance(outUntil + suspectMs - 1);
    expect(holds(outUntil)).toBe(true);
    await clock.advance(1);
    expect(holds(outUntil)).toBe(false);
  });
});

describe("where probes are sent", () => {
  function probed() {
    const world = made();
    const asked: number[] = [];
    world.suspicion.probedBy(() => asked.push(world.clock.now()));
    return { ...world, asked };
  }

  it("one is asked for at once, and time alone ends nothing until one has passed", async () => {
    const { clock, suspicion, holds, asked } = probed();
    suspicion.lost(clock.now());
    expect(asked).toHaveLength(1);
    await clock.advance(60_000);
    expect(holds()).toBe(true);
    suspicion.probed(false, clock.now());
    expect(holds()).toBe(true);
    suspicion.probed(true, clock.now());
    expect(holds()).toBe(false);
  });

  it("one that was begun before the loss says nothing of it", async () => {
    const { clock, suspicion, holds } = probed();
    const begun = clock.now();
    await clock.advance(1);
    suspicion.lost(begun);
    suspicion.probed(true, begun);
    await clock.advance(suspectAgainMs);
    expect(holds()).toBe(true);
  });

  it("one that passes does not cut the time short: it is not what was lost", async () => {
    const { clock, suspicion, holds } = probed();
    suspicion.lost(clock.now());
    await clock.advance(10);
    suspicion.probed(true, clock.now());
    expect(holds()).toBe(true);
    await clock.advance(suspectMs);
    expect(holds()).toBe(false);
  });

  it("one that fails where nothing was lost keeps nobody away", () => {
    const { clock, suspicion, holds } = probed();
    suspicion.probed(false, clock.now());
    expect(holds()).toBe(false);
  });
});

describe("whatever happens", () => {
  type Step = readonly [what: "lost" | "proved" | "tried" | "confirmed" | "wait", ms: number];
  const what = fc.constantFrom("lost", "proved", "tried", "confirmed", "wait" as const);
  const steps = fc.array(fc.tuple(what, fc.nat({ max: 3_000 }))) as fc.Arbitrary<Step[]>;

  it("nobody is kept away for longer than the longest time after the last event", async () => {
    const property = fc.asyncProperty(steps, async (list) => {
      const { clock, suspicion, holds } = made();
      for (const [name, ms] of list) {
        if (name === "wait") await clock.advance(ms);
        else if (name === "lost" || name === "proved") suspicion[name](clock.now() - ms);
        else suspicion[name]();
        if (!suspicion.exists) expect(holds()).toBe(false);
      }
      await clock.advance(suspectMsMax);
      expect(holds()).toBe(false);
      suspicion.proved(clock.now());
      expect(suspicion.exists).toBe(false);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
