/**
 * Connections that rest between two requests: the place where a front's next request is lost.
 *
 * Node closes a connection when its keep-alive time is over, whether or not a request lies unread
 * in its buffer; a busy event loop makes that likely. Here the loop polls twice before it is
 * closed, and a request that has come is served. What came and was not served is counted.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Preparing } from "./behind-preparing.js";

/** One connection with at least one request. */
export interface RestingConnection {
  readonly socket: Socket;
  /** Answers that have not ended. */
  active: number;
  /** Since when it rests, and what had been read and written by then. */
  since: number;
  bytesRead: number;
  bytesWritten: number;
  /** Its requests came through a front, by their fields. */
  forwarded: boolean;
  /** Its keep-alive time was over, so that it was us who closed it. */
  outlasted: boolean;
}

/** Announces connections; each listener is called for each of them. */
export interface ConnectionWatch {
  of(socket: Socket): RestingConnection;
  /** A connection at rest has ended. */
  onEnd(listener: (connection: RestingConnection, restedMs: number) => void): void;
}

type Watched = Socket & { [STATE]?: RestingConnection };
const STATE = Symbol("good-gateway.connection");

export function watchConnections(preparing: Preparing): ConnectionWatch {
  const { core, server } = preparing;
  const listeners: ((connection: RestingConnection, restedMs: number) => void)[] = [];
  server.on("timeout", (socket: Watched) => onTimeout(preparing, socket));
  const ended = (connection: RestingConnection): void => {
    if (connection.active > 0) return;
    const restedMs = core.clock.now() - connection.since;
    const { socket } = connection;
    if (socket.bytesRead > connection.bytesRead) core.events.emit("request:lost", { restedMs });
    for (const listener of listeners) listener(connection, restedMs);
  };
  const watch = (socket: Watched): RestingConnection => {
    const connection: RestingConnection = {
      socket,
      active: 0,
      since: core.clock.now(),
      bytesRead: socket.bytesRead,
      bytesWritten: socket.bytesWritten,
      forwarded: false,
      outlasted: false,
    };
    socket[STATE] = connection;
    socket.once("close", () => ended(connection));
    return connection;
  };
  return {
    of: (socket: Watched) => socket[STATE] ?? watch(socket),
    onEnd: (listener) => void listeners.push(listener),
  };
}

type Serving = Watched & {
  readonly _httpMessage?: ServerResponse | null;
  readonly parser?: { readonly incoming?: IncomingMessage | null } | null;
};

// With a listener for `timeout` Node leaves the connection to us, as it does to any other.
function onTimeout({ core, server }: Preparing, socket: Serving): void {
  if (server.listenerCount("timeout") > 1) return;
  const answer = socket._httpMessage ?? null;
  if (answer !== null) {
    const asked = socket.parser?.incoming ?? null;
    const incomplete = asked !== null && !asked.complete;
    const heard = incomplete && asked.listenerCount("timeout") > 0;
    if (!heard && answer.listenerCount("timeout") === 0) socket.destroy();
    return;
  }
  const { bytesRead } = socket;
  core.clock.turn(() =>
    core.clock.turn(() => {
      const connection = socket[STATE];
      if (socket.destroyed) return;
      if (socket.bytesRead === bytesRead && (socket._httpMessage ?? null) === null) {
        if (connection !== undefined) connection.outlasted = true;
        socket.destroy();
      } else if (connection !== undefined) {
        core.events.emit("request:saved", { restedMs: core.clock.now() - connection.since });
      }
    }),
  );
}
