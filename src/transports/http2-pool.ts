/**
 * The connections to a target that may speak HTTP/2: exchanges share sessions, as many as the peer
 * allows on each, and wait when all are full.
 *
 * Where TLS finds no common HTTP/2 (ALPN, RFC 7301), the connection that was opened goes to the
 * pool of HTTP/1.1 below, and so do exchanges as long as that pool has one. Upgrades are of
 * HTTP/1.1 in any case.
 */
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../base/clock.js";
import { HTTP2, LIMITS } from "../catalog/defaults.js";
import type { Phase } from "../catalog/failures.js";
import type { Exchange } from "../targets/exchange.js";
import type { Target } from "../targets/target.js";
import {
  type Acquired,
  type ConnectionPool,
  type ConnectionPoolOptions,
  CUT,
} from "./connection-pool.js";
import { Http2Session } from "./http2-session.js";
import { Http2Stream } from "./http2-stream.js";
import { ALPN_HTTP2, openSocket, type SessionStore } from "./open-socket.js";

interface Waiting {
  readonly exchange: Exchange;
  readonly acquired: Acquired;
  readonly onCut: () => void;
}

export function http2Pool(
  clock: Clock,
  target: Target,
  options: ConnectionPoolOptions,
  below: ConnectionPool,
): ConnectionPool {
  return new Http2Pool(clock, target, options, below);
}

class Http2Pool implements ConnectionPool {
  readonly #clock: Clock;
  readonly #target: Target;
  readonly #options: ConnectionPoolOptions;
  /** The pool of HTTP/1.1. */
  readonly #below: ConnectionPool;
  readonly resting: ConnectionPool["resting"];
  readonly #sessions = new Set<Http2Session>();
  readonly #tls: SessionStore = { session: null };
  #waiting: Waiting[] = [];
  /** Who opens a connection for itself and for those behind it. */
  #dialer: Exchange | null = null;
  /** How far that one has come. */
  #phase: Phase = "connect";
  #awaitsPreface = false;
  #speaksHttp1 = false;
  #closed = false;
  /** When a connection last went down with several exchanges. */
  #cutAt = Number.NEGATIVE_INFINITY;
  /** Until then each exchange has a connection for itself. */
  #apartUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, target: Target, options: ConnectionPoolOptions, below: ConnectionPool) {
    this.#clock = clock;
    this.#target = target;
    this.#options = options;
    this.#below = below;
    this.resting = below.resting;
  }

  acquire(exchange: Exchange, acquired: Acquired): void {
    if (exchange.cancellation.by !== null) acquired(CUT, null);
    else if (exchange.request.upgrade !== null || this.#belowServes()) {
      this.#below.acquire(exchange, acquired);
    } else {
      const session = this.#waiting.length === 0 ? this.#withRoom() : null;
      if (session !== null) acquired(null, new Http2Stream(session, exchange));
      else this.#wait(exchange, acquired);
    }
  }

  release(connection: Parameters<ConnectionPool["release"]>[0]): void {
    if (connection instanceof Http2Stream) connection.release();
    else this.#below.release(connection);
  }

  adopt(socket: Socket): void {
    this.#below.adopt(socket);
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#sessions) session.close();
    this.#below.close();
  }

  get stats(): ConnectionPool["stats"] {
    const { open, idle, waiting } = this.#below.stats;
    const resting = [...this.#sessions].filter(({ streams }) => streams === 0).length;
    return {
      open: open + this.#sessions.size,
      idle: idle + resting,
      waiting: waiting + this.#waiting.length,
    };
  }

  /** It spoke HTTP/1.1 when last asked; once it has no connection left, it is asked anew. */
  #belowServes(): boolean {
    if (this.#speaksHttp1 && this.#below.stats.open === 0) this.#speaksHttp1 = false;
    return this.#speaksHttp1;
  }

  #withRoom(): Http2Session | null {
    const { connectionAgeMsMax: ageMax = Number.POSITIVE_INFINITY } = this.#options;
    const now = this.#clock.now();
    const isApart = now < this.#apartUntil;
    for (const session of this.#sessions) {
      if (session.openedAt < now - ageMax) session.close();
      else if (session.hasRoom && !(isApart && session.streams > 0)) return session;
    }
    return null;
  }

  /**
   * One connection that ends with all that is on it may be a crash. If the next one does as well, a
   * request may be what ends them, and takes others along only where they share its connection.
   */
  #cut({ openedAt }: Http2Session, streams: number): void {
    const now = this.#clock.now();
    if (now < this.#apartUntil) this.#apartUntil = now + HTTP2.apartMs;
    else if (streams > 1 && openedAt >= this.#cutAt) {
      if (now - this.#cutAt < HTTP2.apartMs) this.#apartUntil = now + HTTP2.apartMs;
      this.#cutAt = now;
    }
  }

  #wait(exchange: Exchange, acquired: Acquired): void {
    const onCut = (): void => this.#leave(waiting, (cut) => cut.acquired(CUT, null));
    const waiting: Waiting = { exchange, acquired, onCut };
    this.#waiting.push(waiting);
    if (this.#hasLiving()) exchange.enter("queue");
    else this.#follow(exchange);
    exchange.cancellation.add(onCut);
    this.#dial();
    // Those that there are may yet turn out to be well.
    if (this.#dialer === null && this.#waiting.includes(waiting)) exchange.enter("queue");
  }

  #hasLiving(): boolean {
    for (const session of this.#sessions) if (session.alive) return true;
    return false;
  }

  /** Without a session it waits for a connection that is on its way, opened for any call. */
  #follow(exchange: Exchange): void {
    exchange.timeline.awaitsPreface = this.#awaitsPreface;
    exchange.enter(this.#phase);
  }

  #reach(phase: Phase, awaitsPreface: boolean): void {
    this.#phase = phase;
    this.#awaitsPreface = awaitsPreface;
    const isQueue = this.#hasLiving();
    for (const { exchange } of this.#waiting) {
      if (!isQueue || exchange === this.#dialer) this.#follow(exchange);
    }
  }

  #leave(waiting: Waiting, then: (waiting: Waiting) => void): void {
    const at = this.#waiting.indexOf(waiting);
    if (at === -1) return;
    this.#waiting.splice(at, 1);
    waiting.exchange.cancellation.remove(waiting.onCut);
    then(waiting);
  }

  /** Opens a connection for the first who waits. */
  #dial(): void {
    const [first] = this.#waiting;
    if (this.#dialer !== null || first === undefined) return;
    if (this.#sessions.size >= this.#options.connectionsMax) return;
    // A peer that allows no streams would be called again and again; it may change its mind.
    if ([...this.#sessions].some(isBarren)) return;
    const { exchange } = first;
    const { target, cancellation, timeline } = exchange;
    this.#dialer = exchange;
    openSocket(
      { target, cancellation, timeline, enter: (phase) => this.#reach(phase, false) },
      this.#tls,
      (error, socket) => {
        if (socket === null) this.#dialed(error, exchange);
        else if (speaksHttp1(socket)) this.#handDown(socket);
        else this.#greet(socket, exchange);
      },
      ALPN_HTTP2,
    );
  }

  #greet(socket: Socket, exchange: Exchange): void {
    let greeted = false;
    const done = (error: unknown): void => {
      if (greeted) return;
      greeted = true;
      exchange.cancellation.remove(onCut);
      this.#dialed(error, exchange);
    };
    const { limits = LIMITS } = this.#options;
    const session = new Http2Session(socket, this.#target, this.#clock, limits, {
      ready: () => {
        if (this.#closed && this.#waiting.length === 0) session.close();
        // A peer that goes away at once would be called again and again.
        done(session.alive || this.#closed ? null : session.unusable);
      },
      room: () => this.#serve(),
      cut: (cut, streams) => this.#cut(cut, streams),
      lost: () => {
        this.#sessions.delete(session);
        done(session.unusable);
        this.#dial();
      },
    });
    const onCut = (): void => {
      session.session.destroy();
      done(CUT);
    };
    this.#sessions.add(session);
    exchange.cancellation.add(onCut);
    this.#reach(this.#phase, true);
  }

  #dialed(error: unknown, { cancellation }: Exchange): void {
    this.#arrived();
    this.#serve();
    if (this.#hasLiving()) for (const { exchange } of this.#waiting) exchange.enter("queue");
    // An exchange that was cut says nothing of the target; the next one opens its own.
    if (error === null || cancellation.by !== null) this.#dial();
    // Those that wait for room on other connections go on waiting.
    else if (!this.#hasLiving()) {
      for (const waiting of [...this.#waiting]) {
        this.#leave(waiting, ({ acquired }) => acquired(error, null));
      }
    }
  }

  #arrived(): void {
    this.#dialer = null;
    this.#phase = "connect";
    this.#awaitsPreface = false;
  }

  #handDown(socket: Socket): void {
    this.#arrived();
    this.#speaksHttp1 = true;
    this.#below.adopt(socket);
    for (const waiting of [...this.#waiting]) {
      this.#leave(waiting, ({ exchange, acquired }) => this.#below.acquire(exchange, acquired));
    }
  }

  /** First come, first served; but who opens a connection waits for that one. */
  #serve(): void {
    for (;;) {
      const first = this.#waiting.find(({ exchange }) => exchange !== this.#dialer);
      const session = this.#withRoom();
      if (first === undefined || session === null) break;
      this.#leave(first, ({ exchange, acquired }) => {
        acquired(null, new Http2Stream(session, exchange));
      });
    }
  }
}

/** It takes no stream, though it has none. */
function isBarren({ alive, hasRoom, streams }: Http2Session): boolean {
  return alive && !hasRoom && streams === 0;
}

function speaksHttp1(socket: Socket): boolean {
  const { encrypted, alpnProtocol } = socket as TLSSocket;
  return encrypted === true && alpnProtocol !== "h2";
}
