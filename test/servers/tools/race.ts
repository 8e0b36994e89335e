/**
 * The keep-alive race: bursts of POSTs through nginx's pools, with rests in between that end around
 * the moment at which one side or the other closes what rests.
 *
 * Each pool has 32 connections, as `keepalive 32` says, and a client that sends as many requests at
 * once. Pools run side by side, so that many rests fit into a short time.
 */
import { once } from "node:events";
import { Agent } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { count, type Losses, send } from "./load.js";
import { startNginx } from "./nginx.js";
import { freePort, startProcess } from "./processes.js";

const APP = fileURLToPath(new URL("../apps/race.mjs", import.meta.url));

/** Requests at once, and connections that a pool keeps. */
const BURST = 32;
/** A rest ends within this of the moment: mostly before, since after it nothing can be lost. */
const EARLY_MS = 30;
const LATE_MS = 10;

export interface RaceOptions {
  /** What the app is told: a front, or its own keep-alive time, or nothing for Node's default. */
  readonly env: Readonly<Record<string, string>>;
  /** nginx's `keepalive_timeout` of a pool; null for its own default of 60 s. */
  readonly poolMs: number | null;
  /** Rests that end around each of these times, in pools of their own. */
  readonly rests: readonly { readonly aroundMs: number; readonly pools: number }[];
  /** How many requests are sent for each of the rests, at least. */
  readonly requests: number;
}

/** How long a server with this setting keeps a connection; Node adds to what it is told. */
export async function restOf(env: Readonly<Record<string, string>>): Promise<number> {
  const port = await freePort();
  const app = startProcess(process.execPath, [APP], { env: { ...env, PORT: `${port}` } });
  await app.line("keepAliveTimeout");
  const socket = connect(port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
  await once(socket, "data");
  const from = performance.now();
  await once(socket, "close");
  const rested = performance.now() - from;
  await app.stop();
  return rested;
}

export async function race(options: RaceOptions): Promise<Losses> {
  const port = await freePort();
  const app = startProcess(process.execPath, [APP], { env: { ...options.env, PORT: `${port}` } });
  await app.line("keepAliveTimeout");
  const rests = options.rests.flatMap(({ aroundMs, pools }) =>
    Array.from({ length: pools }, () => ({ aroundMs, pools })),
  );
  const nginx = await startNginx({ http: pools(rests.length, port, options.poolMs) });
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 4_096 });
  const losses: Losses = { sent: 0, answered: 0, lost: new Map() };
  const burst = (path: string) =>
    Promise.all(
      Array.from({ length: BURST }, async () => {
        losses.sent += 1;
        count(losses, "POST", await send(agent, { path }, nginx.port, "POST"));
      }),
    );
  await Promise.all(
    rests.map(async ({ aroundMs, pools }, pool) => {
      const rounds = Math.ceil(options.requests / (pools * BURST));
      // Not all at once, as clients would not be either.
      await sleep((pool / rests.length) * Math.min(aroundMs, 1_000));
      for (let round = 0; round < rounds; round += 1) {
        await burst(`/${pool}/`);
        if (round + 1 === rounds) break;
        await sleep(aroundMs - EARLY_MS + Math.random() * (EARLY_MS + LATE_MS));
      }
    }),
  );
  agent.destroy();
  await nginx.stop();
  await app.stop();
  return losses;
}

function pools(number: number, port: number, poolMs: number | null): string {
  const every = Array.from({ length: number }, (_, pool) => pool);
  const timeout = poolMs === null ? "" : `keepalive_timeout ${poolMs}ms;`;
  return [
    ...every.map(
      (pool) => `upstream app${pool} { server 127.0.0.1:${port}; keepalive ${BURST}; ${timeout} }`,
    ),
    "server {",
    "listen 127.0.0.1:$port;",
    "proxy_http_version 1.1;",
    'proxy_set_header Connection "";',
    ...every.map((pool) => `location /${pool}/ { proxy_pass http://app${pool}; }`),
    "}",
  ].join("\n");
}
