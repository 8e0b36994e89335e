import { EventEmitter } from "node:events";
import * as fc from "fast-check";
import CircuitBreaker from "opossum";
import { describe, expect, it } from "vitest";
import type { ExchangeVerdict } from "../../../src/base/permit.js";
import { seededRandom } from "../../../src/base/random.js";
import { BREAKER } from "../../../src/catalog/defaults.js";
import {
  type Breaker,
  type BreakerChange,
  type BreakerPermit,
  type BreakerSettings,
  type BreakerState,
  createBreaker,
} from "../../../src/targets/breaker.js";
import { NO_JURY } from "../../../src/targets/jury.js";
import type { Routed } from "../../../src/targets/route-ledger.js";

interface Bench {
  readonly breaker: Breaker;
  readonly changes: BreakerChange[];
  time: number;
  /** Admits and settles at once; false when it was denied. */
  one(verdict: ExchangeVerdict): boolean;
  times(count: number, verdict: ExchangeVerdict): void;
  take(): BreakerPermit;
}

function bench(options: Partial<BreakerSettings> = {}, drawn = 0): Bench {
  const changes: BreakerChange[] = [];
  const random = { next: () => drawn };
  let moment = 0;
  const clock = { now: () => moment };
  const made: Bench = {
    changes,
    get time() {
      return moment;
    },
    set time(value) {
      moment = value;
    },
    breaker: createBreaker(clock, random, { ...BREAKER, ...options }, (one) => changes.push(one)),
    one(verdict) {
      const permit = made.breaker.admit();
      if ("deniedForMs" in permit) return false;
      permit.settle(verdict);
      return true;
    },
    times(count, verdict) {
      for (let time = 0; time < count; time += 1) made.one(verdict);
    },
    take() {
      const permit = made.breaker.admit();
      if ("deniedForMs" in permit) throw new Error("denied");
      return permit;
    },
  };
  return made;
}

/** Others take the calls of the target meanwhile. */
function beside(options: Partial<BreakerSettings> = {}): Bench {
  const made = bench(options);
  made.breaker.jury = { ...NO_JURY, isLast: () => false };
  return made;
}

const ASKED: Routed = { method: "GET", path: "/" };

describe("a closed breaker", () => {
  it("opens at the fifth failure in a row and not before", () => {
    const made = bench();
    made.times(4, "failure");
    expect(made.breaker.state).toBe("closed");
    made.one("failure");
    expect(made.breaker.state).toBe("open");
  });

  it("starts to count anew after a success", () => {
    const made = bench({ volumeMin: 1_000 });
    for (let round = 0; round < 10; round += 1) {
      made.times(4, "failure");
      made.one("success");
    }
    expect(made.breaker.state).toBe("closed");
  });

  it("a neutral result neither counts nor interrupts a row", () => {
    const made = bench();
    made.times(4, "failure");
    made.times(50, "neutral");
    expect(made.breaker.snapshot()).toMatchObject({ counted: 4, failed: 4 });
    made.one("failure");
    expect(made.breaker.state).toBe("open");
  });

  it("opens at exactly half of exactly twenty", () => {
    const made = bench({ consecutiveFailures: 1_000 });
    made.times(10, "success");
    made.times(9, "failure");
    expect(made.breaker.state).toBe("closed");
    made.one("failure");
    expect(made.changes).toMatchObject([{ to: "open", reason: "failure_rate" }]);
  });

  it("stays closed just below half", () => {
    const made = bench({ consecutiveFailures: 1_000 });
    made.times(501, "success");
    made.times(500, "failure");
    expect(made.breaker.state).toBe("closed");
    made.one("failure");
    expect(made.breaker.state).toBe("open");
  });

  it("does not judge a rate by fewer than twenty", () => {
    const made = bench({ consecutiveFailures: 1_000 });
    made.times(19, "failure");
    expect(made.breaker.state).toBe("closed");
  });

  it("never judges the rate when told to judge by failures in a row alone", () => {
    const made = bench({ volumeMin: Number.POSITIVE_INFINITY, consecutiveFailures: 100 });
    made.times(99, "failure");
    expect(made.breaker.state).toBe("closed");
  });

  it("forgets what is older than its window", () => {
    const made = bench({ consecutiveFailures: 1_000 });
    made.times(19, "failure");
    made.time = 10_000;
    made.times(11, "success");
    made.times(9, "failure");
    expect(made.breaker.snapshot()).toMatchObject({ counted: 20, failed: 9 });
    expect(made.breaker.state).toBe("closed");
  });

  it("forgets successes from before the first failure slice by slice, too", () => {
    const made = bench({ consecutiveFailures: 1_000 });
    for (let slice = 0; slice < 12; slice += 1) {
      made.time = slice * 1_000;
      made.one("success");
    }
    expect(made.breaker.snapshot()).toMatchObject({ counted: 10, failed: 0 });
    made.one("failure");
    expect(made.breaker.snapshot()).toMatchObject({ counted: 11, failed: 1 });
    made.time = 16_500;
    expect(made.breaker.snapshot()).toMatchObject({ counted: 6, failed: 1 });
    made.time = 30_000;
    expect(made.breaker.snapshot()).toMatchObject({ counted: 0, failed: 0 });
  });

  it("forgets slice by slice", () => {
    const made = bench({ consecutiveFailures: 1_000 });
    for (let slice = 0; slice < 10; slice += 1) {
      made.time = slice * 1_000;
      made.one("failure");
    }
    expect(made.breaker.snapshot().failed).toBe(10);
    made.time = 10_000;
    expect(made.breaker.snapshot().failed).toBe(9);
    made.time = 14_500;
    expect(made.breaker.snapshot().failed).toBe(5);
  });

  it("a permit that is settled twice counts once", () => {
    const made = bench();
    const permit = made.take();
    for (let time = 0; time < 10; time += 1) permit.settle("failure");
    expect(made.breaker.snapshot()).toMatchObject({ consecutiveFailures: 1, failed: 1 });
  });
});

describe("an open breaker", () => {
  it("tells how long until it lets a trial through", () => {
    const made = bench();
    made.times(5, "failure");
    made.time = 250;
    expect(made.breaker.admit()).toEqual({ deniedForMs: 750 });
    made.time = 1_000;
    expect(made.breaker.deniedForMs()).toBe(0);
    expect(made.breaker.state).toBe("open");
  });

  it("stays open twice as long each time that no connection comes about, up to a minute", () => {
    const made = beside();
    made.times(5, "failure");
    const openTimes: number[] = [];
    for (let opening = 0; opening < 9; opening += 1) {
      openTimes.push(made.breaker.deniedForMs());
      made.time += made.breaker.deniedForMs();
      made.one("failure");
    }
    expect(openTimes).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
  });

  it.each([
    ["where no other takes its calls", bench, () => undefined],
    ["where it accepts connections", beside, () => ({ request: ASKED, repeated: false })],
  ])("stays open no longer than at first %s", (_name, make, doubt) => {
    const made = make();
    made.times(5, "failure");
    for (let opening = 0; opening < 9; opening += 1) {
      expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs);
      made.time += made.breaker.deniedForMs();
      made.take().settle("failure", doubt());
    }
  });

  it("adds some of its open time at random", () => {
    const made = bench({}, 0.5);
    made.times(5, "failure");
    expect(made.changes[0]?.openForMs).toBe(BREAKER.openMs * (1 + BREAKER.openJitter / 2));
  });

  it("begins with the short time again after it was closed", () => {
    const made = beside({ trialSuccesses: 1 });
    made.times(5, "failure");
    made.time += 1_000;
    made.one("failure");
    made.time += 2_000;
    made.one("success");
    expect(made.breaker.state).toBe("closed");
    made.times(5, "failure");
    expect(made.breaker.deniedForMs()).toBe(1_000);
  });

  it("is not judged by results from before it opened", () => {
    const made = bench();
    const late = [made.take(), made.take()];
    made.times(5, "failure");
    late[0]?.settle("success");
    late[1]?.settle("failure");
    expect(made.changes).toHaveLength(1);
    expect(made.breaker.deniedForMs()).toBe(1_000);
  });
});

describe("a half-open breaker", () => {
  const halfOpen = (options: Partial<BreakerSettings> = {}) => {
    const made = bench(options);
    made.times(5, "failure");
    made.time += 1_000;
    return made;
  };

  it("admits one trial at a time", () => {
    const made = halfOpen();
    const trial = made.take();
    expect(made.breaker.admit()).toEqual({ deniedForMs: 1_000 });
    trial.settle("success");
    expect(made.breaker.deniedForMs()).toBe(0);
  });

  it("admits as many at once as it is told", () => {
    const made = halfOpen({ trialsMax: 3 });
    for (let trial = 0; trial < 3; trial += 1) made.take();
    expect(made.breaker.deniedForMs()).toBeGreaterThan(0);
  });

  it("closes after three good trials, with an empty window", () => {
    const made = halfOpen();
    made.times(2, "success");
    expect(made.breaker.state).toBe("half_open");
    made.one("success");
    expect(made.breaker.state).toBe("closed");
    expect(made.breaker.snapshot()).toEqual({
      state: "closed",
      consecutiveFailures: 0,
      counted: 0,
      failed: 0,
      deniedForMs: 0,
      inDoubt: false,
      slow: 0,
      routes: [],
    });
  });

  it("a neutral trial gives its place back and decides nothing", () => {
    const made = halfOpen();
    for (let trial = 0; trial < 10; trial += 1) expect(made.one("neutral")).toBe(true);
    expect(made.breaker.state).toBe("half_open");
  });

  it("a trial that hangs gives its place to the next after a while", () => {
    const made = halfOpen();
    made.take();
    made.time += BREAKER.trialMs - 1;
    expect(made.breaker.admit()).toEqual({ deniedForMs: 1 });
    made.time += 1;
    expect(made.one("success")).toBe(true);
  });

  it("a trial that hung is judged when it ends, unless another one has its place", () => {
    const made = halfOpen();
    const slow = made.take();
    made.time += BREAKER.trialMs;
    slow.settle("failure");
    expect(made.changes.at(-1)).toMatchObject({ to: "open", reason: "trial_failed" });
  });

  it("a trial whose place was given to a later one leaves it to that one to decide", () => {
    const made = halfOpen();
    const slow = made.take();
    made.time += BREAKER.trialMs;
    const next = made.take();
    slow.settle("failure");
    expect(made.breaker.state).toBe("half_open");
    next.settle("success");
    made.times(2, "success");
    expect(made.breaker.state).toBe("closed");
  });

  it("a trial that streams on frees its place by its head, and three of them close it", () => {
    const made = halfOpen();
    for (let trial = 0; trial < 3; trial += 1) {
      const permit = made.take();
      expect(made.breaker.deniedForMs()).toBeGreaterThan(0);
      permit.answered(0);
      expect(made.breaker.deniedForMs()).toBe(0);
    }
    expect(made.breaker.state).toBe("closed");
  });

  it("a trial whose body breaks behind a good head fails, and opens it again", () => {
    const made = halfOpen();
    const permit = made.take();
    permit.answered(0);
    permit.settle("failure");
    expect(made.breaker.state).toBe("open");
    expect(made.changes.at(-1)).toMatchObject({ from: "half_open", reason: "trial_failed" });
  });

  it("a trial whose body breaks when it is closed again counts as one failure", () => {
    const made = halfOpen({ trialSuccesses: 1 });
    const permit = made.take();
    permit.answered(0);
    expect(made.breaker.state).toBe("closed");
    permit.settle("failure");
    permit.settle("failure");
    expect(made.breaker.snapshot()).toMatchObject({ state: "closed", failed: 1 });
  });

  it("a trial that ends well, or is given up, behind its head counts once", () => {
    const made = halfOpen();
    const whole = made.take();
    whole.answered(0);
    whole.answered(0);
    whole.settle("success");
    const second = made.take();
    second.answered(0);
    second.settle("neutral");
    expect(made.breaker.state).toBe("half_open");
    made.one("success");
    expect(made.breaker.state).toBe("closed");
  });

  it("a head that comes from an earlier half-open state says nothing of a later one", () => {
    const made = halfOpen({ trialsMax: 2 });
    const late = made.take();
    made.one("failure");
    expect(made.breaker.state).toBe("open");
    made.time += BREAKER.openMsMax;
    made.one("success");
    late.answered(0);
    late.settle("failure");
    expect(made.breaker.state).toBe("half_open");
  });

  it("a trial of an earlier half-open state does not judge a later one", () => {
    const made = halfOpen({ trialsMax: 2, trialSuccesses: 1 });
    const early = made.take();
    made.one("failure");
    made.time += 2_000;
    const trial = made.take();
    early.settle("success");
    expect(made.breaker.state).toBe("half_open");
    trial.settle("success");
    expect(made.breaker.state).toBe("closed");
  });
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "admit" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      which: fc.nat(20),
      verdict: fc.constantFrom<ExchangeVerdict>("success", "failure", "failure", "neutral"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(3_000) }) },
);

interface Held {
  readonly permit: BreakerPermit;
  readonly state: BreakerState;
  readonly changesSeen: number;
  readonly at: number;
}

describe("whatever happens in whatever order", () => {
  it("nothing is admitted while open, trials are few, late results judge nothing", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.nat(), (steps, seed) => {
        const options = { ...BREAKER, consecutiveFailures: 2, trialsMax: 2 };
        const changes: BreakerChange[] = [];
        let time = 0;
        let openUntil = 0;
        const listen = (change: BreakerChange): void => {
          changes.push(change);
          if (change.to === "open") openUntil = time + change.openForMs;
        };
        const clock = { now: () => time };
        const breaker = createBreaker(clock, seededRandom(seed), options, listen);
        const held: Held[] = [];
        for (const one of steps) {
          if (one.kind === "wait") time += one.ms;
          if (one.kind === "admit") {
            const denied = breaker.state === "open" && time < openUntil;
            const peeked = breaker.deniedForMs();
            const permit = breaker.admit();
            expect("deniedForMs" in permit).toBe(peeked > 0);
            if (denied) expect(permit).toEqual({ deniedForMs: openUntil - time });
            if ("deniedForMs" in permit) continue;
            held.push({ permit, state: breaker.state, changesSeen: changes.length, at: time });
            const trials = held.filter(
              ({ state, changesSeen, at }) =>
                state === "half_open" &&
                changesSeen === changes.length &&
                time - at < options.trialMs,
            );
            expect(trials.length).toBeLessThanOrEqual(options.trialsMax);
          }
          if (one.kind === "settle" && held.length > 0) {
            const [settled] = held.splice(one.which % held.length, 1);
            const late = settled?.changesSeen !== changes.length;
            const before = breaker.snapshot();
            settled?.permit.settle(one.verdict);
            if (late) expect(breaker.snapshot()).toEqual(before);
          }
        }
        for (const [index, { from }] of changes.entries()) {
          expect(from).toBe(changes[index - 1]?.to ?? "closed");
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the ledger", () => {
  it("starts no timer, so a thousand open breakers keep no process alive", () => {
    const before = timers();
    for (let index = 0; index < 1_000; index += 1) bench().times(5, "failure");
    expect(timers()).toBe(before);
  });

  it("opossum judges a failure before fire returns, which we build upon", () => {
    const circuit = new CircuitBreaker(
      () => {
        throw new Error("failed");
      },
      { timeout: false, rotateBucketController: new EventEmitter(), enableSnapshots: false },
    );
    circuit.removeAllListeners("open");
    circuit.fire().catch(() => {});
    expect(circuit.opened).toBe(true);
    expect(circuit.status.window[0]).toMatchObject({ fires: 1, failures: 1 });
  });
});

function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

describe("what is known beside its window", () => {
  it("opens a closed breaker for the time that is given, or for its own", () => {
    const made = bench();
    made.breaker.open("ejected", 250);
    expect(made.changes).toEqual([
      { from: "closed", to: "open", reason: "ejected", openForMs: 250 },
    ]);
    expect(made.breaker.deniedForMs()).toBe(250);
    const other = bench();
    other.breaker.open("silence", null);
    expect(other.breaker.deniedForMs()).toBe(BREAKER.openMs);
  });

  it("opens none that is open or on trial", () => {
    const made = bench();
    made.times(5, "failure");
    made.breaker.open("ejected", 60_000);
    expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs);
    made.time += BREAKER.openMs;
    const trial = made.take();
    made.breaker.open("ejected", 60_000);
    expect(made.breaker.state).toBe("half_open");
    trial.settle("neutral");
  });

  it("opens again when a trial is silent; its answer comes too late to count", () => {
    const made = bench();
    made.times(5, "failure");
    made.time += BREAKER.openMs;
    const trial = made.take();
    made.breaker.open("silence", null);
    expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs);
    trial.settle("success");
    expect(made.breaker.state).toBe("open");
    made.time += BREAKER.openMs;
    expect(made.take()).toBeDefined();
  });

  it("ends its open time early, and lets trials decide", () => {
    const made = beside();
    made.times(5, "failure");
    made.breaker.hasten();
    expect(made.breaker.deniedForMs()).toBe(0);
    expect(made.breaker.state).toBe("open");
    expect(made.one("failure")).toBe(true);
    expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs * 2);
    made.breaker.hasten();
    made.times(3, "success");
    expect(made.breaker.state).toBe("closed");
  });

  it("is cut short to the first open time when nobody is left, once until it is closed", () => {
    const made = beside();
    made.times(5, "failure");
    made.time += BREAKER.openMs;
    made.one("failure");
    made.breaker.lastResort();
    expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs * 2);
    made.time += BREAKER.openMs;
    made.breaker.lastResort();
    expect(made.breaker.deniedForMs()).toBe(0);
    made.one("failure");
    made.time += BREAKER.openMs;
    made.breaker.lastResort();
    expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs * 3);
    made.time += BREAKER.openMs * 3;
    made.times(3, "success");
    made.times(5, "failure");
    made.time += BREAKER.openMs / 2;
    made.breaker.lastResort();
    expect(made.breaker.deniedForMs()).toBe(BREAKER.openMs / 2);
  });
});

describe("failures that may be the fault of what was asked", () => {
  const asked = (path: string) => ({ request: { method: "GET", path }, repeated: false });
  const doubt = (made: Bench, path: string, repeated = false) => {
    const permit = made.breaker.admit(asked(path).request);
    if ("deniedForMs" in permit) return false;
    permit.settle("failure", { ...asked(path), repeated });
    return true;
  };
  const good = (made: Bench) => {
    const permit = made.take();
    permit.answered(made.time);
    permit.settle("success");
  };

  it("open it after five in a row, when nobody was ever answered well", () => {
    const made = bench();
    for (let time = 0; time < 5; time += 1) doubt(made, "/a");
    expect(made.changes).toMatchObject([{ to: "open", reason: "consecutive_failures" }]);
    expect(made.breaker.snapshot()).toMatchObject({ inDoubt: true, counted: 5, failed: 5 });
  });

  it("count once for a call, however often it came", () => {
    const made = bench();
    for (let time = 0; time < 4; time += 1) doubt(made, "/a");
    for (let time = 0; time < 20; time += 1) doubt(made, "/a", true);
    expect(made.breaker.state).toBe("closed");
  });

  it("open the only target when good answers are missed, and not before", () => {
    const made = bench();
    for (let time = 0; time < 20; time += 1) {
      made.time += 100;
      good(made);
    }
    for (let time = 0; time < 50; time += 1) doubt(made, `/${time}`);
    made.time += 900;
    doubt(made, "/a");
    expect(made.breaker.state).toBe("closed");
    made.time += 200;
    doubt(made, "/a");
    expect(made.breaker.state).toBe("open");
  });

  it("are not missed for the time in which nobody asked", () => {
    const made = bench();
    for (let time = 0; time < 20; time += 1) {
      made.time += 100;
      good(made);
    }
    // After a pause a burst, whose good ones take a moment longer.
    made.time += 9_000;
    const slow = Array.from({ length: 10 }, () => made.take());
    for (let time = 0; time < 10; time += 1) doubt(made, "/a");
    expect(made.breaker.state).toBe("closed");
    for (const permit of slow) permit.settle("success");
    const fresh = bench();
    const first = fresh.take();
    for (let time = 0; time < 9; time += 1) doubt(fresh, "/a");
    expect(fresh.breaker.state).toBe("closed");
    first.settle("neutral");
    doubt(fresh, "/a");
    expect(fresh.breaker.state).toBe("open");
  });

  it("open no target beyond the half while one that is left answers well", () => {
    const made = bench();
    let since = 0;
    made.breaker.jury = { ...NO_JURY, isLast: () => false, answersSince: (at) => at <= since };
    good(made);
    for (let time = 0; time < 30; time += 1) {
      made.time += 1_000;
      since = made.time;
      doubt(made, `/${time}`);
    }
    expect(made.breaker.state).toBe("closed");
    since = -1;
    doubt(made, "/a");
    expect(made.breaker.state).toBe("open");
  });

  it("one good answer clears the last target, and three one that others can do without", () => {
    const state = (isLast: boolean) => {
      const made = bench();
      made.breaker.jury = { ...NO_JURY, isLast: () => isLast };
      for (let time = 0; time < 5; time += 1) doubt(made, "/a");
      made.time += 2 * BREAKER.openMs;
      good(made);
      return made.breaker.state;
    };
    expect(state(true)).toBe("closed");
    expect(state(false)).toBe("half_open");
  });

  it("are cleared by a good answer that has only begun", () => {
    const made = bench();
    for (let round = 0; round < 20; round += 1) {
      for (let time = 0; time < 4; time += 1) doubt(made, "/a");
      made.take().answered(made.time);
    }
    expect(made.breaker.state).toBe("closed");
  });

  it("in doubt it is asked for what has not failed there, three times in vain", () => {
    const made = bench();
    for (let time = 0; time < 5; time += 1) doubt(made, "/a");
    expect(doubt(made, "/a")).toBe(false);
    for (const path of ["/b", "/c", "/d"]) expect(doubt(made, path)).toBe(true);
    expect(doubt(made, "/e")).toBe(false);
    expect(made.breaker.state).toBe("open");
    // The open time does not grow: nobody else is there.
    expect(made.breaker.snapshot().deniedForMs).toBeLessThanOrEqual(BREAKER.openMs);
  });

  it("beside peers that can spare it open it at once, unless a peer fails alike", () => {
    const made = bench();
    good(made);
    let shared = true;
    made.breaker.jury = {
      ...{ ...NO_JURY, canSpare: () => true, isLast: () => false, isShared: () => shared },
    };
    for (let time = 0; time < 30; time += 1) doubt(made, "/a");
    expect(made.breaker.state).toBe("closed");
    shared = false;
    for (let time = 0; time < 5; time += 1) doubt(made, "/a");
    expect(made.breaker.state).toBe("open");
  });
});
