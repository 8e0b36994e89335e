/**
 * The connections to one target: those at rest, newest first, and those who wait for one.
 *
 * Guarantee: a connection at rest is handed out only after our event loop has looked at its socket
 * lately, so a farewell of the peer that we had no time to read is read first. Never more than
 * `connectionsMax` at once; who waits longer than its exchange may leaves the line by itself.
 */
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.js";
import type { Exchange } from "../targets/exchange.js";
import type { Target } from "../targets/target.js";
import { type Connection, type ConnectionLimits, connectionOver } from "./connection.js";
import { afterPoll, type LoopPulse } from "./loop-pulse.js";
import { openSocket, type SessionStore } from "./open-socket.js";

/** Called once: with a connection to use, or with what went wrong. */
export type Acquired = (error: unknown, connection: Connection | null) => void;

/** Serves an exchange; who has come before keeps its place while its connection is on its way. */
type Give = (exchange: Exchange, acquired: Acquired) => void;

export interface ConnectionPool {
  /** Calls back at once where a connection is at rest and known to be alive. */
  acquire(exchange: Exchange, acquired: Acquired): void;
  /** Takes a socket that somebody else has opened to the same target. */
  adopt(socket: Socket): void;
  /** The exchange is over; a connection that can serve another one rests. */
  release(connection: Connection): void;
  /** Ends the connections at rest, and the others as soon as they are released. */
  close(): void;
  readonly stats: { readonly open: number; readonly idle: number; readonly waiting: number };
}

export interface ConnectionPoolOptions {
  readonly connectionsMax: number;
  /** What an answer may be at most; the defaults unless given. */
  readonly limits?: ConnectionLimits;
}

export function connectionPool(
  clock: Clock,
  pulse: LoopPulse,
  target: Target,
  { connectionsMax, limits }: ConnectionPoolOptions,
): ConnectionPool {
  const [idle, line] = [restingConnections(), waitingLine()];
  const sessions: SessionStore = { session: null };
  const state = { open: 0, closed: false };

  const gone = (connection: Connection | null): void => {
    if (connection !== null) idle.forget(connection);
    state.open -= 1;
    callNext();
  };
  const dial: Give = (exchange, acquired) => {
    state.open += 1;
    openSocket(exchange, sessions, (error: unknown, socket: Socket | null) => {
      if (socket !== null) acquired(null, connectionOver(socket, target, clock, gone, limits));
      else {
        gone(null);
        acquired(error, null);
      }
    });
  };
  const canGive = (): boolean => idle.hasLiving() || state.open < connectionsMax;
  const give: Give = (exchange, acquired) => {
    const connection = idle.take();
    if (connection !== null) acquired(null, connection);
    else dial(exchange, acquired);
  };
  const mustPoll = (): boolean => idle.count > 0 && !pulse.fresh();
  const serveFirst = (): void => {
    if (canGive()) line.serveFirst(give);
  };
  const callNext = (): void => {
    if (line.length > 0 && mustPoll()) afterPoll(clock, serveFirst);
    else serveFirst();
  };
  const acquireNow: Give = (exchange, acquired) => {
    if (exchange.cancellation.by !== null) acquired(CUT, null);
    else if (line.length === 0 && canGive()) give(exchange, acquired);
    else line.join(exchange, acquired);
  };

  return {
    acquire(exchange, acquired) {
      if (mustPoll()) afterPoll(clock, () => acquireNow(exchange, acquired));
      else acquireNow(exchange, acquired);
    },
    adopt(socket) {
      state.open += 1;
      idle.put(connectionOver(socket, target, clock, gone));
    },
    release(connection) {
      if (state.closed) connection.destroy();
      if (!connection.alive) return;
      idle.put(connection);
      // A microtask later: undici may still decide that this connection has served enough.
      if (line.length > 0) queueMicrotask(callNext);
    },
    close() {
      state.closed = true;
      idle.destroyAll();
    },
    get stats() {
      return { open: state.open, idle: idle.count, waiting: line.length };
    },
  };
}

// What a cancelled exchange gets instead of a connection; who cut it is noted in the exchange.
export const CUT = new Error("cut");

/** Connections at rest, the newest on top: it is the least likely to have been closed meanwhile. */
function restingConnections() {
  const resting: Connection[] = [];
  return {
    get count() {
      return resting.length;
    },
    put: (connection: Connection): void => void resting.push(connection),
    /** Whether `take` has one; those that have died are forgotten. */
    hasLiving(): boolean {
      while (resting.at(-1)?.alive === false) resting.pop();
      return resting.length > 0;
    },
    take(): Connection | null {
      return resting.pop() ?? null;
    },
    forget(connection: Connection): void {
      const at = resting.indexOf(connection);
      if (at !== -1) resting.splice(at, 1);
    },
    destroyAll(): void {
      for (const connection of resting.splice(0)) connection.destroy();
    },
  };
}

/**
 * Exchanges that wait for a connection; first come, first served, and who is cut leaves at once.
 */
function waitingLine() {
  const waiting: { readonly leave: (give: Give) => void }[] = [];
  return {
    get length() {
      return waiting.length;
    },
    join(exchange: Exchange, acquired: Acquired): void {
      const place = {
        leave(give: Give): void {
          const at = waiting.indexOf(place);
          if (at === -1) return;
          waiting.splice(at, 1);
          exchange.cancellation.remove(onCut);
          give(exchange, acquired);
        },
      };
      const onCut = (): void => place.leave((_exchange, cut) => cut(CUT, null));
      waiting.push(place);
      exchange.enter("queue");
      exchange.cancellation.add(onCut);
    },
    /** The first leaves only once there is something for it. */
    serveFirst(give: Give): void {
      waiting[0]?.leave(give);
    },
  };
}
