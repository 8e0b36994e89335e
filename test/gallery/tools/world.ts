/**
 * A gateway between a raw client and a scripted upstream, on real sockets, and what it left behind.
 * Guarantee: `close` fails unless everything is counted back to zero: pending exchanges,
 * connections to the upstream, connections of clients.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  createGateway,
  type FailureCode,
  type Gateway,
  type GatewayOptions,
  type UpstreamOptions,
} from "good-gateway";
import { type NodeProxy, nodeProxy, type ProxyOptions } from "good-gateway/node";
import {
  type Script,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  scriptedUpstream,
} from "good-gateway/testing";
import { ask, type RawOptions, type RawRequest, type Received } from "./raw-client.js";

export interface WorldOptions {
  /** Played by an upstream of its own, again and again. */
  readonly script?: Script;
  /** One for each connection, then the last one again. */
  readonly scripts?: readonly Script[];
  readonly serve?: ScriptedUpstreamOptions;
  /** Another address than that of the scripted upstream, or the same in other words. */
  readonly targets?: (played: ScriptedUpstream | null) => UpstreamOptions["targets"];
  readonly options?: Omit<UpstreamOptions, "targets">;
  readonly proxy?: ProxyOptions;
  /** In place of chance, where that decides. */
  readonly random?: { next(): number };
  /** Requests that an upstream has read which is none of scripts. */
  readonly sent?: () => number;
  /** Called at the end. */
  readonly cleanUp?: () => Promise<void>;
}

/** One end of an exchange, as the gateway's events tell it. */
export interface AttemptEnd {
  readonly code: FailureCode | null;
  readonly status: number | null;
  readonly reused: boolean;
}

export interface World {
  readonly gateway: Gateway<"app">;
  readonly server: Server;
  readonly port: number;
  readonly played: ScriptedUpstream | null;
  /** Exchanges that ended, body included. */
  readonly attempts: readonly AttemptEnd[];
  /** What each call came to when its head was known. */
  readonly outcomes: readonly (FailureCode | null)[];
  /** Requests that the upstream has read. */
  sent(): number;
  ask(request?: RawRequest, options?: RawOptions): Promise<Received>;
  /** States of the breaker since the start, `closed` left out. */
  readonly breakerWent: readonly string[];
  close(): Promise<void>;
}

/** Short, so that a table of hundreds is fast; long enough for a loaded machine. */
export const TIMEOUTS = { connectMs: 400, responseMs: 300, idleMs: 300, totalMs: 3_000 } as const;

export async function world(options: WorldOptions): Promise<World> {
  const scripts = options.scripts ?? (options.script === undefined ? null : [options.script]);
  const played =
    scripts === null ? null : await scriptedUpstream(scripts, { loop: true, ...options.serve });
  const { random } = options;
  const settings: GatewayOptions<"app"> = {
    name: "edge",
    upstreams: {
      app: {
        breaker: false,
        ...options.options,
        targets: options.targets?.(played) ?? (played?.origin as string),
        timeouts: { ...TIMEOUTS, ...options.options?.timeouts },
      },
    },
    onWarning: () => {},
  };
  const gateway = createGateway(settings, random === undefined ? {} : { random });
  const attempts: AttemptEnd[] = [];
  const outcomes: (FailureCode | null)[] = [];
  const breakerWent: string[] = [];
  gateway.on("attempt:end", ({ attempt: { code, status, reused } }) => {
    attempts.push({ code, status, reused });
  });
  gateway.on("call:outcome", ({ failure }) => void outcomes.push(failure?.code ?? null));
  gateway.on("breaker:change", ({ to }) => void breakerWent.push(to));
  const proxy = nodeProxy(gateway.upstream("app"), options.proxy);
  const server = await serve(proxy);
  return {
    gateway,
    server,
    port: (server.address() as AddressInfo).port,
    played,
    attempts,
    outcomes,
    breakerWent,
    sent: options.sent ?? (() => played?.heads().length ?? 0),
    ask: (request, how) => ask((server.address() as AddressInfo).port, request, how),
    close: () => closeAll(gateway, server, played).finally(options.cleanUp),
  };
}

async function serve(proxy: NodeProxy): Promise<Server> {
  const server = createServer(proxy);
  server.on("checkContinue", proxy.checkContinue).on("upgrade", proxy.upgrade);
  server.on("clientError", proxy.clientError);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function closeAll(
  gateway: Gateway<"app">,
  server: Server,
  played: ScriptedUpstream | null,
): Promise<void> {
  const [target] = gateway.upstream("app").targets;
  try {
    await eventually("exchanges are over", () => target === undefined || pending(gateway) === 0);
    gateway.close();
    await eventually("connections to the upstream are closed", () => open(gateway) === 0);
    server.closeIdleConnections();
    await eventually("connections of clients are closed", () => connectionsOf(server));
  } finally {
    gateway.close();
    server.closeAllConnections();
    server.close();
    await played?.close();
  }
}

function pending(gateway: Gateway<"app">): number {
  return gateway.upstream("app").targets.reduce((sum, target) => sum + target.pending, 0);
}

function open(gateway: Gateway<"app">): number {
  const { targets } = gateway.upstream("app");
  return targets.reduce((sum, { connections }) => sum + connections.open + connections.waiting, 0);
}

function connectionsOf(server: Server): Promise<boolean> {
  return new Promise((resolve) => server.getConnections((_, count) => resolve(count === 0)));
}

/** Longer than every limit of a test gateway; only what never happens takes as long. */
const EVENTUALLY_MS = 4_000;
const LOOK_AGAIN_MS = 5;

/** Waits until a condition holds; fails with its name when it never does. */
export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const until = performance.now() + EVENTUALLY_MS;
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** Runs tasks side by side, so many at once. */
export function limiter(atOnce: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let free = atOnce;
  return async (task) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
