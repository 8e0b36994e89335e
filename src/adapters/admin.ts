/**
 * `startAdmin`: a small server of its own for health, and for what else operators ask.
 *
 * Guarantee: it answers through lame duck and drain, and closes after everything else; it keeps no
 * process alive, and what it serves is counted nowhere as a request of the application.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ADMIN } from "../catalog/health-defaults.js";
import { type Gateway, gatewayCore } from "../gateway/gateway.js";
import { markAdminPort } from "../gateway/operators.js";
import { isLoopback } from "../gateway/options/normalise.js";
import { writeHead } from "../wire/write-response.js";
import { healthHandler } from "./health.js";

/** Answers a request, or calls `next` for the handler behind it. */
export type AdminHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/** Where the admin server listens, and what it serves. */
export interface AdminOptions {
  /** The port; 0 for any that is free. */
  readonly port: number;
  /**
   * The address to listen on. Kubernetes and balancers probe from outside: "0.0.0.0" or "::".
   * @default "127.0.0.1"
   */
  readonly host?: string;
  /**
   * Asked in turn; what none of them answers is 404. Without it there is `healthHandler`, with
   * details for this machine when the server listens on a loopback address, else for nobody.
   */
  readonly handlers?: readonly AdminHandler[];
}

/** A running admin server. */
export interface Admin {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Ends it before the gateway is closed, which would end it, too. */
  close(): Promise<void>;
}

/** Starts the admin server; rejects when the port cannot be listened on. */
export async function startAdmin(gateway: Gateway, options: AdminOptions): Promise<Admin> {
  const { port, host = ADMIN.host, handlers } = options;
  checkOptions(options);
  const core = gatewayCore(gateway);
  const verbose = isLoopback(host) ? "local" : "never";
  const server = createServer(chain(handlers ?? [healthHandler(gateway, { verbose })]));
  boundConnections(server, ADMIN.connectionsMax);
  await listen(server, port, host);
  server.unref();
  const address = server.address() as AddressInfo;
  if (isLoopback(address.address)) server.on("connection", markAdminPort);
  const forget = core.onClose(() => void close());
  const close = (): Promise<void> => {
    forget();
    return end(server);
  };
  const shownHost = address.family === "IPv6" ? `[${address.address}]` : address.address;
  return {
    host: address.address,
    port: address.port,
    url: `http://${shownHost}:${address.port}`,
    close,
  };
}

/**
 * At the limit the connection that has been silent for longest makes room, so that connections
 * without a request keep no probe out. One with a request under way stays.
 */
function boundConnections(server: Server, connectionsMax: number): void {
  /** Those without a request, since when, in that order. */
  const silent = new Set<Socket>();
  let open = 0;
  server.on("connection", (socket) => {
    socket.unref();
    open += 1;
    silent.add(socket);
    socket.once("close", () => {
      open -= 1;
      silent.delete(socket);
    });
    const [longest] = silent;
    if (open > connectionsMax) longest?.destroy();
  });
  server.on("request", ({ socket }, res) => {
    silent.delete(socket);
    res.once("close", () => {
      if (!socket.destroyed) silent.add(socket);
    });
  });
}

function checkOptions({ port, handlers }: AdminOptions): void {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`port: ${String(port)} is not a port; write 0 for any that is free`);
  }
  if (handlers === undefined) return;
  if (!Array.isArray(handlers) || handlers.some((one) => typeof one !== "function")) {
    throw new TypeError("handlers: not a list of functions (req, res, next)");
  }
}

function chain(handlers: readonly AdminHandler[]) {
  return (req: IncomingMessage, res: ServerResponse): void => {
    const ask = (index: number, error?: unknown): void => {
      const handler = handlers[index];
      if (error !== undefined) answer(res, 500);
      else if (handler === undefined) answer(res, 404);
      else {
        try {
          const answered = handler(req, res, (failed) => ask(index + 1, failed));
          // A rejection that nobody handles would end the process.
          if (answered instanceof Promise) answered.catch((thrown) => ask(index, thrown ?? true));
        } catch (thrown) {
          ask(index, thrown ?? true);
        }
      }
    };
    ask(0);
  };
}

/** An answer without a body, as far as none has been begun. */
function answer(res: ServerResponse, status: 404 | 500): void {
  if (res.headersSent) res.destroy();
  else {
    writeHead(res, status, undefined, ["content-length", "0", "cache-control", "no-store"]);
    res.end();
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** What is being answered is answered; then nothing stays open. */
function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A connection that is in use now is at rest for the shortest time that Node knows.
    server.keepAliveTimeout = 1;
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
