/**
 * The HTTP/1.1 connections of a server: what is under way on each, and their end in order.
 *
 * A connection at rest may be chosen by the client at the very moment when it is closed, and then a
 * request is lost. So while answers are given, each says `Connection: close`; a connection is
 * closed only if it was silent for a while, right after the event loop has read all that had
 * arrived.
 * Guarantee: no listener of other code is removed or replaced; what adds to a request before a
 * shutdown is a count and one listener on its response.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import { TLSSocket, Server as TlsServer } from "node:tls";
import { isHttp2 } from "../../wire/http2.js";
import { alongside } from "../alongside.js";
import { type DrainParts, spreadEnd, type Tracker, type WorkCounts } from "./shutdown-tally.js";

const CONNECTION = Symbol("good-gateway.connection");
type TrackedSocket = Socket & { [CONNECTION]?: ShutdownConnection };
/** The head as it was sent, as Node keeps it; `getHeader` knows nothing of what a list named. */
type SentHead = ServerResponse & { readonly _header?: string | null };

/** Nothing has been seen of it yet. */
const UNSEEN = -1;

export interface ConnectionTracker extends Tracker {
  /** Whether this connection was opened after answers began to close theirs. */
  isNew(socket: Socket): boolean;
}

export function trackConnections(server: NetServer, parts: DrainParts): ConnectionTracker {
  const book = new Book(parts);
  const stops = [
    ...listenForSockets(server, book),
    ...["request", "checkContinue", "checkExpectation"].map((event) =>
      alongside(server, event, (req: IncomingMessage, res: ServerResponse) => {
        if (!isHttp2(req)) book.of(req.socket).began(res);
      }),
    ),
    ...["upgrade", "connect"].map((event) =>
      alongside(server, event, (req: IncomingMessage) => {
        book.of(req.socket).upgraded = true;
      }),
    ),
  ];
  return {
    get open() {
      let open = 0;
      for (const { isNew } of book.connections) if (!isNew) open += 1;
      return open;
    },
    get busy() {
      let busy = 0;
      for (const { active, upgraded } of book.connections) busy += upgraded ? 1 : active;
      return busy;
    },
    begin: () => book.begin(),
    closeAfterAnswers: () => book.closeAfterAnswers(),
    sweep() {
      for (const connection of book.connections) connection.sweep();
    },
    destroy() {
      for (const connection of book.connections) connection.destroy();
    },
    isNew: (socket) => (socket as TrackedSocket)[CONNECTION]?.isNew === true,
    release() {
      for (const stop of stops) stop();
    },
  };
}

function listenForSockets(server: NetServer, book: Book): readonly (() => void)[] {
  const on = (event: string, listener: (socket: Socket) => void): (() => void) => {
    server.on(event, listener);
    return () => void server.off(event, listener);
  };
  if (!(server instanceof TlsServer)) return [on("connection", (socket) => void book.of(socket))];
  // A handshake that is under way is a client that is about to ask.
  const handshakes = new Map<string, ShutdownConnection>();
  const nameOf = ({ remoteAddress, remotePort }: Socket): string | null =>
    remotePort === undefined ? null : `${remoteAddress} ${remotePort}`;
  return [
    on("connection", (socket) => {
      const name = nameOf(socket);
      if (name === null) return;
      handshakes.set(name, book.of(socket));
      socket.once("close", () => handshakes.delete(name));
    }),
    on("secureConnection", (socket) => {
      const name = nameOf(socket);
      const handshake = name === null ? undefined : handshakes.get(name);
      if (handshake !== undefined) book.connections.delete(handshake);
      // Sessions of HTTP/2 are kept elsewhere.
      if ((socket as TLSSocket).alpnProtocol !== "h2") book.of(socket);
    }),
  ];
}

class Book {
  readonly connections = new Set<ShutdownConnection>();
  readonly parts: DrainParts;
  counting = false;
  closing = false;

  constructor(parts: DrainParts) {
    this.parts = parts;
  }

  of(socket: TrackedSocket): ShutdownConnection {
    const known = socket[CONNECTION];
    if (known !== undefined) return known;
    const connection = new ShutdownConnection(this, socket);
    socket[CONNECTION] = connection;
    this.connections.add(connection);
    socket.once("close", () => {
      this.connections.delete(connection);
      if (connection.upgraded) connection.ended("upgrades");
    });
    return connection;
  }

  begin(): void {
    this.counting = true;
    for (const connection of this.connections) connection.look();
  }

  closeAfterAnswers(): void {
    this.closing = true;
    for (const { newest } of this.connections) if (newest !== null) closeAfter(newest);
  }
}

class ShutdownConnection {
  readonly #book: Book;
  readonly #socket: Socket;
  readonly isNew: boolean;
  /** Requests whose answers are not over; more than one when they are pipelined. */
  active = 0;
  newest: ServerResponse | null = null;
  upgraded = false;
  /** Bytes that had come in when it was last seen at rest. */
  #seen = UNSEEN;
  #quietSince = 0;
  #endsAt: number | null = null;
  #cut = false;

  constructor(book: Book, socket: Socket) {
    this.#book = book;
    this.#socket = socket;
    this.isNew = book.closing;
  }

  began(res: ServerResponse): void {
    // A handler of `checkContinue` may hand the same request on to those of `request`.
    if (this.newest === res) return;
    const before = this.newest;
    // Its upgrade was ignored, and it is served as a request.
    this.upgraded = false;
    this.active += 1;
    this.newest = res;
    res.once("close", onResponseClose);
    if (!this.#book.closing) return;
    // RFC 9112 §9.6: after an answer that closes nothing is answered, so only the last may say it.
    if (before !== null && !before.headersSent) before.shouldKeepAlive = true;
    closeAfter(res);
  }

  over(res: ServerResponse): void {
    this.active -= 1;
    if (this.newest === res) this.newest = null;
    this.#seen = UNSEEN;
    this.ended(isEventStream(res) ? "eventStreams" : "requests");
  }

  ended(kind: keyof WorkCounts): void {
    const { counting, parts } = this.#book;
    if (counting && !this.#cut) parts.tally.finished[kind] += 1;
  }

  /** Notes whether anything has come in since it was last looked at. */
  look(): void {
    const atRest = this.active === 0 && !this.upgraded;
    const bytes = atRest ? this.#socket.bytesRead : UNSEEN;
    if (atRest && bytes === this.#seen) return;
    this.#seen = bytes;
    this.#quietSince = this.#book.parts.clock.now();
  }

  sweep(): void {
    const { plan } = this.#book.parts;
    if (this.upgraded) this.#endStream("upgrades", plan.upgradeTimeoutMs);
    else if (this.active === 0) this.#closeWhenQuiet();
    else if (this.#streamsEvents()) this.#endStream("eventStreams", plan.streamTimeoutMs);
  }

  #closeWhenQuiet(): void {
    const { plan, clock, tally } = this.#book.parts;
    this.look();
    if (clock.now() - this.#quietSince < plan.idleCloseMs) return;
    tally.idleClosed += 1;
    // TLS says goodbye first. Else at once: what came after a half-close could not be answered.
    if (this.#socket instanceof TLSSocket) this.#socket.destroySoon();
    else this.#socket.destroy();
  }

  #endStream(kind: "eventStreams" | "upgrades", timeoutMs: number): void {
    const { parts } = this.#book;
    this.#endsAt ??= spreadEnd(parts, timeoutMs);
    if (parts.clock.now() < this.#endsAt) return;
    this.#cutAs(kind, 1);
  }

  destroy(): void {
    if (this.upgraded) this.#cutAs("upgrades", 1);
    else this.#cutAs(this.#streamsEvents() ? "eventStreams" : "requests", this.active);
  }

  #streamsEvents(): boolean {
    return this.newest !== null && isEventStream(this.newest);
  }

  #cutAs(kind: keyof WorkCounts, count: number): void {
    if (!this.#cut) this.#book.parts.tally.cut[kind] += count;
    this.#cut = true;
    this.#socket.destroy();
  }
}

function onResponseClose(this: ServerResponse): void {
  (this.req.socket as TrackedSocket)[CONNECTION]?.over(this);
}

function closeAfter(res: ServerResponse): void {
  if (!res.headersSent) res.shouldKeepAlive = false;
}

function isEventStream(res: SentHead): boolean {
  return res.headersSent && /^content-type: *text\/event-stream/im.test(res._header ?? "");
}
