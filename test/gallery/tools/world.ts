/**
 * A gateway between a caller and a scripted upstream, on real sockets, and what it left behind. The
 * caller asks at any door; unless told otherwise it is a raw client of `nodeProxy`.
 * Guarantee: `close` fails unless everything is counted back to zero: pending exchanges,
 * connections to the upstream, connections of clients.
 */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type CallRecord,
  createGateway,
  type FailureCode,
  type Gateway,
  type GatewayOptions,
  type UpstreamOptions,
} from "good-gateway";
import type { GatewayFetchOptions } from "good-gateway/fetch";
import type { ProxyOptions } from "good-gateway/node";
import {
  type Clock,
  type Script,
  type ScriptedUpstream,
  type ScriptedUpstreamOptions,
  scriptedUpstream,
} from "good-gateway/testing";
import type { Answered, Asked, AskOptions, Door, OpenDoor } from "../../doors/door.js";
import { NODE } from "../../doors/doors/node.js";

export interface WorldOptions {
  readonly door?: Door;
  /** Played by an upstream of its own, again and again. */
  readonly script?: Script;
  /** One for each connection, then the last one again. */
  readonly scripts?: readonly Script[];
  readonly serve?: ScriptedUpstreamOptions;
  /** Another address than that of the scripted upstream, or the same in other words. */
  readonly targets?: (played: ScriptedUpstream | null) => UpstreamOptions["targets"];
  readonly options?: Omit<UpstreamOptions, "targets">;
  /** Further upstreams of the gateway, by name. */
  readonly others?: Readonly<Record<string, UpstreamOptions>>;
  readonly proxy?: ProxyOptions;
  readonly fetch?: GatewayFetchOptions;
  /** Options of http-proxy-middleware itself. */
  readonly hpm?: object;
  /** Of the gateway itself. */
  readonly rest?: Partial<Omit<GatewayOptions<"app">, "upstreams">>;
  /** In place of real time, for the timers of policies. */
  readonly clock?: Clock;
  /** In place of chance, where that decides. */
  readonly random?: { next(): number };
  /** Requests that an upstream has read which is none of scripts. */
  readonly sent?: () => number;
  /** Times as long as usual that every timeout is; more on a machine that is too busy. */
  readonly patience?: number;
  /** Node itself keeps connections of clients that break HTTP/2. */
  readonly clientsStay?: boolean;
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
  /** Of a door that listens. */
  readonly server: Server;
  readonly port: number;
  readonly played: ScriptedUpstream | null;
  /** Exchanges that ended, body included. */
  readonly attempts: readonly AttemptEnd[];
  /** What each call came to when its head was known. */
  readonly outcomes: readonly (FailureCode | null)[];
  /** Calls that are over. */
  readonly records: readonly CallRecord[];
  /** Requests that the upstream has read. */
  sent(): number;
  ask(asked?: Asked, how?: AskOptions): Promise<Answered>;
  /** Requests of `ask` that have been answered. */
  answered(): number;
  /** States of the breaker since the start, `closed` left out. */
  readonly breakerWent: readonly string[];
  close(): Promise<void>;
}

/** Short, so that a table of hundreds is fast; long enough for a loaded machine. */
export const TIMEOUTS = { connectMs: 400, responseMs: 300, idleMs: 300, totalMs: 3_000 } as const;

function patiently(timeouts: object, patience = 1): object {
  return Object.fromEntries(
    Object.entries(timeouts).map(([name, ms]) => [name, (ms as number) * patience]),
  );
}

export async function world(options: WorldOptions): Promise<World> {
  const scripts = options.scripts ?? (options.script === undefined ? null : [options.script]);
  const played =
    scripts === null ? null : await scriptedUpstream(scripts, { loop: true, ...options.serve });
  const { random, clock } = options;
  const settings: GatewayOptions<"app"> = {
    name: "edge",
    upstreams: {
      app: {
        breaker: false,
        ...options.options,
        targets: options.targets?.(played) ?? (played?.origin as string),
        timeouts: patiently({ ...TIMEOUTS, ...options.options?.timeouts }, options.patience),
      },
      ...options.others,
    },
    onWarning: () => {},
    ...options.rest,
  };
  const gateway = createGateway(settings, {
    ...(random === undefined ? {} : { random }),
    ...(clock === undefined ? {} : { clock }),
  });
  const seen = watch(gateway);
  const { door = NODE, proxy = {}, fetch = {}, hpm = {} } = options;
  const opened = await door.open({ gateway, proxy, fetch, hpm });
  let answers = 0;
  return {
    ...seen,
    gateway,
    get server() {
      return serverOf(opened);
    },
    get port() {
      return (serverOf(opened).address() as AddressInfo).port;
    },
    played,
    sent: options.sent ?? (() => played?.heads().length ?? 0),
    async ask(asked, how) {
      const answer = await opened.ask(asked, how);
      answers += 1;
      return answer;
    },
    answered: () => answers,
    close: () =>
      closeAll(gateway, opened, played, options.clientsStay === true).finally(options.cleanUp),
  };
}

function watch(
  gateway: Gateway<"app">,
): Pick<World, "attempts" | "outcomes" | "records" | "breakerWent"> {
  const attempts: AttemptEnd[] = [];
  const outcomes: (FailureCode | null)[] = [];
  const records: CallRecord[] = [];
  const breakerWent: string[] = [];
  gateway.on("attempt:end", ({ attempt: { code, status, reused } }) => {
    attempts.push({ code, status, reused });
  });
  gateway.on("call:outcome", ({ failure }) => void outcomes.push(failure?.code ?? null));
  gateway.on("call:end", (record) => void records.push(record));
  gateway.on("breaker:change", ({ to }) => void breakerWent.push(to));
  return { attempts, outcomes, records, breakerWent };
}

function serverOf({ server }: OpenDoor): Server {
  if (server === undefined) throw new Error("this door has no server");
  return server;
}

async function closeAll(
  gateway: Gateway<"app">,
  door: OpenDoor,
  played: ScriptedUpstream | null,
  clientsStay: boolean,
): Promise<void> {
  const [target] = gateway.upstream("app").targets;
  try {
    await eventually("exchanges are over", () => target === undefined || pending(gateway) === 0);
    gateway.close();
    await eventually("connections to the upstream are closed", () => open(gateway) === 0);
    const { server } = door;
    // A server of HTTP/2 has sessions, which their clients close.
    server?.closeIdleConnections?.();
    if (server !== undefined && !clientsStay) {
      await eventually("connections of clients are closed", () => connectionsOf(server));
    }
  } finally {
    gateway.close();
    await door.close();
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
const EVENTUALLY_MS = 15_000;
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
