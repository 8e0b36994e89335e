/** The order and the bounds of a shutdown, on a virtual clock with servers that the test plays. */
import { describe, expect, it } from "vitest";
import { Call } from "../../../../src/core/call.js";
import type { GatewayRequest } from "../../../../src/core/request.js";
import { createLifecycle } from "../../../../src/lifecycle/lifecycle.js";
import {
  readShutdownOptions,
  type ShutdownOptions,
} from "../../../../src/server/shutdown/shutdown-options.js";
import { shutdownRun } from "../../../../src/server/shutdown/shutdown-run.js";
import type { ServerDrain } from "../../../../src/server/shutdown/shutdown-server.js";
import { newTally } from "../../../../src/server/shutdown/shutdown-tally.js";
import { virtualClock } from "../../../../src/testing/virtual-clock.js";

const PLAN = { lameDuckMs: 2_000, drainTimeoutMs: 5_000, signals: false } as const;

function world(options: ShutdownOptions = PLAN) {
  const clock = virtualClock();
  const log: string[] = [];
  const note = (what: string): void => void log.push(`${clock.now()} ${what}`);
  const lifecycle = createLifecycle(clock, ({ to }) => note(to));
  const server = { open: 0, busy: 0 };
  const drain: ServerDrain = {
    get open() {
      return server.open;
    },
    get busy() {
      return server.busy;
    },
    begin: () => note("count"),
    async stopAccepting() {
      note("stop accepting");
    },
    closeAfterAnswers: () => note("close after answers"),
    sweep: () => {},
    destroy() {
      note("destroy");
      server.open = 0;
    },
    release: () => {},
  };
  const plan = readShutdownOptions(options, { killMs: Infinity, lameDuckMs: 0 });
  const tally = newTally();
  const progress = (): void => {};
  const run = shutdownRun({ clock, lifecycle, servers: [drain], plan, tally, progress });
  return { clock, log, lifecycle, server, run };
}

const newCall = (): Call => new Call({} as GatewayRequest, 0, "id", null);

describe("a shutdown", () => {
  it("keeps its order: not ready, no new connections, closing the old, hard stop", async () => {
    const { clock, log, server, run } = world();
    server.open = 1;
    const report = run.run("SIGTERM");
    await clock.advance(10_000);
    expect(await report).toMatchObject({ reason: "SIGTERM", durationMs: 6_750, forced: false });
    expect(log).toEqual([
      "0 count",
      "0 lame_duck",
      "2000 draining",
      "2000 stop accepting",
      "2000 close after answers",
      "6750 destroy",
      "6750 closed",
    ]);
    expect(clock.pending()).toBe(0);
  });

  it("is over as soon as nothing is left", async () => {
    const { clock, server, run } = world();
    server.open = 1;
    const report = run.run("SIGTERM");
    clock.after(2_500, () => {
      server.open = 0;
    });
    await clock.advance(3_000);
    expect((await report).durationMs).toBe(2_500);
    expect(clock.pending()).toBe(0);
  });

  it("lets calls in while connections are open, but no longer after the time is over", async () => {
    const { clock, server, lifecycle, run } = world();
    server.open = 1;
    const report = run.run("SIGTERM");
    const seen: string[] = [];
    for (const at of [1_000, 3_000, 6_700]) {
      clock.after(at, () => seen.push(`${lifecycle.state} ${lifecycle.admits}`));
    }
    await clock.advance(10_000);
    await report;
    expect(seen).toEqual(["lame_duck true", "draining true", "draining true"]);
    expect(lifecycle.admits).toBe(false);
  });

  it("cuts calls by name, and waits for their last words", async () => {
    const { clock, log, lifecycle, run } = world();
    const calls = [newCall(), newCall()];
    for (const call of calls) lifecycle.begin(call);
    const report = run.run("SIGTERM");
    clock.after(3_000, () => lifecycle.end(calls[0] as Call));
    calls[1]?.cancellation.add((by) => {
      log.push(`${clock.now()} cut by ${by}`);
      clock.after(100, () => lifecycle.end(calls[1] as Call));
    });
    await clock.advance(10_000);
    expect((await report).calls).toEqual({ finished: 1, cut: 1 });
    expect(log.slice(-3)).toEqual(["6750 cut by shutdown", "6850 destroy", "6850 closed"]);
  });

  it("never lasts longer than it may, whoever does not end", async () => {
    const { clock, server, lifecycle, run } = world();
    server.open = 3;
    lifecycle.begin(newCall());
    const report = run.run("SIGTERM");
    await clock.advance(10_000);
    expect((await report).durationMs).toBe(7_000);
  });

  it.each([500, 3_000])("goes to the hard stop when forced after %i ms", async (at) => {
    const { clock, server, run } = world();
    server.open = 1;
    const report = run.run("SIGTERM");
    clock.after(at, () => run.force());
    await clock.advance(10_000);
    expect(await report).toMatchObject({ durationMs: at, forced: true });
    expect(clock.pending()).toBe(0);
  });
});

describe("the options of a shutdown", () => {
  const NO_LIMIT = { killMs: Infinity, lameDuckMs: 0 };
  const read = (options: object, limit = NO_LIMIT) =>
    readShutdownOptions(options as ShutdownOptions, limit);

  it("fit what was not given into what the process manager allows", () => {
    expect(read({}, { killMs: 1_600, lameDuckMs: 0 })).toMatchObject({
      lameDuckMs: 0,
      drainTimeoutMs: 1_350,
      idleCloseMs: 337.5,
      upgradeTimeoutMs: 1_350,
    });
    expect(read({}, { killMs: 30_000, lameDuckMs: 5_000 })).toMatchObject({
      lameDuckMs: 5_000,
      drainTimeoutMs: 10_000,
    });
  });

  it("keep what was given", () => {
    expect(
      read({ lameDuckMs: 5_000, drainTimeoutMs: 25_000 }, { killMs: 1_600, lameDuckMs: 0 }),
    ).toMatchObject({ lameDuckMs: 5_000, drainTimeoutMs: 25_000 });
  });

  it.each([
    [{ drainTimeout: 1 }, "did you mean drainTimeoutMs?"],
    [{ lameDuckMs: "5s" }, "lameDuckMs is not a number of milliseconds"],
    [{ drainTimeoutMs: -1 }, "drainTimeoutMs is not a number of milliseconds"],
    [{ idleCloseMs: Number.NaN }, "idleCloseMs is not a number of milliseconds"],
    [{ signals: ["SIGKILL"] }, "SIGKILL is no signal that a process can catch"],
    [{ newConnections: "reset" }, 'neither "refuse" nor "answer"'],
    [{ onDrained: true }, "onDrained is not a function"],
  ])("%j throws and says what is wrong", (options, text) => {
    expect(() => read(options)).toThrow(text);
  });
});
