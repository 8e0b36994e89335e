/**
 * A rolling restart of two app processes under constant load over kept connections: through nginx,
 * and directly.
 *
 * One process at a time: SIGTERM, its end, a new one on the same port, and when that listens the
 * other. While one is away its port refuses connections. nginx then asks the other, and so does
 * the direct client, which has no balancer in front: a refused connection has carried nothing. The
 * direct client sends nothing again that was sent.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Losses, startLoad } from "./load.js";
import { startNginx } from "./nginx.js";
import { freePort, type Process, startProcess } from "./processes.js";

const APP = fileURLToPath(new URL("../apps/restart.mjs", import.meta.url));

export interface RestartOptions {
  /** What the apps are told: a front, or nothing for an app without good-gateway. */
  readonly env: Readonly<Record<string, string>>;
  readonly restarts: number;
}

export interface Restarted {
  readonly nginx: Losses;
  readonly direct: Losses;
  /** How the processes ended: exit code or signal. */
  readonly ends: readonly (number | string)[];
}

/** Requests at once, for each of the two ways. */
const WORKERS = 16;
/** Between the 1.6 s of PM2 and the 10 s of Docker and supervisord. */
const KILL_MS = 5_000;
/** Nobody sends without a break. */
const PAUSE_MS = 2;

export async function rollingRestart({ env, restarts }: RestartOptions): Promise<Restarted> {
  const ports = [await freePort(), await freePort()] as const;
  const start = async (port: number): Promise<Process> => {
    const app = startProcess(process.execPath, [APP], { env: { ...env, PORT: `${port}` } });
    await app.line("listening");
    return app;
  };
  const apps = [await start(ports[0]), await start(ports[1])];
  const nginx = await startNginx({ http: upstream(ports) });
  const shared = { workers: WORKERS, pauseMs: PAUSE_MS };
  const loads = {
    nginx: startLoad({ ...shared, ports: [nginx.port] }),
    direct: startLoad({ ...shared, ports, nextWhenRefused: true }),
  };
  const ends: (number | string)[] = [];
  for (let turn = 0; turn < restarts; turn += 1) {
    const at = turn % 2;
    ends.push(await stopped(apps[at] as Process));
    apps[at] = await start(ports[at] as number);
  }
  const [byNginx, byNobody] = await Promise.all([loads.nginx.stop(), loads.direct.stop()]);
  await nginx.stop();
  await Promise.all(apps.map((app) => app.stop("SIGKILL")));
  return { nginx: byNginx, direct: byNobody, ends };
}

/** As process managers do: the signal, and the end by force when it takes too long. */
async function stopped(app: Process): Promise<number | string> {
  const over = new AbortController();
  const kill = sleep(KILL_MS, null, { signal: over.signal })
    .then(() => app.child.kill("SIGKILL"))
    .catch(() => {});
  const end = await app.stop("SIGTERM");
  over.abort();
  await kill;
  return end;
}

/**
 * With `max_fails=0` a refused connection does not put a server aside for ten seconds, in which the
 * other one may be the next to restart; the request goes to the other one in any case.
 */
function upstream([one, other]: readonly [number, number]): string {
  return [
    "upstream app {",
    `server 127.0.0.1:${one} max_fails=0;`,
    `server 127.0.0.1:${other} max_fails=0;`,
    "keepalive 32;",
    "}",
    "server {",
    "listen 127.0.0.1:$port;",
    "location / {",
    "proxy_pass http://app;",
    "proxy_http_version 1.1;",
    'proxy_set_header Connection "";',
    "}",
    "}",
  ].join("\n");
}
