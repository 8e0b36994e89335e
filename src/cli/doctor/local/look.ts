/**
 * The look at this machine, for an endpoint that is on it. Null for one that is elsewhere: what
 * listens here says nothing about another machine.
 */
import { networkInterfaces } from "node:os";
import type { ListeningSocket, LocalFacts, ProcessFacts } from "../facts/local-facts.js";
import type { Address } from "../probes/resolve.js";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorWorld } from "../world/world.js";
import { managedPrograms } from "./managers.js";
import { type Overflows, overflowsOf } from "./overflows.js";
import { cgroupFacts, commandOf, kernelKills, processFacts } from "./processes.js";
import { listenersOf, unixListenersOf } from "./sockets.js";
import { unixSocketFacts } from "./unix-socket.js";

/** Whether an endpoint is on this machine. */
export function isLocal({ socketPath }: Endpoint, addresses: readonly Address[]): boolean {
  if (socketPath !== null) return true;
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address)),
  );
  return addresses.some(({ address }) => LOOPBACK.test(address) || own.has(address));
}

export function isLoopback({ address }: Address): boolean {
  return LOOPBACK.test(address);
}

const LOOPBACK = /^(?:127\.|::1$|0\.0\.0\.0$|::$)/;

/** The process behind an endpoint, before anything was sent to it. */
export async function holderOf(
  world: DoctorWorld,
  { port, socketPath }: Endpoint,
  known: readonly ListeningSocket[] | null = null,
): Promise<number | null> {
  if (socketPath !== null) {
    const listeners = await unixListenersOf(world);
    return listeners.find(({ path }) => path === socketPath)?.pid ?? null;
  }
  const listeners = known ?? (await listenersOf(world));
  return listeners.find((one) => one.port === port)?.pid ?? null;
}

/** What was seen before the first request. */
export interface Before {
  readonly process: ProcessFacts | null;
  readonly overflows: Overflows | null;
}

export async function beforeAsking(world: DoctorWorld, endpoint: Endpoint): Promise<Before> {
  const pid = await holderOf(world, endpoint);
  return {
    process: pid === null ? null : await processFacts(world, pid),
    overflows: await overflowsOf(world),
  };
}

async function overflowsSince(
  world: DoctorWorld,
  before: Overflows | null,
): Promise<LocalFacts["overflows"]> {
  const now = await overflowsOf(world);
  if (before === null || now === null) return null;
  const count = ({ overflowed, dropped }: Overflows): number => Math.max(overflowed, dropped);
  return { during: count(now) - count(before), sinceBoot: count(now) };
}

export async function lookLocally(
  world: DoctorWorld,
  endpoint: Endpoint,
  { process: before, overflows }: Before,
): Promise<LocalFacts> {
  const { port, socketPath } = endpoint;
  const listeners = await listenersOf(world);
  const pid = await holderOf(world, endpoint, listeners);
  const [processAfter, cgroup, managed, unixSocket, kills, nodeListeners] = await Promise.all([
    pid === null ? null : processFacts(world, pid),
    cgroupFacts(world, before?.pid ?? pid ?? process.pid),
    managedPrograms(world),
    socketPath === null ? null : unixSocketFacts(world, socketPath),
    kernelKills(world),
    nodeListenersOf(world, listeners),
  ]);
  return {
    listeners,
    onPort: socketPath === null ? listeners.filter((one) => one.port === port) : [],
    process: before,
    processAfter,
    nodeListeners,
    cgroup,
    managed,
    unixSocket,
    kernelKills: kills,
    overflows: await overflowsSince(world, overflows),
  };
}

async function nodeListenersOf(
  world: DoctorWorld,
  listeners: readonly ListeningSocket[],
): Promise<LocalFacts["nodeListeners"]> {
  const named = await Promise.all(
    listeners.map(async (one) => ({
      ...one,
      command: one.pid === null ? "" : await commandOf(world, one.pid),
    })),
  );
  return named.filter(
    ({ pid, command }) => pid !== process.pid && /(?:^|\/)(?:node|bun|deno)\b/.test(command),
  );
}
