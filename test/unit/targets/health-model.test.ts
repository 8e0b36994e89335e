/**
 * The rules of docs/target-health.md as a small model, and the real thing held against it while
 * anything happens in any order: calls that go well or fail, probes, words of targets, time.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BREAKER, DECLARED, EJECTION, PANIC, SLOW_START } from "../../../src/catalog/defaults.js";
import { type HealthWorld, healthWorld, type Member } from "./health-world.js";

type Step =
  | { readonly kind: "call"; readonly who: number; readonly status: number }
  | { readonly kind: "lost"; readonly who: number }
  | { readonly kind: "probe"; readonly who: number; readonly passed: boolean }
  | { readonly kind: "word"; readonly who: number; readonly word: string }
  | { readonly kind: "wait"; readonly ms: number };

const who = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("call"), who, status: statuses() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("lost"), who }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("probe"), who, passed: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("word"), who, word: words() }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("wait"), ms: fc.integer({ min: 1, max: 4_000 }) }),
  },
) as fc.Arbitrary<Step>;

function statuses(): fc.Arbitrary<number> {
  return fc.constantFrom(200, 200, 200, 500, 503);
}

function words(): fc.Arbitrary<string> {
  return fc.constantFrom("drain", "down", "up");
}

/** What the rules say of one target, told from what happened to it alone. */
class Model {
  reason: "probe_failed" | "declared" | null = null;
  believedUntil = Number.POSITIVE_INFINITY;
  probe: "unknown" | "up" | "down" = "unknown";
  inARow = 0;

  readonly #probes: boolean;

  constructor(probes: boolean) {
    this.#probes = probes;
  }

  probed(passed: boolean): void {
    if (!this.#probes) return;
    const up = this.probe !== "down";
    if (this.probe !== "unknown" && passed === up) this.inARow = 0;
    else this.inARow += 1;
    const needed = this.probe === "unknown" ? 1 : up ? 3 : 2;
    const turned = this.probe === "unknown" || this.inARow >= needed;
    if (!turned) return;
    this.inARow = 0;
    this.probe = passed ? "up" : "down";
    this.reason = passed ? null : "probe_failed";
  }

  said(word: string, now: number): void {
    if (this.reason === "probe_failed") return;
    this.reason = word === "up" ? null : "declared";
    this.believedUntil = this.#probes ? Number.POSITIVE_INFINITY : now + DECLARED.believedMs;
    if (!this.#probes || word === "up") return;
    this.probe = "down";
    this.inARow = 0;
  }

  at(now: number): this {
    if (this.reason === "declared" && now >= this.believedUntil) this.reason = null;
    return this;
  }
}

describe("the health of targets follows its rules", () => {
  it.each([
    ["with probes", true],
    ["without probes", false],
  ])("%s, whatever happens", async (_name, probes) => {
    const steps = fc.array(step, { minLength: 10, maxLength: 120 });
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      steps,
      async (count, list) => {
        const made = healthWorld({ targets: count, probes });
        const models = made.members.map(() => new Model(probes));
        for (const one of list) {
          await play(made, models, one);
          check(made, models);
        }
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
});

async function play(made: HealthWorld, models: readonly Model[], one: Step): Promise<void> {
  if (one.kind === "wait") return made.clock.advance(one.ms);
  const index = one.who % made.members.length;
  const [member, model] = [made.members[index] as Member, models[index] as Model];
  const now = made.clock.now();
  const wasClosed = member.target.breaker?.state === "closed";
  const mayEject = canBeEjected(made, member);
  const before = member.monitor.failuresInRow;
  if (one.kind === "probe") {
    const state = member.target.breaker?.state;
    member.health.probed(one.passed);
    model.at(now).probed(one.passed);
    // A probe never closes a breaker; only calls that go well do.
    expect(member.target.breaker?.state).toBe(state);
    return;
  }
  const alone = made.members.length < 2;
  let passed: boolean;
  if (one.kind === "lost") passed = member.fail();
  else if (one.kind === "call") passed = member.exchange(one.status);
  else passed = member.exchange(200, "x-target-state", one.word);
  if (!passed) return;
  if (one.kind === "word") model.at(now).said(one.word, now);
  const failed = one.kind === "lost" || (one.kind === "call" && one.status === 503);
  if (!wasClosed || !failed || alone) return;
  const isThird = before + 1 >= EJECTION.consecutiveFailures;
  if (isThird && mayEject) expect(isWell(member)).toBe(false);
}

function canBeEjected(made: HealthWorld, member: Member): boolean {
  const others = made.members.filter((other) => other !== member);
  const out = others.filter((other) => !isWell(other)).length;
  const most = Math.max(1, Math.floor(made.members.length * EJECTION.ejectedRatioMax));
  return out < most && isWell(member) && others.some(isWell);
}

function isWell({ target, health }: Member): boolean {
  return !health.unfit && target.breaker?.state === "closed";
}

function check(made: HealthWorld, models: readonly Model[]): void {
  const now = made.clock.now();
  const { members, peers } = made;
  const unfit = models.filter((model) => model.at(now).reason !== null).length;
  const healthy = members.length - unfit;
  expect(peers.panic).toBe(unfit > 0 && healthy < members.length * PANIC.healthyRatioMin);
  const ejected = members.filter(({ health }) => health.ejection !== null);
  expect(ejected.length).toBeLessThanOrEqual(Math.max(1, Math.floor(members.length / 2)));
  members.forEach((member, index) => {
    const { health, target } = member;
    const { reason } = models[index] as Model;
    expect(health.unfit).toBe(reason !== null);
    // An ejection lasts as long as its breaker is not closed, and not a moment longer.
    if (health.ejection !== null) expect(target.breaker?.state).not.toBe("closed");
    expect(health.state).toBe(stateOf(reason, health.ejection));
    const denied = health.deniedForMs();
    if (reason === null || peers.panic) expect(denied).toBe(0);
    else expect(denied).toBeGreaterThan(0);
    expect(health.overruled).toBe(reason !== null && peers.panic);
    expect(health.share()).toBeGreaterThanOrEqual(SLOW_START.shareMin);
    expect(health.share()).toBeLessThanOrEqual(1);
  });
}

function stateOf(reason: string | null, ejection: string | null): string {
  if (reason !== null) return "unhealthy";
  return ejection === null ? "healthy" : "ejected";
}

describe("who has recovered by the rules", () => {
  it("takes its full part again, whatever happened before", async () => {
    const steps = fc.array(step, { maxLength: 60 });
    const property = fc.asyncProperty(steps, fc.boolean(), async (list, probes) => {
      const made = healthWorld({ targets: 3, probes });
      const models = made.members.map(() => new Model(probes));
      for (const one of list) await play(made, models, one);
      await made.clock.advance(BREAKER.openMsMax + DECLARED.believedMs);
      for (const { health } of made.members) {
        health.probed(true);
        health.probed(true);
      }
      for (const member of made.members) member.exchanges(BREAKER.trialSuccesses + 1, 200);
      expect(made.members.map(({ health }) => health.state)).toEqual([
        "healthy",
        "healthy",
        "healthy",
      ]);
      expect(made.members.every(isWell)).toBe(true);
      expect(made.peers.panic).toBe(false);
      await made.clock.advance(SLOW_START.rampMs);
      expect(made.members.map(({ health }) => health.share())).toEqual([1, 1, 1]);
      expect(made.clock.pending()).toBe(0);
    });
    await fc.assert(property, { numRuns: 60 });
  });
});
