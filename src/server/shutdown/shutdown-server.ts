/**
 * One server as a shutdown sees it: what it still accepts, and its connections.
 *
 * Guarantee: accepted connections are served. The listening socket is closed when its queue is
 * empty, as far as that can be known, and closing it closes no connection.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Clock } from "../../base/clock.js";
import { SHUTDOWN } from "../../catalog/defaults.js";
import { responseOver } from "../../wire/response-over.js";
import { type ConnectionTracker, trackConnections } from "./shutdown-connections.js";
import { trackSessions } from "./shutdown-sessions.js";
import type { DrainParts, Tracker } from "./shutdown-tally.js";

/** Answers a request that came too late. */
export type Refuse = (req: IncomingMessage, res: ServerResponse) => void;

export interface ServerDrain extends Tracker {
  /** New connections are refused from then on, or answered with a refusal. */
  stopAccepting(): Promise<void>;
}

export function drainServer(server: NetServer, parts: DrainParts, refuse: Refuse): ServerDrain {
  const http2 = "updateSettings" in server;
  // Without TLS there is no choice of protocols, so all connections of such a server are sessions.
  const connections =
    http2 && !(server instanceof TlsServer) ? null : trackConnections(server, parts);
  const trackers: readonly Tracker[] = [
    ...(connections === null ? [] : [connections]),
    ...(http2 ? [trackSessions(server, parts)] : []),
  ];
  const all = (work: (tracker: Tracker) => void): void => {
    for (const tracker of trackers) work(tracker);
  };
  const total = (count: (tracker: Tracker) => number): number =>
    trackers.reduce((sum, tracker) => sum + count(tracker), 0);
  let stopAnswering = (): void => {};

  return {
    get open() {
      return total(({ open }) => open);
    },
    get busy() {
      return total(({ busy }) => busy);
    },
    begin: () => all((tracker) => tracker.begin()),
    async stopAccepting() {
      if (parts.plan.newConnections === "refuse" || connections === null) {
        await quietTurn(server, parts.clock);
        closeListener(server);
        return;
      }
      stopAnswering = answerNew(server, connections, (req, res) => {
        parts.tally.refused += 1;
        refuse(req, res);
      });
    },
    closeAfterAnswers: () => all((tracker) => tracker.closeAfterAnswers()),
    sweep: () => all((tracker) => tracker.sweep()),
    destroy() {
      closeListener(server);
      all((tracker) => tracker.destroy());
      // Those that were open before the shutdown was installed, and never asked anything since.
      (server as Partial<ConnectionCloser>).closeAllConnections?.();
    },
    release() {
      stopAnswering();
      all((tracker) => tracker.release());
    },
  };
}

interface ConnectionCloser {
  closeAllConnections(): void;
  closeIdleConnections: () => void;
}

/**
 * Closing a listening socket resets connections that wait to be accepted. The event loop accepts
 * one of them in each turn, so after a turn that accepted none, none waited when it polled. The
 * turn must be short, too, since others arrive meanwhile.
 */
async function quietTurn(server: NetServer, clock: Clock): Promise<void> {
  let accepted = 0;
  const onConnection = (): void => {
    accepted += 1;
  };
  server.on("connection", onConnection);
  let turnedAt = Number.NEGATIVE_INFINITY;
  for (let turns = 0; turns < SHUTDOWN.quietTurnsMax; turns += 1) {
    const before = accepted;
    await new Promise<void>((resolve) => void clock.turn(resolve));
    const now = clock.now();
    if (accepted === before && now - turnedAt <= SHUTDOWN.quietTurnMs) break;
    turnedAt = now;
  }
  server.off("connection", onConnection);
}

/** Node's `close` also closes the connections at rest, at once; they are our affair. */
function closeListener(server: NetServer): void {
  if (!server.listening) return;
  const closer = server as NetServer & Partial<ConnectionCloser>;
  const own = Object.getOwnPropertyDescriptor(closer, "closeIdleConnections");
  closer.closeIdleConnections = () => {};
  try {
    server.close();
  } finally {
    if (own === undefined) delete closer.closeIdleConnections;
    else Object.defineProperty(closer, "closeIdleConnections", own);
  }
}

const REQUESTS: ReadonlySet<string> = new Set(["request", "checkContinue", "checkExpectation"]);

/**
 * Requests on new connections do not reach the application's listeners, which stay where they are:
 * the request is answered before they are called. Only while a shutdown runs.
 */
function answerNew(server: NetServer, connections: ConnectionTracker, refuse: Refuse): () => void {
  const own = Object.getOwnPropertyDescriptor(server, "emit");
  const emit = server.emit as (event: string, ...args: unknown[]) => boolean;
  const emitLess = function (this: NetServer, event: string, ...args: unknown[]): boolean {
    const [req, second] = args as [IncomingMessage, ServerResponse | Socket];
    if (REQUESTS.has(event) && connections.isNew(req.socket)) {
      refuse(req, second as ServerResponse);
      return true;
    }
    if (event === "upgrade" && connections.isNew(req.socket)) {
      refuse(req, responseOver(req, second as Socket));
      return true;
    }
    return emit.call(this, event, ...args);
  };
  Object.defineProperty(server, "emit", { value: emitLess, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(server, "emit");
    else Object.defineProperty(server, "emit", own);
  };
}
