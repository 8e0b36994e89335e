import { describe, expect, it } from "vitest";
import { BREAKER } from "../../../../src/catalog/defaults.js";
import { HEALTH } from "../../../../src/catalog/health-defaults.js";
import { createGateway } from "../../../../src/gateway/gateway.js";
import type { CheckOptions } from "../../../../src/lifecycle/health/health-options.js";
import { isGatewayOptionsError } from "../../../../src/options/options-error.js";
import type { GatewayEvents, HealthStatus } from "../../../../src/records/events.js";
import { refusingPort, virtualClock } from "../../../../src/testing/index.js";

type Change = GatewayEvents["health:change"];

function bench() {
  const clock = virtualClock();
  const gateway = createGateway({ name: "edge" }, { clock });
  const changes: Change[] = [];
  gateway.on("health:change", (change) => changes.push(change));
  const told = (): string[] =>
    changes
      .splice(0)
      .map(({ subject, check, from, to, reasons }) =>
        [check ?? subject, from, to, ...reasons].join(" "),
      );
  return { clock, gateway, health: gateway.health, told };
}

/** A function that the test answers by hand, and how often it was called. */
function byHand() {
  const runs: { settle(value?: unknown): void; fail(error: unknown): void; signal: AbortSignal }[] =
    [];
  const fn = (signal: AbortSignal): Promise<unknown> =>
    new Promise((resolve, reject) => runs.push({ settle: resolve, fail: reject, signal }));
  return { fn, runs };
}

describe("a process without checks", () => {
  it("lives and is ready from the start", async () => {
    const { health } = bench();
    expect(health).toMatchObject({ live: true, ready: true });
    expect(await health.report()).toMatchObject({ status: "pass", reasons: [], checks: [] });
  });

  it("is not ready while anything holds it, and says what", async () => {
    const { health, told } = bench();
    const first = health.hold("loading the catalogue");
    const second = health.hold("joining the cluster");
    expect(await health.report()).toMatchObject({
      status: "fail",
      live: true,
      ready: false,
      reasons: ["starting"],
      holds: ["loading the catalogue", "joining the cluster"],
    });
    first();
    first();
    expect(health.ready).toBe(false);
    second();
    expect(health.ready).toBe(true);
    expect(told()).toEqual(["readiness pass fail starting", "readiness fail pass"]);
  });

  it("is not ready from the first moment of a drain, and lives all the same", async () => {
    const { gateway, health, told } = bench();
    const drained = gateway.drain();
    expect(told()).toEqual(["readiness pass fail draining"]);
    expect(health).toMatchObject({ live: true, ready: false });
    await drained;
    gateway.close();
    expect(await health.report()).toMatchObject({ reasons: ["closed"], live: true });
    expect(told()).toEqual([]);
  });

  it("stays ready in maintenance, which is worth a look", async () => {
    const { gateway, health } = bench();
    gateway.startMaintenance();
    expect(await health.report()).toMatchObject({ status: "warn", ready: true });
    gateway.endMaintenance();
    expect(await health.report()).toMatchObject({ status: "pass" });
  });

  it("lives no longer once it said that it cannot recover, and takes nothing back", async () => {
    const { health, told } = bench();
    health.fatal("the worker is gone");
    health.fatal("and something else");
    expect(await health.report()).toMatchObject({
      status: "fail",
      live: false,
      ready: false,
      fatal: "the worker is gone",
    });
    expect(told()).toEqual(["liveness pass fail fatal", "readiness pass fail fatal"]);
  });
});

describe("a check that runs when it is asked", () => {
  it("runs once for all who ask at the same time, or shortly after", async () => {
    const { clock, health } = bench();
    const { fn, runs } = byHand();
    health.addCheck("database", fn);
    const asked = [health.report(), health.report(), health.report()];
    await clock.runTurns(1);
    expect(runs).toHaveLength(1);
    runs[0]?.settle();
    for (const report of asked) expect((await report).checks[0]?.status).toBe("pass");
    await clock.advance(HEALTH.cacheMs - 1);
    await health.report();
    expect(runs).toHaveLength(1);
    await clock.advance(1);
    void health.report();
    expect(runs).toHaveLength(2);
  });

  it("is not asked by who wants the critical ones, or what is known", async () => {
    const { health } = bench();
    const { fn, runs } = byHand();
    health.addCheck("database", fn);
    await health.report({ checks: "critical" });
    await health.report({ checks: "none" });
    expect(runs).toHaveLength(0);
  });

  it("fails in time when it hangs, aborts its signal, and may be asked again", async () => {
    const { clock, health } = bench();
    const { fn, runs } = byHand();
    health.addCheck("database", fn, { timeoutMs: 300, cacheMs: 0 });
    const report = health.report();
    await clock.advance(300);
    await clock.runTurns(2);
    expect((await report).checks[0]).toMatchObject({
      status: "fail",
      output: "no result within 300 ms",
      durationMs: 300,
    });
    expect(runs[0]?.signal.aborted).toBe(true);
    const again = health.report();
    runs[1]?.settle();
    expect((await again).checks[0]?.status).toBe("pass");
    // What comes too late says nothing.
    runs[0]?.fail(new Error("late"));
    await clock.runTurns(1);
    expect((await health.report({ checks: "none" })).checks[0]?.status).toBe("pass");
    expect(clock.pending()).toBe(0);
  });

  it("is not run again while too many of its runs hang, until one of them ends", async () => {
    const { clock, health } = bench();
    const { fn, runs } = byHand();
    health.addCheck("database", fn, { timeoutMs: 100, cacheMs: 0 });
    const ask = async () => {
      const report = health.report();
      await clock.advance(100);
      await clock.runTurns(2);
      return (await report).checks[0]?.output;
    };
    for (let run = 0; run < HEALTH.hungRunsMax; run += 1) {
      expect(await ask()).toBe("no result within 100 ms");
    }
    expect(await ask()).toBe("3 earlier runs of the check have not ended yet");
    expect(runs).toHaveLength(HEALTH.hungRunsMax);
    runs[0]?.settle();
    await clock.runTurns(1);
    expect(await ask()).toBe("no result within 100 ms");
    expect(runs).toHaveLength(HEALTH.hungRunsMax + 1);
  });

  it("is not blamed for an event loop of ours that was blocked", async () => {
    const { clock, health } = bench();
    const { fn, runs } = byHand();
    health.addCheck("database", fn, { timeoutMs: 100 });
    const report = health.report();
    clock.stall(5_000);
    // The timer is due, but what the check waits for is read before it gives up.
    const moved = clock.advance(0);
    runs[0]?.settle();
    await moved;
    await clock.runTurns(2);
    expect((await report).checks[0]?.status).toBe("pass");
  });

  const returned: readonly (readonly [() => unknown, HealthStatus, string | null])[] = [
    [() => undefined, "pass", null],
    [() => "PONG", "pass", null],
    [() => ({ rows: [] }), "pass", null],
    [() => true, "pass", null],
    [() => false, "fail", "the check returned false"],
    [() => ({ status: "warn", output: "slow" }), "warn", "slow"],
    [() => ({ status: "UP" }), "pass", null],
    [() => ({ status: "down" }), "fail", null],
    [
      () => ({ status: "fine" }),
      "fail",
      'the check returned status "fine", not "pass", "warn" or "fail"',
    ],
    [() => new Response("gone", { status: 503 }), "fail", "the check was answered with status 503"],
    [() => new Response("fine"), "pass", null],
    [() => Promise.reject(new Error("no route")), "fail", "no route"],
    [() => Promise.reject(new AggregateError([], "")), "fail", "AggregateError"],
    [() => Promise.reject(undefined), "fail", "the check threw undefined"],
    [
      () => {
        throw Object.assign(new Error(""), { code: "ECONNREFUSED" });
      },
      "fail",
      "ECONNREFUSED",
    ],
    [() => Promise.reject(new Error("x".repeat(5_000))), "fail", `${"x".repeat(299)}…`],
  ];

  it.each(returned)("understands what it returns or throws: %s", async (fn, status, output) => {
    const { health } = bench();
    health.addCheck("one", fn);
    expect((await health.report()).checks[0]).toMatchObject({ status, output });
  });

  it("keeps what was measured", async () => {
    const { health } = bench();
    health.addCheck("disk:free", () => ({ status: "pass", observedValue: 12, observedUnit: "GB" }));
    health.addCheck("odd", () => ({ status: "pass", observedValue: Number.NaN }));
    const report = await health.report();
    expect(report.checks[0]).toMatchObject({ observedValue: 12, observedUnit: "GB" });
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("is one of several that run side by side, so the slowest decides", async () => {
    const { clock, health } = bench();
    const hands = [byHand(), byHand()];
    for (const [index, { fn }] of hands.entries()) health.addCheck(`check ${index}`, fn);
    const report = health.report();
    await clock.runTurns(1);
    expect(hands.map(({ runs }) => runs.length)).toEqual([1, 1]);
    await clock.advance(HEALTH.checkMs);
    await clock.runTurns(2);
    expect((await report).checks.map(({ status }) => status)).toEqual(["fail", "fail"]);
  });
});

describe("a check that runs in the background", () => {
  it("runs an interval after its end, tells changes unasked, and no probe runs it", async () => {
    const { clock, health, told } = bench();
    const { fn, runs } = byHand();
    health.addCheck("queue", fn, { intervalMs: 5_000, timeoutMs: 60_000 });
    expect(runs).toHaveLength(1);
    await clock.advance(20_000);
    expect(runs).toHaveLength(1);
    runs[0]?.settle();
    await clock.advance(5_000);
    expect(runs).toHaveLength(2);
    runs[1]?.fail(new Error("full"));
    await clock.advance(0);
    await clock.runTurns(1);
    expect(told()).toEqual(["queue  pass", "queue pass fail"]);
    for (let probe = 0; probe < 5; probe += 1) {
      expect((await health.report()).checks[0]).toMatchObject({ status: "fail", output: "full" });
    }
    expect(runs).toHaveLength(2);
    await clock.advance(5_000);
    runs[2]?.settle();
    await clock.runTurns(1);
    expect(told()).toEqual(["queue fail pass"]);
  });

  it("makes a probe wait for its first result only", async () => {
    const { clock, health } = bench();
    const { fn, runs } = byHand();
    health.addCheck("queue", fn, { intervalMs: 5_000 });
    let known = false;
    const report = health.report().then((one) => {
      known = true;
      return one;
    });
    await clock.runTurns(2);
    expect(known).toBe(false);
    runs[0]?.settle();
    expect((await report).checks[0]?.status).toBe("pass");
  });

  it("leaves nothing behind when it is removed, and when the gateway is closed", async () => {
    const { clock, gateway, health, told } = bench();
    const hands = [byHand(), byHand()] as const;
    const remove = health.addCheck("one", hands[0].fn, { intervalMs: 1_000 });
    health.addCheck("two", hands[1].fn, { intervalMs: 1_000 });
    hands[0].runs[0]?.settle();
    await clock.runTurns(1);
    remove();
    remove();
    expect((await health.report({ checks: "none" })).checks).toHaveLength(1);
    gateway.close();
    await clock.runTurns(2);
    expect(hands[1].runs[0]?.signal.aborted).toBe(true);
    expect(clock.pending()).toBe(0);
    expect(told()).toEqual(["one  pass", "readiness pass fail closed"]);
    health.addCheck("one", () => true);
  });
});

describe("readiness", () => {
  it("follows critical checks, and others are worth a look", async () => {
    const { health, told } = bench();
    let down = true;
    const fn = () => !down;
    health.addCheck("mail", fn, { cacheMs: 0 });
    expect(await health.report()).toMatchObject({ status: "warn", ready: true });
    health.addCheck("database", fn, { critical: true, cacheMs: 0 });
    expect(await health.report()).toMatchObject({
      status: "fail",
      ready: false,
      reasons: ["check"],
    });
    down = false;
    expect(await health.report()).toMatchObject({ status: "pass", ready: true });
    expect(told()).toEqual([
      "mail  fail",
      "database  fail",
      "readiness pass fail check",
      "mail fail pass",
      "database fail pass",
      "readiness fail pass",
    ]);
  });

  it("does not fail for a warning of a critical check", async () => {
    const { health } = bench();
    health.addCheck("disk", () => ({ status: "warn" }), { critical: true });
    expect(await health.report()).toMatchObject({ status: "warn", ready: true });
  });

  it("is asked for, and so probes begin before the first call", async () => {
    const targets = `http://127.0.0.1:${await refusingPort()}`;
    const gateway = createGateway({
      upstreams: {
        orders: { targets, required: true, probe: { path: "/", intervalMs: 1_000 } },
      },
      onWarning: () => {},
    });
    const probed = new Promise((resolve) => gateway.once("probe:end", resolve));
    await gateway.health.report();
    expect(await probed).toMatchObject({ upstream: "orders", passed: false });
    gateway.close();
  });

  it("waits for the first result of a critical check that runs by itself", async () => {
    const { clock, health, told } = bench();
    const { fn, runs } = byHand();
    health.addCheck("database", fn, { critical: true, intervalMs: 1_000 });
    expect(health.ready).toBe(false);
    runs[0]?.settle();
    await clock.runTurns(1);
    expect(health.ready).toBe(true);
    expect(told()).toEqual([
      "readiness pass fail starting",
      "database  pass",
      "readiness fail pass",
    ]);
  });

  it("comes back when the check that failed is removed", async () => {
    const { health } = bench();
    const remove = health.addCheck("database", () => false, { critical: true });
    await health.report();
    expect(health.ready).toBe(false);
    remove();
    expect(health.ready).toBe(true);
  });

  it("follows a required upstream, without being asked", async () => {
    const targets = `http://127.0.0.1:${await refusingPort()}`;
    const gateway = createGateway({
      upstreams: {
        orders: { targets, retry: false, required: true },
        search: { targets, retry: false },
      },
    });
    const told: string[] = [];
    gateway.on("health:change", ({ to, reasons }) => told.push([to, ...reasons].join(" ")));
    const breakerOf = async (name: "orders" | "search") => {
      for (let call = 0; call < BREAKER.consecutiveFailures; call += 1) {
        await gateway.upstream(name).send({ path: "/" });
      }
    };
    await breakerOf("search");
    expect(await gateway.health.report()).toMatchObject({ status: "warn", ready: true });
    await breakerOf("orders");
    expect(told).toEqual(["fail upstream"]);
    expect(gateway.health).toMatchObject({ live: true, ready: false });
    expect(gateway.snapshot().health).toMatchObject({ status: "fail", reasons: ["upstream"] });
    gateway.close();
  });
});

describe("a check that cannot be meant", () => {
  const fn = (): boolean => true;

  function problemsOf(...given: readonly unknown[]): readonly string[] {
    const { health } = bench();
    health.addCheck("taken", fn);
    try {
      (health.addCheck as (...all: readonly unknown[]) => unknown)(...given);
    } catch (error) {
      if (isGatewayOptionsError(error)) return error.problems;
      throw error;
    }
    return [];
  }

  const of = (options: unknown) => problemsOf("db", fn, options);

  it.each([
    [["", fn], 'addCheck(""): name: "" is not a name; write what is checked, like "database"'],
    [[7, fn], 'addCheck: name: 7 is not a name; write what is checked, like "database"'],
    [
      ["taken", fn],
      'addCheck("taken"): name: there is a check called "taken" already; a check that is to be ' +
        "replaced is removed first, by what addCheck returned",
    ],
    [
      ["gateway:mine", fn],
      'addCheck("gateway:mine"): name: "gateway" is what the gateway calls its own entries',
    ],
    [
      ["a:b:c", fn],
      'addCheck("a:b:c"): name: "a:b:c" has several colons; at most one, ' +
        'as in "database:responseTime"',
    ],
    [
      ["db", "SELECT 1"],
      'addCheck("db"): fn: "SELECT 1" is not a function; write a function that throws, or ' +
        "returns false, when something is wrong",
    ],
    [["db", fn, 5], 'addCheck("db"): options: 5 is not an object such as { critical: true }'],
  ])("is told what is wrong with %j", (given, problem) => {
    expect(problemsOf(...given)).toEqual([problem]);
  });

  it.each([
    [{ timeout: 5 }, 'timeout: unknown option; did you mean "timeoutMs"?'],
    [{ size: 5 }, "size: unknown option; there are timeoutMs, intervalMs, critical and cacheMs"],
    [
      { timeoutMs: "2s" },
      'timeoutMs: "2s" is not a finite number of milliseconds above 0; did you mean 2_000?',
    ],
    [
      { timeoutMs: Infinity },
      "timeoutMs: Infinity is not a finite number of milliseconds above 0; " +
        "a probe must get an answer; write how long it may wait",
    ],
    [
      { intervalMs: 0 },
      "intervalMs: 0 is not a finite number of milliseconds above 0; " +
        "leave it out to run the check when a probe asks",
    ],
    [{ cacheMs: -1 }, "cacheMs: -1 is not a finite number of milliseconds of at least 0"],
    [
      { intervalMs: 50, cacheMs: 5 },
      "cacheMs: has no meaning beside intervalMs, whose latest result serves every probe",
    ],
    [{ critical: "true" }, 'critical: "true" is not true or false; did you mean true?'],
  ])("is told which option is wrong: %j", (options, problem) => {
    expect(of(options)).toEqual([`addCheck("db"): ${problem}`]);
  });

  it("is told everything at once, and adds nothing", () => {
    expect(of({ timeoutMs: -1, criticl: true })).toHaveLength(2);
    const { health } = bench();
    const options = { criticl: true } as CheckOptions;
    expect(() => health.addCheck("db", fn, options)).toThrow('did you mean "critical"?');
    health.addCheck("db", fn);
  });
});
