/** Process managers by the environment that they set: what is known of each, what each is told. */
import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { listenFds } from "../../../../../src/server/shutdown/managers/listen-fds.js";
import type { Environment } from "../../../../../src/server/shutdown/managers/manager.js";
import type { MessageChannel } from "../../../../../src/server/shutdown/managers/pm2.js";
import {
  detectManagers,
  managerWarnings,
} from "../../../../../src/server/shutdown/process-managers.js";
import { readShutdownOptions } from "../../../../../src/server/shutdown/shutdown-options.js";
import { virtualClock } from "../../../../../src/testing/virtual-clock.js";

class Channel extends EventEmitter implements MessageChannel {
  connected = true;
  readonly sent: unknown[] = [];
  send(message: unknown): void {
    this.sent.push(message);
  }
  disconnect(): void {
    this.connected = false;
  }
}

function world(env: Environment) {
  const clock = virtualClock();
  const channel = new Channel();
  const told: string[] = [];
  const notifySystemd = (message: string): number => told.push(`${clock.now()} ${message}`);
  const managers = detectManagers({ env, pid: 7, channel, clock, notifySystemd });
  return { clock, channel, told, managers, first: managers[0] };
}

const plan = (lameDuckMs: number, drainTimeoutMs: number) =>
  readShutdownOptions({ lameDuckMs, drainTimeoutMs }, { killMs: Infinity, lameDuckMs: 0 });

describe("process managers", () => {
  it("are none where the environment tells of none", () => {
    expect(world({ PATH: "/bin", INVOCATION_ID: "a0" }).managers).toEqual([]);
  });

  it.each([
    ["PM2", { pm_id: "0" }, 1_600],
    ["PM2", { pm_id: "0", kill_timeout: "5000" }, 5_000],
    ["supervisord", { SUPERVISOR_ENABLED: "1" }, 10_000],
    ["Kubernetes", { KUBERNETES_SERVICE_HOST: "10.0.0.1" }, 30_000],
    ["systemd", { SYSTEMD_EXEC_PID: "7" }, 90_000],
    ["systemd", { NOTIFY_SOCKET: "/run/systemd/notify" }, Infinity],
  ])("%s is known by %j, and kills after %d ms", (name, env, killMs) => {
    expect(world(env).managers).toMatchObject([{ name, killMs }]);
  });

  it("tell of a shutdown that is longer than they wait, and how to change that", () => {
    const { managers } = world({ pm_id: "0", KUBERNETES_SERVICE_HOST: "10.0.0.1" });
    expect(managerWarnings(managers, plan(0, 1_350))).toEqual([]);
    expect(managerWarnings(managers, plan(1_000, 4_000))).toEqual([
      "a shutdown may take 5250 ms (lameDuckMs + drainTimeoutMs + a margin), but " +
        "PM2 kills after 1600 ms; raise kill_timeout, or lower drainTimeoutMs",
    ]);
    expect(managerWarnings(managers, plan(10_000, 20_000))).toHaveLength(2);
  });

  it("tell of npm between supervisord and Node", () => {
    const { managers } = world({ SUPERVISOR_ENABLED: "1", npm_lifecycle_event: "start" });
    expect(managerWarnings(managers, plan(0, 0))[0]).toContain("stopasgroup=true");
  });
});

describe("PM2", () => {
  it("is told ready, and its message shutdown is an order", () => {
    const { channel, first } = world({ pm_id: "0" });
    first?.ready();
    expect(channel.sent).toEqual(["ready"]);
    const orders: string[] = [];
    const stop = first?.listen((reason) => orders.push(reason));
    channel.emit("message", { topic: "else" });
    channel.emit("message", "shutdown");
    stop?.();
    channel.emit("message", "shutdown");
    expect(orders).toEqual(["message"]);
    expect(channel.listenerCount("message")).toBe(0);
  });

  it("is left at the end, since the channel keeps the process alive", () => {
    const { channel, first } = world({ pm_id: "0" });
    first?.leave();
    expect(channel.connected).toBe(false);
  });
});

describe("systemd", () => {
  const NOTIFY = { NOTIFY_SOCKET: "@notify" };

  it("is told each step once, and for how long the stop may last", () => {
    const { told, first } = world(NOTIFY);
    first?.ready();
    first?.progress("lame_duck", 3, 30_250);
    first?.progress("lame_duck", 2, 30_250);
    first?.progress("draining", 1, 30_250);
    first?.progress("closed", 0, 30_250);
    expect(told).toEqual([
      "0 READY=1\nSTATUS=Serving",
      "0 STOPPING=1\nSTATUS=Stopping, still serving, 3 under way\nEXTEND_TIMEOUT_USEC=30250000",
      "0 STATUS=Draining, 1 under way",
      "0 STATUS=Drained",
    ]);
  });

  it("has its watchdog fed at half of its time, until the process is drained", async () => {
    const { told, first, clock } = world({
      ...NOTIFY,
      WATCHDOG_USEC: "4000000",
      WATCHDOG_PID: "7",
    });
    first?.ready();
    await clock.advance(6_100);
    first?.progress("closed", 0, 0);
    await clock.advance(6_000);
    const fed = told.filter((one) => one.endsWith("WATCHDOG=1"));
    expect(fed).toEqual(["0 WATCHDOG=1", "2000 WATCHDOG=1", "4000 WATCHDOG=1", "6000 WATCHDOG=1"]);
    expect(clock.pending()).toBe(0);
  });

  it("does not have it fed after a stall of the event loop, but again after that", async () => {
    const { told, first, clock } = world({ ...NOTIFY, WATCHDOG_USEC: "4000000" });
    first?.ready();
    await clock.advance(1_000);
    clock.stall(1_500);
    await clock.advance(10);
    await clock.advance(1_990);
    expect(told.filter((one) => one.endsWith("WATCHDOG=1"))).toEqual(["0 WATCHDOG=1"]);
    await clock.advance(2_000);
    expect(told.filter((one) => one.endsWith("WATCHDOG=1"))).toHaveLength(2);
  });

  it("has none to be fed when it means another process", () => {
    const { told, first } = world({ ...NOTIFY, WATCHDOG_USEC: "4000000", WATCHDOG_PID: "8" });
    first?.ready();
    expect(told).toEqual(["0 READY=1\nSTATUS=Serving"]);
  });
});

describe("socket activation", () => {
  const own = String(process.pid);

  it("gives the sockets that were handed to this process, with their names", () => {
    const env = { LISTEN_PID: own, LISTEN_FDS: "3", LISTEN_FDNAMES: "http::admin" };
    expect(listenFds(env)).toEqual([
      { fd: 3, name: "http" },
      { fd: 4, name: "unknown" },
      { fd: 5, name: "admin" },
    ]);
  });

  it.each([
    [{}],
    [{ LISTEN_PID: "1", LISTEN_FDS: "1" }],
    [{ LISTEN_PID: own, LISTEN_FDS: "many" }],
    [{ LISTEN_PID: own }],
  ])("gives none for %j", (env) => {
    expect(listenFds(env)).toEqual([]);
  });
});
