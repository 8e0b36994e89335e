/**
 * `installShutdown`: ends a process without losing a request, when a signal or a message asks for
 * it, or by call.
 *
 * Guarantee: it never ends the process itself, and replaces or removes no listener of other code.
 * When it is done, nothing of it is left that would keep the process from ending by itself.
 */
import cluster from "node:cluster";
import type { Server as HttpServer } from "node:http";
import { Server as NetServer } from "node:net";
import { RETRY_AFTER, SHUTDOWN } from "../../catalog/defaults.js";
import { GatewayError } from "../../core/failure.js";
import type { GatewayCore } from "../../gateway/core.js";
import { type Gateway, gatewayCore } from "../../gateway/gateway-handle.js";
import type { ShutdownPhase, ShutdownReport } from "../../records/shutdown-report.js";
import { writeSynthetic } from "../../wire/write-response.js";
import { prepareServerOf } from "../behind/behind-server.js";
import { routeFailureAnswer } from "../route-failure.js";
import type { ProcessManager } from "./managers/manager.js";
import { systemdNotify } from "./managers/systemd-notify.js";
import { detectManagers, managerWarnings } from "./process-managers.js";
import {
  type FastifyLike,
  type KillLimit,
  longestMs,
  readShutdownOptions,
  type ShutdownOptions,
  type ShutdownPlan,
  type ShutdownServer,
} from "./shutdown-options.js";
import { listenForOrders } from "./shutdown-orders.js";
import { whenReady } from "./shutdown-ready.js";
import { type ShutdownRun, shutdownRun } from "./shutdown-run.js";
import { drainServer, type Refuse, type ServerDrain } from "./shutdown-server.js";
import { newTally } from "./shutdown-tally.js";

/** A shutdown that is ready to begin. */
export interface Shutdown {
  readonly phase: ShutdownPhase;
  /** Begins, unless it has begun; all callers get the same report. Never rejects. */
  shutdown(reason?: string): Promise<ShutdownReport>;
  /** Ends a shutdown that is under way at once, as a second signal does. */
  force(): void;
  /** Takes back everything that was installed; not while a shutdown is under way. */
  uninstall(): void;
}

const INSTALLED = new WeakSet<NetServer>();

/**
 * Shuts down in order: readiness fails, the listening sockets close, every answer closes its
 * connection, what is at rest is closed, and what has had its time is cut. Speaks with the process
 * manager meanwhile.
 */
export function installShutdown(
  server: ShutdownServer | readonly ShutdownServer[],
  gateway: Gateway,
  options: ShutdownOptions = {},
): Shutdown {
  const core = gatewayCore(gateway);
  const given: readonly ShutdownServer[] = Array.isArray(server) ? server : [server];
  const listening = given.map(netServerOf);
  const managers = options.processManagers === false ? [] : managersOf(core, options);
  const plan = readShutdownOptions(options, limitOf(managers));
  for (const one of listening) installOnce(one);
  if (core.behind !== null) prepareServers(core, listening);
  for (const warning of managerWarnings(managers, plan)) core.warn(`installShutdown: ${warning}`);
  const { run, drains } = prepare(core, listening, managers, plan);
  let running: Promise<ShutdownReport> | null = null;

  const shutdown = (reason: string): Promise<ShutdownReport> => {
    running ??= run.run(reason).then(async (report) => {
      await finish(core, gateway, given, plan, report);
      release();
      for (const manager of managers) manager.leave();
      leaveCluster();
      return report;
    });
    return running;
  };
  const ignoreOrders = listenForOrders(core.clock, plan.signals, managers, {
    begin: (reason) => void shutdown(reason),
    force: run.force,
  });
  const notifyReady = (): void => {
    for (const manager of managers) manager.ready();
  };
  const stopWaiting = whenReady(core.clock, {
    servers: listening,
    first: options.ready,
    isStarting: () => core.health.now().reasons.includes("starting"),
    notify: notifyReady,
    failed: (error) =>
      core.warn(`installShutdown: no manager is notified "ready": ${String(error)}`),
  });
  const release = (): void => {
    ignoreOrders();
    stopWaiting();
    for (const drain of drains) drain.release();
    for (const one of listening) INSTALLED.delete(one);
  };
  return {
    get phase() {
      return run.phase;
    },
    shutdown: (reason = "shutdown") => shutdown(reason),
    force() {
      if (running !== null) run.force();
    },
    uninstall() {
      if (running === null) release();
    },
  };
}

function netServerOf(server: ShutdownServer): NetServer {
  if (server instanceof NetServer) return server;
  const inner = (server as Partial<FastifyLike> | null | undefined)?.server;
  if (inner instanceof NetServer) return inner;
  throw new TypeError(
    "installShutdown: expected a server of node:http, node:https or node:http2, what " +
      "app.listen() of Express returns, or an instance of Fastify",
  );
}

function installOnce(server: NetServer): void {
  if (INSTALLED.has(server)) {
    throw new TypeError("installShutdown: it is installed for this server already");
  }
  INSTALLED.add(server);
}

/** What stands in front decides how long connections are kept; HTTP/2 knows no such time. */
function prepareServers(core: GatewayCore, servers: readonly NetServer[]): void {
  for (const server of servers) {
    if ("keepAliveTimeout" in server) prepareServerOf(core, server as HttpServer);
  }
}

function managersOf(core: GatewayCore, options: ShutdownOptions): readonly ProcessManager[] {
  const { env, pid } = process;
  const notifySystemd = options.notifySystemd ?? systemdNotify(core.warn);
  return detectManagers({ env, pid, channel: process, clock: core.clock, notifySystemd });
}

function limitOf(managers: readonly ProcessManager[]): KillLimit {
  return {
    killMs: Math.min(...managers.map(({ killMs }) => killMs)),
    lameDuckMs: Math.max(SHUTDOWN.lameDuckMs, ...managers.map(({ lameDuckMs }) => lameDuckMs)),
  };
}

interface Prepared {
  readonly run: ShutdownRun;
  readonly drains: readonly ServerDrain[];
}

function prepare(
  core: GatewayCore,
  servers: readonly NetServer[],
  managers: readonly ProcessManager[],
  plan: ShutdownPlan,
): Prepared {
  const { clock, random, lifecycle } = core;
  const tally = newTally();
  const parts = { clock, random, plan, tally };
  const drains = servers.map((server) => drainServer(server, parts, refusal(core)));
  const progress = (phase: ShutdownPhase, busy: number): void => {
    for (const manager of managers) manager.progress(phase, busy, longestMs(plan));
  };
  return { run: shutdownRun({ clock, lifecycle, servers: drains, plan, tally, progress }), drains };
}

function refusal(core: GatewayCore): Refuse {
  const failure = { code: "draining", retryAfterMs: RETRY_AFTER.fallbackMs } as const;
  return (req, res) => {
    res.shouldKeepAlive = false;
    const error = new GatewayError("shutting down", failure, 0);
    writeSynthetic(req.method, res, routeFailureAnswer(core, req, error, "code"));
    req.resume();
  };
}

/** What comes after the last connection: the gateway's own, Fastify's hooks, the application's. */
async function finish(
  core: GatewayCore,
  gateway: Gateway,
  given: readonly ShutdownServer[],
  { onDrained }: ShutdownPlan,
  report: ShutdownReport,
): Promise<void> {
  gateway.close();
  const tried = async (what: string, work: () => unknown): Promise<void> => {
    try {
      await work();
    } catch (error) {
      core.warn(`installShutdown: ${what} failed: ${String(error)}`);
    }
  };
  for (const one of given) {
    if (!(one instanceof NetServer)) await tried("close() of Fastify", () => one.close());
  }
  // Before the application's own turn, which may be to send its metrics for the last time.
  if (core.events.has("shutdown:end")) core.events.emit("shutdown:end", { report });
  if (onDrained !== null) await tried("onDrained", () => onDrained(report));
}

/** The channel to the primary keeps a worker alive. */
function leaveCluster(): void {
  if (cluster.isWorker && cluster.worker?.isConnected() === true) cluster.worker.disconnect();
}
