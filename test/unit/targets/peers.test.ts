// Who is taken out because the others do better, and how it comes back (docs/target-health.md).

import { describe, expect, it } from "vitest";
import {
  BREAKER,
  DECLARED,
  EJECTION,
  EVIDENCE,
  SLOW_START,
} from "../../../src/catalog/defaults.js";
import { type HealthWorld, healthWorld, type Member, REQUEST } from "./health-world.js";

function three(made: HealthWorld): [Member, Member, Member] {
  return made.members as unknown as [Member, Member, Member];
}

/** Everyone answers well for a while, an exchange of ten milliseconds each at a time. */
async function chat(made: HealthWorld, members: readonly Member[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const begun = members.map((member) => member.begin());
    await made.clock.advance(10);
    for (const one of begun) one?.answer(200);
  }
}

describe("gateway failures in a row", () => {
  it("eject a target at the third, while the breaker alone would wait for the fifth", () => {
    const made = healthWorld();
    const [a] = three(made);
    a.exchanges(2, 503);
    expect(a.health.state).toBe("healthy");
    a.exchange(503);
    expect(made.changes).toEqual([
      { target: "a", from: "healthy", to: "ejected", reason: "consecutive_failures" },
    ]);
    expect(made.breakers).toMatchObject([{ target: "a", to: "open", reason: "ejected" }]);
    expect(a.target.breaker?.deniedForMs()).toBe(EJECTION.ejectMs);
  });

  it("are not an application's own errors, and start anew with a good answer", () => {
    const made = healthWorld();
    const [a, b] = three(made);
    a.exchanges(4, 500);
    b.exchanges(2, 503);
    b.exchange(200);
    b.exchanges(2, 503);
    expect(made.changes).toEqual([]);
  });

  it("eject for longer each time; one is forgotten for every half minute without", async () => {
    const made = healthWorld();
    const [a] = three(made);
    const ejectedFor = async (): Promise<number> => {
      a.exchanges(3, 503);
      const ms = a.target.breaker?.deniedForMs() ?? 0;
      await made.clock.advance(ms);
      a.exchanges(BREAKER.trialSuccesses, 200);
      expect(a.health.state).toBe("healthy");
      return ms;
    };
    const { ejectMs } = EJECTION;
    expect([await ejectedFor(), await ejectedFor(), await ejectedFor()]).toEqual([
      ejectMs,
      ejectMs * 2,
      ejectMs * 4,
    ]);
    await made.clock.advance(EJECTION.forgetMs * 2);
    expect(await ejectedFor()).toBe(ejectMs * 2);
  });
});

describe("the time of an ejection", () => {
  it("grows up to ejectMsMax", async () => {
    const made = healthWorld({ ejection: { ejectMs: 1_000, ejectMsMax: 1_500 } });
    const [a] = three(made);
    const times: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      a.exchanges(3, 503);
      const ms = a.target.breaker?.deniedForMs() ?? 0;
      times.push(ms);
      await made.clock.advance(ms);
      a.exchanges(BREAKER.trialSuccesses, 200);
    }
    expect(times).toEqual([1_000, 1_500, 1_500]);
  });

  it("is longer by chance, so that targets ejected together do not come back together", () => {
    const ejectedFor = (draw: number): number => {
      const [a] = three(healthWorld({ draw }));
      a.exchanges(3, 503);
      return a.target.breaker?.deniedForMs() ?? 0;
    };
    const { ejectMs, ejectJitter } = EJECTION;
    expect(ejectJitter).toBeGreaterThan(0);
    expect(ejectedFor(0)).toBe(ejectMs);
    expect(ejectedFor(0.5)).toBeCloseTo(ejectMs * (1 + ejectJitter / 2));
    expect(ejectedFor(0.999)).toBeCloseTo(ejectMs * (1 + ejectJitter), -2);
  });
});

describe("never more than half are ejected", () => {
  it.each([
    [1, 0],
    [2, 1],
    [3, 1],
    [4, 2],
    [5, 2],
    [8, 4],
  ])("of %i targets that all fail, %i are", (targets, ejected) => {
    const made = healthWorld({ targets });
    for (const member of made.members) member.exchanges(3, 503);
    const out = made.members.filter(({ health }) => health.state === "ejected");
    expect(out).toHaveLength(ejected);
  });

  it("and none while no other target is well", () => {
    const made = healthWorld({ targets: 2 });
    const [a, b] = three(made);
    b.target.draining = true;
    a.exchanges(3, 503);
    expect(a.health.state).toBe("healthy");
    b.target.draining = false;
    a.exchange(503);
    expect(a.health.state).toBe("ejected");
  });

  it("the breaker is bound by nobody: it opens for failures of its own", () => {
    const made = healthWorld({ targets: 2 });
    for (const member of made.members) member.exchanges(5, 503);
    expect(made.members.map(({ target }) => target.breaker?.state)).toEqual(["open", "open"]);
  });

  it("with ejection: false nobody is, and with a share of all, all but one", () => {
    const never = healthWorld({ ejection: false });
    for (const member of never.members) member.exchanges(4, 503);
    expect(never.changes).toEqual([]);
    const most = healthWorld({ targets: 4, ejection: { ejectedRatioMax: 1 } });
    for (const member of most.members) member.exchanges(3, 503);
    expect(most.changes).toHaveLength(3);
  });
});

describe("comparison", () => {
  it("ejects who fails more than its peers, though no row of failures is long", async () => {
    const made = healthWorld();
    const [a, b, c] = three(made);
    for (let round = 0; round < 300; round += 1) {
      a.exchange(round % 3 === 0 ? 503 : 200);
      b.exchange(200);
      c.exchange(200);
      await made.clock.advance(20);
    }
    expect(made.changes[0]).toMatchObject({ target: "a", to: "ejected", reason: "success_rate" });
  });

  it("ejects nobody when all fail alike", async () => {
    const made = healthWorld();
    for (let round = 0; round < 300; round += 1) {
      for (const member of made.members) member.exchange(round % 3 === 0 ? 503 : 200);
      await made.clock.advance(20);
    }
    expect(made.changes).toEqual([]);
  });

  it("ejects who is much slower", async () => {
    const made = healthWorld();
    const [a, b, c] = three(made);
    for (let round = 0; round < 80; round += 1) {
      const slow = a.begin();
      await chat(made, [b, c], 40);
      slow?.answer(200);
      if (made.changes.length > 0) break;
    }
    // One answer in 400 ms is a small volume, so what is compared must be more than a few.
    expect(made.changes).toEqual([]);
    for (let round = 0; round < 10; round += 1) {
      const slow = Array.from({ length: 20 }, () => a.begin());
      await chat(made, [b, c], 40);
      for (const one of slow) one?.answer(200);
    }
    expect(made.changes[0]).toMatchObject({ target: "a", to: "ejected", reason: "latency" });
  });
});

describe("silence", () => {
  it("ejects a target that answers nothing while its peers do, long before a timeout", async () => {
    const made = healthWorld();
    const [a, b, c] = three(made);
    await chat(made, [a, b, c], 20);
    const waiting = [a.begin(), a.begin(), a.begin()];
    const since = made.clock.now();
    await chat(made, [b, c], 9);
    expect(a.health.state).toBe("healthy");
    await chat(made, [b, c], 10);
    expect(made.changes).toEqual([
      { target: "a", from: "healthy", to: "ejected", reason: "silence" },
    ]);
    expect(made.clock.now() - since).toBeLessThan(2 * EJECTION.silenceMs);
    expect(waiting).not.toContain(null);
  });

  it("is none with fewer than three that wait, nor where answers take as long", async () => {
    const few = healthWorld();
    const [a, b, c] = three(few);
    await chat(few, [a, b, c], 20);
    a.begin();
    a.begin();
    await chat(few, [b, c], 200);
    expect(few.changes).toEqual([]);

    const slow = healthWorld();
    const [d, e, f] = three(slow);
    for (let round = 0; round < 20; round += 1) {
      const one = d.begin();
      await chat(slow, [e, f], 40);
      one?.answer(200);
    }
    for (let count = 0; count < 4; count += 1) d.begin();
    await chat(slow, [e, f], 60);
    expect(slow.changes).toEqual([]);
    await chat(slow, [e, f], 60);
    expect(slow.changes).toHaveLength(1);
  });

  it("of all at once ejects nobody, not even when the first of them answers again", async () => {
    const made = healthWorld();
    await chat(made, made.members, 20);
    const waiting = made.members.map((member) => [member.begin(), member.begin(), member.begin()]);
    await made.clock.advance(700);
    for (const exchanges of waiting) {
      for (const one of exchanges) one?.answer(200);
      await made.clock.advance(2);
    }
    expect(made.changes).toEqual([]);
  });

  it("is over with an answer: the trials begin at once", async () => {
    const made = healthWorld();
    const [a, b, c] = three(made);
    await chat(made, [a, b, c], 20);
    const waiting = [a.begin(), a.begin(), a.begin()];
    await chat(made, [b, c], 20);
    expect(a.target.breaker?.deniedForMs()).toBeGreaterThan(0);
    waiting[0]?.answer(200);
    expect(a.target.breaker?.deniedForMs()).toBe(0);
    expect(a.health.state).toBe("ejected");
    a.exchanges(BREAKER.trialSuccesses, 200);
    expect(a.health.state).toBe("healthy");
  });

  it("opens no breaker where no more may be ejected: what is overdue is asked last", async () => {
    const made = healthWorld();
    const [a, b, c] = three(made);
    await chat(made, [a, b, c], 20);
    a.exchanges(3, 503);
    for (let count = 0; count < 8; count += 1) b.begin();
    await chat(made, [c], 30);
    expect(b.target.breaker?.state).toBe("closed");
    expect(b.health.state).toBe("healthy");
    expect(b.health.monitor?.overdue).toBe(true);
  });
});

describe("a target's own word", () => {
  it("takes it out for ten seconds where there are no probes", async () => {
    const made = healthWorld();
    const [a] = three(made);
    a.exchange(200, "X-Target-State", "drain");
    expect(a.health).toMatchObject({ state: "unhealthy", reason: "declared_draining" });
    expect(a.health.deniedForMs()).toBe(DECLARED.believedMs);
    await made.clock.advance(DECLARED.believedMs - 1);
    expect(a.health.state).toBe("unhealthy");
    await made.clock.advance(1);
    expect(a.health.state).toBe("healthy");
    expect(made.clock.pending()).toBe(0);
  });

  it("is taken back by its own word", () => {
    const made = healthWorld();
    const [a] = three(made);
    const late = a.begin();
    a.exchange(200, "x-envoy-immediate-health-check-fail", "1");
    expect(a.health.reason).toBe("declared_unhealthy");
    late?.answer(200, "x-target-state", "ready");
    expect(a.health.state).toBe("healthy");
    expect(made.clock.pending()).toBe(0);
  });

  it("says how much of its weight it carries, for ten seconds after it last said so", async () => {
    const made = healthWorld();
    const [a, b] = three(made);
    a.exchange(200, "X-Target-State", "50%");
    expect([a.health.share(), a.health.state, b.health.share()]).toEqual([0.5, "healthy", 1]);
    await made.clock.advance(DECLARED.believedMs - 1);
    a.exchange(200, "X-Target-State", "up 25%");
    await made.clock.advance(DECLARED.believedMs);
    expect(a.health.share()).toBe(0.25);
    await made.clock.advance(1);
    expect(a.health.share()).toBe(1);
    expect(made.shares).toEqual([
      { target: "a", share: 0.5, by: "declared" },
      { target: "a", share: 0.25, by: "declared" },
    ]);
    expect(made.clock.pending()).toBe(0);
  });

  it("of an agent holds until it says another, and counts among the probes", () => {
    const made = healthWorld({ probes: true });
    const [a] = three(made);
    const { health } = a;
    health.probed(true);
    health.agentSaid("draining", 0);
    expect(health.reason).toBe("declared_draining");
    health.agentSaid(0.5, 0);
    expect([health.state, health.share()]).toEqual(["unhealthy", 0.5]);
    health.agentSaid("ready", 0);
    expect([health.state, health.share()]).toEqual(["healthy", 0.5]);
    a.exchange(200, "x-target-state", "80%");
    // The least that is said counts.
    expect(health.share()).toBe(0.5);
    health.agentSaid(1, 0);
    expect(health.share()).toBe(0.8);
    health.agentSaid("unhealthy", 0);
    expect(health.reason).toBe("declared_unhealthy");
  });

  it("holds until probes have answered well twice, where there are probes", async () => {
    const made = healthWorld({ probes: true });
    const [a] = three(made);
    a.health.probed(true);
    a.exchange(200, "x-target-state", "maint");
    await made.clock.advance(60_000);
    expect(a.health.deniedForMs()).toBe(Number.POSITIVE_INFINITY);
    a.health.probed(true);
    expect(a.health.state).toBe("unhealthy");
    a.health.probed(true);
    expect(a.health.state).toBe("healthy");
  });

  it("does not speak against probes that have found it down", () => {
    const made = healthWorld({ probes: true });
    const [a] = three(made);
    const late = a.begin();
    a.health.probed(false);
    late?.answer(200, "x-target-state", "up");
    expect(a.health).toMatchObject({ state: "unhealthy", reason: "probe_failed" });
  });

  it("a 503 that closes its connection ejects at once", () => {
    const made = healthWorld();
    const [a] = three(made);
    a.exchange(503, "Connection", "close");
    expect(a.health).toMatchObject({ state: "ejected", reason: "leaving" });
  });

  it("unless others say so of the same route, or it has answered well since", async () => {
    const made = healthWorld();
    const [a, b] = three(made);
    const settled = async (): Promise<void> => {
      await made.clock.advance(a.target.breaker?.deniedForMs() ?? 0);
      for (let trial = 0; trial < BREAKER.trialSuccesses; trial += 1) a.exchange(200);
      expect(a.health.state).toBe("healthy");
    };
    a.exchange(503, "Connection", "close");
    await settled();
    for (let time = 0; time < 2; time += 1) a.exchange(503, "Connection", "close");
    expect(a.health.state).toBe("healthy");
    await made.clock.advance(EVIDENCE.forgetMs);
    a.exchange(503, "Connection", "close");
    expect(a.health.state).toBe("ejected");
    await settled();
    const permit = a.target.breaker?.admit(REQUEST);
    if (permit && "settle" in permit)
      permit.settle("failure", { request: REQUEST, repeated: false });
    b.exchange(503, "Connection", "close");
    expect(b.health.state).toBe("healthy");
  });
});

describe("a good probe", () => {
  it("ends the open time of a breaker once, until calls have closed it", async () => {
    const made = healthWorld({ probes: true });
    const [a] = three(made);
    a.exchanges(5, 503);
    a.health.probed(true);
    expect(a.target.breaker?.deniedForMs()).toBe(0);
    a.exchange(503);
    const grown = a.target.breaker?.deniedForMs() ?? 0;
    expect(grown).toBeGreaterThan(BREAKER.openMs);
    a.health.probed(true);
    expect(a.target.breaker?.deniedForMs()).toBe(grown);
    await made.clock.advance(grown);
    a.exchanges(BREAKER.trialSuccesses, 200);
    a.exchanges(5, 503);
    a.health.probed(true);
    expect(a.target.breaker?.deniedForMs()).toBe(0);
  });
});

describe("panic", () => {
  it("uses all targets when fewer than half are healthy, and is over when half are again", () => {
    const made = healthWorld({ probes: true });
    const [a, b] = three(made);
    a.health.probed(false);
    expect(made.panics).toEqual([]);
    expect(a.health.deniedForMs()).toBe(Number.POSITIVE_INFINITY);
    b.health.probed(false);
    expect(made.panics).toEqual([{ panic: true, healthy: 1, targets: 3 }]);
    expect([a, b].map(({ health }) => health.deniedForMs())).toEqual([0, 0]);
    expect(a.health).toMatchObject({ state: "unhealthy", overruled: true });
    b.health.probed(true);
    b.health.probed(true);
    expect(made.panics.at(-1)).toEqual({ panic: false, healthy: 2, targets: 3 });
    expect(a.health.deniedForMs()).toBe(Number.POSITIVE_INFINITY);
  });

  it("does not overrule breakers", () => {
    const made = healthWorld({ probes: true });
    const [a] = three(made);
    a.exchanges(5, 503);
    for (const { health } of made.members) health.probed(false);
    expect(made.peers.panic).toBe(true);
    expect(a.target.breaker?.deniedForMs()).toBeGreaterThan(0);
  });

  it("does not count targets that are drained or gone", () => {
    const made = healthWorld({ targets: 4, probes: true });
    const [a, b] = three(made);
    a.health.probed(false);
    b.health.probed(false);
    expect(made.peers.panic).toBe(false);
    const [, , c] = made.members;
    made.peers.sync(made.members.slice(0, 3).map(({ target }) => target));
    expect(made.peers.panic).toBe(true);
    if (c !== undefined) c.target.draining = true;
    made.peers.sync(made.members.map(({ target }) => target));
    expect(made.panics.at(-1)).toEqual({ panic: true, healthy: 1, targets: 3 });
  });
});

describe("slow start", () => {
  it("begins when a target that was out for a second is back by every measure", async () => {
    const made = healthWorld({ probes: true });
    const [a] = three(made);
    a.health.probed(false);
    a.exchanges(5, 503);
    await made.clock.advance(SLOW_START.outMsMin);
    a.health.probed(true);
    a.health.probed(true);
    expect(a.health.share()).toBe(1);
    a.exchanges(BREAKER.trialSuccesses, 200);
    expect(a.health.share()).toBe(SLOW_START.shareMin);
    await made.clock.advance(SLOW_START.rampMs / 2);
    expect(a.health.share()).toBeCloseTo(0.55);
    await made.clock.advance(SLOW_START.rampMs / 2);
    expect(a.health.share()).toBe(1);
  });

  it("is for nobody who was out for less", async () => {
    const made = healthWorld();
    const [a] = three(made);
    a.exchange(200, "x-target-state", "drain");
    await made.clock.advance(SLOW_START.outMsMin - 1);
    a.exchange(200, "x-target-state", "up");
    expect(a.health.share()).toBe(1);
  });
});

describe("a target alone", () => {
  it("is not counted, since there is nobody to compare it with", () => {
    const made = healthWorld({ targets: 1 });
    const [a] = three(made);
    expect(a.health.monitor).toBeNull();
    expect(healthWorld({ targets: 2 }).members[0]?.health.monitor).not.toBeNull();
  });
});
