/**
 * The connections to one target: those at rest, newest first, and those who wait for one.
 *
 * Guarantee: a connection at rest is handed out only after our event loop has looked at its socket
 * lately, so a farewell of the peer that we had no time to read is read first. Never more than
 * `connectionsMax` at once; who waits longer than its exchange may leaves the line by itself. Where
 * this machine has no file or port left for a new one, one that is in use is waited for.
 */
import type { Socket } from "node:net";
import { afterPoll, type Clock } from "../base/clock.js";
import { SELF } from "../catalog/defaults.js";
import { classifyError } from "../core/classify.js";
import type { Exchange } from "../targets/exchange.js";
import type { Target } from "../targets/target.js";
import { type Connection, type ConnectionLimits, connectionOver } from "./connection.js";
import { openSocket, type SessionStore } from "./open-socket.js";
import { needsNew, RestingConnections } from "./resting-connections.js";

/** Called once: with a connection to use, or with what went wrong. */
export type Acquired = (error: unknown, connection: Connection | null) => void;

/** Serves an exchange; who has come before keeps its place while its connection is on its way. */
type Give = (exchange: Exchange, acquired: Acquired) => void;

export interface ConnectionPool {
  /** Calls back at once where a connection is at rest and known to be alive. */
  acquire(exchange: Exchange, acquired: Acquired): void;
  /** Takes a socket that was opened elsewhere to the same target. */
  adopt(socket: Socket): void;
  /** Those at rest, which learn from the exchanges on connections like them. */
  readonly resting: RestingConnections;
  /** The exchange is over; a connection that can serve another one rests. */
  release(connection: Connection): void;
  /** Ends the connections at rest, and the others as soon as they are released. */
  close(): void;
  readonly stats: { readonly open: number; readonly idle: number; readonly waiting: number };
}

export interface ConnectionPoolOptions {
  readonly connectionsMax: number;
  /** Older ones get no further exchange; Infinity and undefined for any age. */
  readonly connectionAgeMsMax?: number;
  /** What an answer may be at most; the defaults unless given. */
  readonly limits?: ConnectionLimits;
}

export function connectionPool(
  clock: Clock,
  pulse: LoopPulse,
  target: Target,
  options: ConnectionPoolOptions,
): ConnectionPool {
  return new Http1Pool(clock, pulse, target, options);
}

/** A class, since every target that was ever called has one. */
class Http1Pool implements ConnectionPool {
  readonly #clock: Clock;
  readonly #pulse: LoopPulse;
  readonly #target: Target;
  readonly #options: ConnectionPoolOptions;
  readonly resting = new RestingConnections();
  readonly #line = new ConnectionQueue();
  readonly #sessions: SessionStore = { session: null };
  #open = 0;
  #closed = false;

  constructor(clock: Clock, pulse: LoopPulse, target: Target, options: ConnectionPoolOptions) {
    this.#clock = clock;
    this.#pulse = pulse;
    this.#target = target;
    this.#options = options;
  }

  acquire(exchange: Exchange, acquired: Acquired): void {
    if (this.resting.list.length > 0 && !this.#pulse.fresh())
      this.#acquireLater(exchange, acquired);
    else this.#acquireNow(exchange, acquired);
  }

  adopt(socket: Socket): void {
    this.#open += 1;
    this.resting.list.push(this.#over(socket));
  }

  release(connection: Connection): void {
    if (this.#closed) connection.destroy();
    if (!connection.alive) return;
    this.resting.list.push(connection);
    // A microtask later: undici may still decide that this connection has served enough.
    if (this.#line.waiting.length > 0) this.#callNextSoon();
  }

  close(): void {
    this.#closed = true;
    this.resting.destroyAll();
  }

  get stats(): ConnectionPool["stats"] {
    return { open: this.#open, idle: this.resting.list.length, waiting: this.#line.waiting.length };
  }

  // Methods of their own: a closure costs its function a scope whether or not it is made.
  #acquireLater(exchange: Exchange, acquired: Acquired): void {
    afterPoll(this.#clock, () => this.#acquireNow(exchange, acquired));
  }

  #callNextSoon(): void {
    queueMicrotask(() => this.#callNext());
  }

  #acquireNow(exchange: Exchange, acquired: Acquired): void {
    if (exchange.cancellation.by !== null) acquired(CUT, null);
    else if (this.#line.waiting.length === 0 && this.#canGive()) this.#give(exchange, acquired);
    else {
      this.#line.join(exchange, acquired);
      // There is room only where this machine had no file left: the first in line tries again.
      if (this.#open < this.#options.connectionsMax) this.#callNext();
    }
  }

  /** Whether there is one to give, or one may be opened. */
  #canGive(): boolean {
    if (this.#open < this.#options.connectionsMax) return true;
    // Those that have died are forgotten, and those that are doubted serve where no other can.
    return this.resting.hasLiving() || this.resting.list.length > 0;
  }

  #give(exchange: Exchange, acquired: Acquired): void {
    this.#dropOld();
    const mayDial = this.#open < this.#options.connectionsMax;
    const kept = mayDial && needsNew(exchange) ? null : this.resting.take();
    const connection = kept ?? (mayDial ? null : this.resting.takeAny());
    if (connection !== null) acquired(null, connection);
    else this.#dial(exchange, acquired);
  }

  #dropOld(): void {
    const { connectionAgeMsMax: ageMax = Number.POSITIVE_INFINITY } = this.#options;
    if (ageMax !== Number.POSITIVE_INFINITY) this.resting.dropOlder(this.#clock.now() - ageMax);
  }

  #dial(exchange: Exchange, acquired: Acquired): void {
    this.#open += 1;
    openSocket(exchange, this.#sessions, (error: unknown, socket: Socket | null) => {
      if (socket !== null) {
        acquired(null, this.#over(socket));
        this.#callNext();
      } else if (this.#open > 1 && isExhausted(exchange, error)) {
        this.#open -= 1;
        this.#line.join(exchange, acquired, error);
      } else {
        this.#gone(null);
        acquired(error, null);
      }
    });
  }

  #over(socket: Socket): Connection {
    const gone = (connection: Connection): void => this.#gone(connection);
    return connectionOver(socket, this.#target, this.#clock, gone, this.#options.limits);
  }

  #gone(connection: Connection | null): void {
    if (connection !== null) this.resting.forget(connection);
    this.#open -= 1;
    this.#callNext();
  }

  #callNext(): void {
    if (this.#line.waiting.length === 0) return;
    if (this.resting.list.length > 0 && !this.#pulse.fresh())
      afterPoll(this.#clock, () => this.#serveFirst());
    else this.#serveFirst();
  }

  #serveFirst(): void {
    if (!this.#canGive()) return;
    this.#line.serveFirst((exchange, acquired) => this.#give(exchange, acquired));
  }
}

// What a cancelled exchange gets instead of a connection; who cut it is noted in the exchange.
export const CUT = new Error("cut");

/** This machine has no file, port or memory left for a new connection. */
function isExhausted({ timeline, cancellation }: Exchange, error: unknown): boolean {
  return classifyError(timeline, cancellation.by, error) === "local_resources_exhausted";
}

interface WaitingPlace {
  readonly leave: (give: Give) => void;
}

/**
 * Exchanges that wait for a connection; first come, first served, and who is cut leaves at once.
 */
class ConnectionQueue {
  readonly waiting: WaitingPlace[] = [];

  /** A call that is cut while it waits gets the reason for its wait. */
  join(exchange: Exchange, acquired: Acquired, reason: unknown = CUT): void {
    const place: WaitingPlace = {
      leave: (give) => {
        const at = this.waiting.indexOf(place);
        if (at === -1) return;
        this.waiting.splice(at, 1);
        exchange.cancellation.remove(onCut);
        give(exchange, acquired);
      },
    };
    const onCut = (): void => place.leave((_exchange, cut) => cut(reason, null));
    this.waiting.push(place);
    exchange.enter("queue");
    exchange.cancellation.add(onCut);
  }

  /** The first leaves only once there is something for it. */
  serveFirst(give: Give): void {
    this.waiting[0]?.leave(give);
  }
}

export interface LoopPulse {
  /** Whether the loop has polled within the last few milliseconds. */
  fresh(): boolean;
}

export function loopPulse(clock: Clock): LoopPulse {
  let polledAt = Number.NEGATIVE_INFINITY;
  let scheduled = false;
  const onTurn = (): void => {
    scheduled = false;
    polledAt = clock.now();
  };
  return {
    fresh() {
      if (!scheduled) {
        scheduled = true;
        clock.turn(onTurn);
      }
      return clock.now() - polledAt <= SELF.pollFreshMs;
    },
  };
}
