/**
 * `startAdmin`: a small separate server for health checks and other endpoints for operators.
 *
 * Guarantee: it answers through lame duck and drain, and closes after everything else; it does not
 * keep the process alive, and its requests are not counted as requests of the application.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ADMIN } from "../catalog/health-defaults.js";
import { ADMIN_OPTIONS } from "../catalog/options/admin.js";
import { defaultsOf, type OptionsOf } from "../catalog/options/option.js";
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import { createFindings } from "../options/findings.js";
import { checkNames } from "../options/known-names.js";
import { isLoopback } from "../options/normalise.js";
import { markAdminPort } from "../options/operators.js";
import { readOptions } from "../options/read-option.js";
import { writeHead } from "../wire/write-response.js";
import { healthHandler } from "./health.js";

/** Answers a request, or calls `next` for the handler behind it. */
export type AdminHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  next: (error?: unknown) => void,
) => unknown;

/** Where the admin server listens, and what it serves. */
export interface AdminOptions extends OptionsOf<typeof ADMIN_OPTIONS> {
  /** The port; 0 for any free port. */
  readonly port: number;
  /**
   * Called in turn; a request that none of them answers gets 404. Default: `healthHandler`, which
   * shows details to this machine if the server listens on a loopback address, else to no client.
   */
  readonly handlers?: readonly AdminHandler[];
}

const DEFAULTS = defaultsOf(ADMIN_OPTIONS);
const NAMES = [...Object.keys(ADMIN_OPTIONS), "handlers"];

/** A running admin server. */
export interface Admin {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Closes it now; closing the gateway also closes it. */
  close(): Promise<void>;
}

/** Starts the admin server; rejects when the port cannot be listened on. */
export async function startAdmin(gateway: Gateway, options: AdminOptions): Promise<Admin> {
  checkOptions(options);
  const { port, host = DEFAULTS.host, handlers } = options;
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
 * At the limit the connection that has been idle longest is closed, so that idle connections do
 * not keep probes out. A connection with a request in progress stays.
 */
function boundConnections(server: Server, connectionsMax: number): void {
  /** Connections without a request, with the time since when, in that order. */
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

function checkOptions(options: AdminOptions): void {
  const findings = createFindings();
  checkNames(findings, "", NAMES, options);
  readOptions(findings, "", ADMIN_OPTIONS, { ...options });
  const { port, handlers } = options;
  if (port === undefined) findings.problem("port", "is missing; write 0 for any free port");
  if (handlers !== undefined && !isListOfFunctions(handlers)) {
    findings.problem("handlers", "not a list of functions (req, res, next)");
  }
  const { problems } = findings;
  if (problems.length > 0) throw new TypeError(`startAdmin: ${problems.join("; ")}`);
}

function isListOfFunctions(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => typeof one === "function");
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
          // An unhandled rejection would end the process.
          if (answered instanceof Promise) answered.catch((thrown) => ask(index, thrown ?? true));
        } catch (thrown) {
          ask(index, thrown ?? true);
        }
      }
    };
    ask(0);
  };
}

/** An answer without a body, unless one has been started. */
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

/** Finishes answers in progress, then closes all connections. */
function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // A connection in use is then idle for the shortest time that Node supports.
    server.keepAliveTimeout = 1;
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
