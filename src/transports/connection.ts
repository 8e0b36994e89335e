/**
 * One connection to a target: a socket that is open, undici's client that speaks HTTP/1.1 over it,
 * and the guard between the two.
 *
 * undici gets one client per socket and is never allowed to reconnect, so we always know which
 * socket carried an exchange, whether it was new, and that an exchange which never started was
 * never sent.
 */
import type { Socket } from "node:net";
import { Client, type Dispatcher } from "undici";
import type { Clock } from "../base/clock.js";
import { LIMITS, POOL } from "../catalog/defaults.js";
import { NamedError } from "../core/named-error.js";
import type { TargetAddress } from "../targets/target.js";
import { BODIES } from "./amend-head.js";
import { HeadGuard, type HeadWaiter } from "./head-guard.js";
import { type HeldUpload, Http1Upload, type UploadListener } from "./held-upload.js";
import { makeWritesPatient } from "./patient-writes.js";
import type { HeadLimits, ResponseHead, TrailerLimits } from "./response-head.js";

/** What an answer may be at most. */
export type ConnectionLimits = HeadLimits & TrailerLimits;

/** What an exchange asks of the guard of its connection. */
export interface ConnectionGuard {
  /** The final head of the exchange under way, once it is complete. */
  readonly head: ResponseHead | null;
  expect(waiter: HeadWaiter): void;
  idle(): void;
  pause(): void;
  resume(): void;
  remove(): void;
}

/** A connection that carries one exchange at a time, or a stream of one that carries many. */
export interface Connection {
  readonly client: {
    dispatch(asked: Dispatcher.DispatchOptions, run: Dispatcher.DispatchHandler): boolean;
  };
  readonly guard: ConnectionGuard;
  readonly openedAt: number;
  /** Exchanges that were begun on it. */
  served: number;
  /** When the latest exchange on it ended; -1 while none has. */
  restedAt: number;
  /** The socket ended with an error of the network rather than with a farewell. */
  broke: boolean;
  /** The exchange under way; it hears of an error before undici has closed the socket. */
  running: { fail(error: unknown): void } | null;
  readonly alive: boolean;
  /** Sends the head of a request and asks by it whether the body is wanted, RFC 9110 §10.1.1. */
  hold(
    asked: Dispatcher.DispatchOptions,
    length: number | null,
    run: Dispatcher.DispatchHandler,
    listener: UploadListener,
  ): HeldUpload;
  /** A body is going to be streamed: an early answer must not be lost to a write that fails. */
  expectUpload(): void;
  destroy(): void;
}

/** A connection of HTTP/1.1, which is its socket. */
export interface SocketConnection extends Connection {
  readonly socket: Socket;
}

/** Wraps a socket that has just been opened. `onLost` is called once when it is gone. */
export function connectionOver(
  socket: Socket,
  target: TargetAddress,
  clock: Clock,
  onLost: (connection: Connection) => void,
  limits: ConnectionLimits = LIMITS,
): SocketConnection {
  let patient = false;
  const connection: SocketConnection = {
    client: clientOver(socket, target, limits),
    guard: new HeadGuard(socket, limits),
    socket,
    openedAt: clock.now(),
    served: 0,
    restedAt: -1,
    broke: false,
    running: null,
    get alive() {
      return !socket.destroyed && !socket.readableEnded;
    },
    hold(asked, length, run, listener) {
      const upload = new Http1Upload(socket, length, listener);
      upload.completeHead();
      const resets = !BODIES.has(asked.method);
      connection.client.dispatch(resets ? { ...asked, reset: true } : asked, run);
      return upload;
    },
    expectUpload() {
      if (!patient) makeWritesPatient(socket, clock);
      patient = true;
    },
    destroy() {
      socket.destroy();
    },
  };
  socket.on("error", (error) => {
    connection.broke = true;
    connection.running?.fail(error);
    // Node leaves a socket open behind a record of TLS that cannot be read, and undici waits.
    socket.destroy();
  });
  socket.once("end", () => {
    // libuv reports a reset that it finds behind data as an orderly end. The kernel knows better:
    // only a connection that was reset has no peer any more.
    if (target.socketPath === null && !hasPeer(socket)) connection.broke = true;
  });
  socket.once("close", () => onLost(connection));
  return connection;
}

/** Asked of the kernel: once it was read, Node keeps the address of a peer that is gone. */
function hasPeer(socket: Socket): boolean {
  const { _handle: handle } = socket as Socket & Handled;
  if (typeof handle?.getpeername !== "function") return socket.remoteAddress !== undefined;
  return handle.getpeername({}) === 0;
}

interface Handled {
  readonly _handle?: { getpeername?(into: object): number } | null;
}

function clientOver(socket: Socket, target: TargetAddress, limits: ConnectionLimits): Client {
  let given = false;
  // undici writes the Host of this address; it opens no connection of its own.
  return new Client(`${target.protocol}//${target.authority}`, {
    // A microtask later: undici does not write from within its own call for a connection.
    connect: (_options, callback) => {
      const first = !given;
      given = true;
      queueMicrotask(() => {
        if (first) callback(null, socket);
        else callback(new NamedError("connection_terminated"), null);
      });
    },
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: POOL.keepAliveMs,
    keepAliveMaxTimeout: POOL.keepAliveMsMax,
    keepAliveTimeoutThreshold: POOL.keepAliveMarginMs,
    // Timeouts are ours; undici's step by half a second.
    headersTimeout: 0,
    bodyTimeout: 0,
    // The guard counts the head itself. This bounds what is left to undici: the trailers.
    maxHeaderSize: limits.responseHeaderSectionBytesMax + limits.trailerSectionBytesMax,
  });
}
