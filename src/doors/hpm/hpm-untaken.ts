/**
 * Upgrades that http-proxy-middleware leaves to other listeners: by its `pathFilter`, for `*`, and
 * where it cannot read the target. Node has let go of such a socket: no time limit of the server
 * holds for it any more, and version 3 leaves its errors uncaught.
 *
 * Guarantee: no error of such a socket ends the process, from the first connection of a server on;
 * one that no listener takes is refused within a bound, also by a server that has shown no door.
 */
import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock, Timer } from "../../base/clock.js";
import { LIMITS } from "../../catalog/defaults.js";
import { looksOn, whenFree } from "../proxy-upgrade.js";

/** Refuses what no listener has taken within `ms`. */
export interface Untaken {
  readonly clock: Clock;
  readonly ms: number;
  refuse(req: IncomingMessage, socket: Duplex): void;
}

type Served = Socket & { readonly server?: Server };

const known = new WeakMap<Server, { door: Untaken | null }>();
let subscribed = false;

/** Watches the upgrades of every server of this process that listens for them. */
export function watchServers(first: Untaken): void {
  if (subscribed) return;
  subscribed = true;
  // Published before a byte of the connection is read.
  subscribe("net.server.socket", (message) => {
    const { server } = (message as { readonly socket: Served }).socket;
    if (server === undefined || known.has(server)) return;
    if (server.listenerCount("upgrade") > 0) watch(server, first);
  });
}

/** The server of this request has a door: what no other listener takes is for it to refuse. */
export function servesUntaken({ socket }: IncomingMessage, door: Untaken): void {
  const { server } = socket as Served;
  const watched = server === undefined ? undefined : known.get(server);
  if (watched !== undefined) watched.door ??= door;
}

function watch(server: Server, first: Untaken): void {
  const watched: { door: Untaken | null } = { door: null };
  known.set(server, watched);
  const listener = looksOn((req, socket) => {
    const waiting = waitingOf(socket);
    const before = readersOf(socket);
    const { bytesWritten } = req.socket;
    const isUntaken = (): boolean =>
      !socket.destroyed && req.socket.bytesWritten === bytesWritten && readersOf(socket) === before;
    const { clock } = first;
    const since = clock.now();
    const look = (): void => {
      if (!isUntaken()) return;
      // Which door a server has shows in its requests, and there may be none yet.
      const isLast = clock.now() - since >= LIMITS.untakenUpgradeMs;
      const door = watched.door ?? (isLast ? first : null);
      if (door === null) wait(first.ms);
      else whenFree(req.socket, () => isUntaken() && door.refuse(req, socket));
    };
    const wait = (ms: number): void => {
      waiting.timer = clock.after(Math.min(ms, LIMITS.untakenUpgradeMs), look);
      waiting.timer.unref();
    };
    waiting.timer?.cancel();
    wait((watched.door ?? first).ms);
  });
  // Before the others, so that what they add is seen.
  server.prependListener("upgrade", listener);
}

interface Waiting {
  timer: Timer | null;
}

const sockets = new WeakMap<Duplex, Waiting>();

/** One for each connection, which may ask more than once. */
function waitingOf(socket: Duplex): Waiting {
  const seen = sockets.get(socket);
  if (seen !== undefined) return seen;
  const waiting: Waiting = { timer: null };
  sockets.set(socket, waiting);
  socket.on("error", ignore);
  socket.once("close", () => waiting.timer?.cancel());
  return waiting;
}

/** Who takes a socket reads it. */
function readersOf(socket: Duplex): number {
  return socket.listenerCount("data") + socket.listenerCount("readable");
}

function ignore(): void {}
