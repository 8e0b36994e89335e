/**
 * An upstream that follows a script: raw bytes over TCP, a Unix socket, or TLS.
 * The first connection plays the first script, the second the second, and so on. With it a test can
 * be any upstream there is, the broken ones above all, without a line of server code.
 * Guarantee: `verify` fails when a script or a step was not reached, when bytes came that no step
 * reads, or when a socket is left open; nothing that happens on a socket ever throws into the test
 * process.
 */
import { createServer } from "node:net";
import type { TlsOptions } from "node:tls";
import { untilAborted } from "../base/abort.js";
import { systemClock } from "../base/clock.js";
import { listen } from "./listen.js";
import type { PlayStage } from "./play-step.js";
import { type PlayedConnection, playConnection } from "./played-connection.js";
import type { ReceivedRequest, Script } from "./script.js";
import { secureWith } from "./secure.js";

/** Where a scripted upstream listens and how it treats further connections. */
export interface ScriptedUpstreamOptions {
  /** Repeats the last script for all further connections. @default false */
  readonly loop?: boolean;
  /** Speaks TLS, with these options of `tls.createServer`. */
  readonly tls?: TlsOptions;
  /** Listens on a Unix socket, in a temporary folder of its own or at this path. @default false */
  readonly unix?: boolean | string;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** A fixed port, to return to a port that was closed before; otherwise the system chooses. */
  readonly port?: number;
  /** How long `verify` lets connections come to their end. @default 1000 */
  readonly verifyMs?: number;
}

/** A running scripted upstream and what it has seen. */
export interface ScriptedUpstream {
  /** `http://host:port`, `https://host:port` or `unix:/path`. */
  readonly origin: string;
  readonly host: string;
  /** 0 on a Unix socket. */
  readonly port: number;
  readonly socketPath: string | undefined;
  /** How many connections were accepted. */
  connections(): number;
  /** How many of them are not over yet. */
  openConnections(): number;
  /** Every head that a step has read, as it came, without the empty line. */
  heads(): readonly string[];
  /** What `readBody` and `readBytes` have read. */
  bodies(): readonly Buffer[];
  /** The requests to those heads, taken apart. */
  requests(): readonly ReceivedRequest[];
  /** Lets connections end, then rejects with all that went otherwise than written. */
  verify(): Promise<void>;
  /** Stops listening and cuts all connections. */
  close(): Promise<void>;
}

/** Thrown by `verify`. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
  readonly complaints: readonly string[];

  constructor(complaints: readonly string[]) {
    super(`the scripted upstream was not used as written:\n${complaints.join("\n")}`);
    this.complaints = complaints;
  }
}

/** Long enough for a close to cross the loopback on a loaded machine, short enough to wait for. */
const VERIFY_MS = 1000;

/** Starts an upstream that plays these scripts, one for each connection. */
export async function scriptedUpstream(
  scripts: readonly Script[],
  options: ScriptedUpstreamOptions = {},
): Promise<ScriptedUpstream> {
  const connections: PlayedConnection[] = [];
  const requests: ReceivedRequest[] = [];
  const bodies: Buffer[] = [];
  const server = createServer({ allowHalfOpen: true });
  const stage: PlayStage = {
    clock: systemClock,
    secure: secureWith(options.tls),
    destroyServer: () => void server.close(),
    requests,
    bodies,
  };
  server.on("connection", (raw) => {
    const number = connections.length + 1;
    const script = scripts[number - 1] ?? (options.loop === true ? scripts.at(-1) : undefined);
    connections.push(playConnection(stage, raw, number, script));
  });
  const { cleanUp, ...place } = await listen(server, {
    scheme: options.tls === undefined ? "http" : "https",
    host: options.host,
    port: options.port,
    unix: options.unix,
  });

  const complaints = (): readonly string[] => [
    ...scripts
      .map((_, index) => `script ${index + 1} was not reached: no connection came for it`)
      .slice(connections.length),
    ...connections.flatMap((one) => one.complaints()),
    ...connections.flatMap((one, index) =>
      one.isOver() ? [] : [`connection ${index + 1}: is still open`],
    ),
  ];
  return {
    ...place,
    connections: () => connections.length,
    openConnections: () => connections.filter((one) => !one.isOver()).length,
    heads: () => requests.map((request) => request.head),
    bodies: () => bodies,
    requests: () => requests,
    async verify() {
      for (const connection of connections) connection.resume();
      await allOverWithin(options.verifyMs ?? VERIFY_MS, connections);
      const found = complaints();
      if (found.length > 0) throw new ScriptError(found);
    },
    async close() {
      const closed = server.listening
        ? new Promise<void>((resolve) => void server.close(() => resolve()))
        : undefined;
      for (const connection of connections) connection.destroy();
      await Promise.all([closed, ...connections.map((one) => one.over)]);
      await cleanUp();
    },
  };
}

async function allOverWithin(ms: number, connections: readonly PlayedConnection[]): Promise<void> {
  const limit = new AbortController();
  const timer = systemClock.after(ms, () => limit.abort());
  const over = Promise.all(connections.map((one) => one.over));
  // That the time is up is not an error here: what is still open is then reported.
  await untilAborted(over, limit.signal).catch(() => {});
  timer.cancel();
}
