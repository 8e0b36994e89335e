/**
 * What surrounds a call: the async context in which it is heard of, and what it leaves on what
 * outlives it, such as a client's connection and a caller's signal.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type EventEmitter, getEventListeners } from "node:events";
import type { Socket } from "node:net";
import { expect } from "vitest";
import type { Caller } from "../../gallery/tools/raw-client.js";
import type { World } from "../../gallery/tools/world.js";
import type { Door } from "../door.js";
import { at, type DoorPromise, either, ended, isFine, ofProxies, works } from "../promise.js";

const SLOW = { timeouts: { responseMs: 9_000, idleMs: 9_000, totalMs: 9_000 } };
const CALLS = 10;

/** Asks for each path within a context that has it: the server's, where clients ask. */
async function askInContext(
  ground: World,
  context: AsyncLocalStorage<string>,
  ofServer: boolean,
): Promise<void> {
  if (ofServer) {
    const { server } = ground;
    const emit = server.emit.bind(server) as (...args: unknown[]) => boolean;
    server.emit = ((name: string, ...args: { readonly url?: string }[]) =>
      name === "request" || name === "upgrade"
        ? context.run(args[0]?.url ?? "", emit, name, ...args)
        : emit(name, ...args)) as typeof server.emit;
  }
  const paths = Array.from({ length: CALLS }, (_, turn) => `/${turn}`);
  const ask = (path: string) => ground.ask({ path });
  await Promise.all(paths.map((path) => (ofServer ? ask(path) : context.run(path, ask, path))));
}

/** How many listeners each of these has. */
function listenersOn(emitters: Iterable<EventEmitter>): number[] {
  return [...emitters].map((emitter) =>
    emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0),
  );
}

function ofKeptConnections({ kind, http2, requests }: Door): string | null {
  if (requests === true) return "server";
  return kind === "upgrade" ? "fresh" : http2 === true ? "session" : null;
}

export const SURROUNDINGS: readonly DoorPromise[] = [
  {
    name: "listeners are notified of a call in its own async context",
    cannot: ({ requests }) => (requests === true ? "server" : null),
    show: (door) =>
      at(door, { script: works(door), options: SLOW }, async (ground) => {
        const context = new AsyncLocalStorage<string>();
        const heard: string[] = [];
        const hear = (name: string, path: string | null) =>
          heard.push(`${name} of ${path} in ${context.getStore()}`);
        ground.gateway.on("call:outcome", ({ call }) => hear("outcome", call.request.path));
        ground.gateway.on("attempt:end", ({ call }) => hear("attempt", call.request.path));
        ground.gateway.on("call:end", ({ path }) => hear("end", path));
        await askInContext(ground, context, door.kind !== "caller");
        await ended(ground, CALLS);
        const paths = Array.from({ length: CALLS }, (_, turn) => `/${turn}`);
        const all = paths.flatMap((path) =>
          ["outcome", "attempt", "end"].map((name) => `${name} of ${path} in ${path}`),
        );
        expect(heard.sort()).toEqual(all.sort());
      }),
  },
  {
    name: "calls leave no listener on the connection of their client",
    cannot: either(ofProxies, ofKeptConnections),
    show: (door) =>
      at(door, { script: works(door), options: SLOW }, async (ground) => {
        const sockets = new Set<Socket>();
        ground.server.on("connection", (socket: Socket) => void sockets.add(socket));
        const ask = async (times: number): Promise<number[]> => {
          for (let time = 0; time < times; time += 1) {
            expect(isFine(await ground.ask({}, { kept: true }), door)).toBe(true);
          }
          return listenersOn(sockets);
        };
        const before = await ask(2);
        expect(await ask(CALLS)).toEqual(before);
        expect(sockets.size).toBe(1);
      }),
  },
  {
    name: "calls leave no listener on the signal of their caller",
    // A fetch may abort an answer that is not read yet, so its listener stays until then.
    cannot: ({ kind, bodies }) =>
      kind !== "caller" ? "client" : bodies.endsWith("fetch") ? "elsewhere" : null,
    show: (door) =>
      at(door, { script: works(door), options: SLOW }, async (ground) => {
        const signals: AbortSignal[] = [];
        const onCaller = ({ signal }: Caller) => void signals.push(signal as AbortSignal);
        for (let time = 0; time < CALLS; time += 1) {
          expect(isFine(await ground.ask({}, { onCaller }), door)).toBe(true);
        }
        await ended(ground, CALLS);
        expect(signals.flatMap((signal) => getEventListeners(signal, "abort"))).toEqual([]);
      }),
  },
];
