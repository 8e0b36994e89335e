/**
 * `installShutdown`: ends a process without losing a request, when a signal or a message asks for
 * it, or by call.
 *
 * Guarantee: it never ends the process itself, and replaces or removes no listener of anybody. When
 * it is done, nothing of it is left that would keep the process from ending by itself.
 */
import cluster from "node:cluster";
import { Server as NetServer } from "node:net";
import { RETRY_AFTER, SHUTDOWN } from "../catalog/defaults.js";
import { GatewayError } from "../core/failure.js";
import { writeFailure } from "../wire/write-failure.js";
import type { GatewayCore } from "./core.js";
import { type Gateway, gatewayCore } from "./gateway.js";
import { routeFailureMessage } from "./route-failure.js";
import {
  type FastifyLike,
  readShutdownOptions,
  type ShutdownOptions,
  type ShutdownPlan,
  type ShutdownServer,
} from "./shutdown-options.js";
import type { ShutdownPhase, ShutdownReport } from "./shutdown-report.js";
import { shutdownRun } from "./shutdown-run.js";
import { drainServer, type Refuse } from "./shutdown-server.js";
import { newTally } from "./shutdown-tally.js";

/** A shutdown that is ready to begin. */
export interface Shutdown {
  readonly phase: ShutdownPhase;
  /** Begins, if nobody else has; everybody gets the same report. Never rejects. */
  shutdown(reason?: string): Promise<ShutdownReport>;
  /** Ends a shutdown that is under way at once, as a second signal does. */
  force(): void;
  /** Takes back everything that was installed; not while a shutdown is under way. */
  uninstall(): void;
}

const INSTALLED = new WeakSet<NetServer>();

/**
 * Shuts down in order: readiness fails, the listening sockets close, every answer closes its
 * connection, what is at rest is closed, and what has had its time is cut.
 */
export function installShutdown(
  server: ShutdownServer | readonly ShutdownServer[],
  gateway: Gateway,
  options: ShutdownOptions = {},
): Shutdown {
  const core = gatewayCore(gateway);
  const plan = readShutdownOptions(options, { killMs: Infinity, lameDuckMs: SHUTDOWN.lameDuckMs });
  const given: readonly ShutdownServer[] = Array.isArray(server) ? server : [server];
  const listening = given.map(netServerOf);
  for (const one of listening) installOnce(one);
  const tally = newTally();
  const drains = listening.map((one) =>
    drainServer(one, { clock: core.clock, random: core.random, plan, tally }, refusal(core)),
  );
  const run = shutdownRun({
    clock: core.clock,
    lifecycle: core.lifecycle,
    servers: drains,
    plan,
    tally,
    progress: () => {},
  });
  let running: Promise<ShutdownReport> | null = null;

  const begin = async (reason: string): Promise<ShutdownReport> => {
    const report = await run.run(reason);
    await finish(core, gateway, given, plan, report);
    release();
    leaveCluster();
    return report;
  };
  const shutdown = (reason: string): Promise<ShutdownReport> => {
    running ??= begin(reason);
    return running;
  };
  const ignore = listenForOrders(core, plan, (reason) => void shutdown(reason), run.force);
  const release = (): void => {
    ignore();
    for (const drain of drains) drain.release();
    for (const one of listening) INSTALLED.delete(one);
  };
  return {
    get phase() {
      return run.phase;
    },
    shutdown: (reason = "shutdown") => shutdown(reason),
    force: () => {
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

function refusal(core: GatewayCore): Refuse {
  const failure = { code: "draining", retryAfterMs: RETRY_AFTER.fallbackMs } as const;
  return (req, res) => {
    res.shouldKeepAlive = false;
    const error = new GatewayError("shutting down", failure, 0);
    writeFailure(req, res, routeFailureMessage(core, req, error, "code"));
    req.resume();
  };
}

/** Signals, and the message of process managers that cannot send one. */
function listenForOrders(
  { clock }: GatewayCore,
  { signals }: ShutdownPlan,
  begin: (reason: string) => void,
  force: () => void,
): () => void {
  let firstAt: number | null = null;
  const onOrder = (reason: string): void => {
    if (firstAt === null) {
      firstAt = clock.now();
      begin(reason);
    } else if (clock.now() - firstAt > SHUTDOWN.sameSignalMs) force();
  };
  const onSignal = (signal: NodeJS.Signals): void => onOrder(signal);
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
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
  if (onDrained !== null) await tried("onDrained", () => onDrained(report));
  if (core.events.has("shutdown:end")) core.events.emit("shutdown:end", { report });
}

/** The channel to the primary keeps a worker alive. */
function leaveCluster(): void {
  if (cluster.isWorker && cluster.worker?.isConnected() === true) cluster.worker.disconnect();
}
