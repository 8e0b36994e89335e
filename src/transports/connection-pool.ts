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
import { type Connection, connectionOver } from "./connection.js";
import { type LoopPulse, afterPoll } from "./loop-pulse.js";
import { openSocket, type SessionStore } from "./open-socket.js";

/** Called once: with a connection to use, or with what went wrong. */
export type Acquired = (error: unknown, connection: Connection | null) => void;

export interface ConnectionPool {
  /** Calls back at once where a connection is at rest and known to be alive. */
  acquire(exchange: Exchange, acquired: Acquired): void;
  /** The exchange is over; a connection that can serve another one rests. */
  release(connection: Connection): void;
  /** Ends the connections at rest, and the others as soon as they are released. */
  close(): void;
  readonly stats: { readonly open: number; readonly idle: number; readonly waiting: number };
}

export interface ConnectionPoolOptions {
  readonly connectionsMax: number;
}

export function connectionPool(
  clock: Clock,
  pulse: LoopPulse,
  target: Target,
  options: ConnectionPoolOptions,
): ConnectionPool {
  const idle: Connection[] = [];
  const waiting: (() => void)[] = [];
  const sessions: SessionStore = { session: null };
  let open = 0;
  let closed = false;

  const lost = (connection: Connection): void => {
    open -= 1;
    const at = idle.indexOf(connection);
    if (at !== -1) idle.splice(at, 1);
    waiting.shift()?.();
  };

  const takeIdle = (): Connection | null => {
    for (;;) {
      const connection = idle.pop();
      if (connection === undefined) return null;
      if (connection.alive) return connection;
    }
  };

  const dial = (exchange: Exchange, acquired: Acquired): void => {
    open += 1;
    openSocket(exchange, sessions, (error: unknown, socket: Socket | null) => {
      if (socket !== null) {
        acquired(null, connectionOver(socket, target, clock, lost));
        return;
      }
      open -= 1;
      waiting.shift()?.();
      acquired(error, null);
    });
  };

  const queue = (exchange: Exchange, acquired: Acquired): void => {
    exchange.enter("queue");
    const onFree = (): void => {
      exchange.cancellation.remove(onCut);
      acquire(exchange, acquired);
    };
    const onCut = (): void => {
      const at = waiting.indexOf(onFree);
      if (at !== -1) waiting.splice(at, 1);
      acquired(new Error("cut"), null);
    };
    waiting.push(onFree);
    exchange.cancellation.add(onCut);
  };

  const acquireNow = (exchange: Exchange, acquired: Acquired): void => {
    if (exchange.cancellation.by !== null) {
      acquired(new Error("cut"), null);
      return;
    }
    const connection = takeIdle();
    if (connection !== null) acquired(null, connection);
    else if (open < options.connectionsMax) dial(exchange, acquired);
    else queue(exchange, acquired);
  };

  const acquire = (exchange: Exchange, acquired: Acquired): void => {
    if (idle.length > 0 && !pulse.fresh()) afterPoll(clock, () => acquireNow(exchange, acquired));
    else acquireNow(exchange, acquired);
  };

  return {
    acquire,
    release(connection) {
      if (!connection.alive) return;
      if (closed) connection.destroy();
      else {
        idle.push(connection);
        // A microtask later: undici may still decide that this connection has served enough.
        if (waiting.length > 0) queueMicrotask(() => waiting.shift()?.());
      }
    },
    close() {
      closed = true;
      for (const connection of idle.splice(0)) connection.destroy();
    },
    get stats() {
      return { open, idle: idle.length, waiting: waiting.length };
    },
  };
}
