/**
 * nginx and HAProxy as proxies of the bench, where they are installed: one worker on one core,
 * connections to the upstream kept, no access log.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onCore } from "./processes.mjs";
import { processTree } from "./usage.mjs";

const READY_POLLS = 100;
const POLL_MS = 50;
/** Both are often outside of the PATH of people. */
const PATH = `${process.env.PATH}:/usr/sbin:/usr/local/sbin`;

/** `helpers` counts the processes beside the worker. */
const SERVERS = {
  nginx: {
    helpers: 1,
    version: ["-v"],
    config: nginxConfig,
    args: (file, folder) => ["-c", file, "-p", folder, "-e", join(folder, "error.log")],
  },
  haproxy: {
    helpers: 0,
    version: ["-v"],
    config: haproxyConfig,
    args: (file) => ["-db", "-f", file],
  },
};

/** The version of an installed server, null where it is missing. */
export function serverVersion(name) {
  const asked = spawnSync(name, SERVERS[name].version, {
    encoding: "utf8",
    env: { ...process.env, PATH },
  });
  if (asked.error !== undefined) return null;
  return /(\d+\.\d+\.\d+)/.exec(asked.stdout + asked.stderr)?.[1] ?? "unknown";
}

/** Starts a server in front of the upstream; its processes count as one. */
export async function startServer(name, upstreamUrl, core) {
  const folder = mkdtempSync(join(tmpdir(), `bench-${name}-`));
  const port = await freePort();
  const file = join(folder, `${name}.conf`);
  const { config, args } = SERVERS[name];
  writeFileSync(file, config({ port, upstream: new URL(upstreamUrl).host, folder }));
  const [command, flags] = onCore(core, name, args(file, folder));
  const child = spawn(command, flags, {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, PATH },
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(port, child, name);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pids: await allOf(child.pid, name), url: `http://127.0.0.1:${port}`, stop };
}

/** The port is open before the worker is there, and it is the worker whose cost counts. */
async function allOf(pid, name) {
  for (let poll = 0; poll < READY_POLLS; poll += 1) {
    const pids = processTree(pid);
    if (pids.length > SERVERS[name].helpers) return pids;
    await sleep(POLL_MS);
  }
  throw new Error(`${name} started no worker in time`);
}

/** A body of 1 MiB stays in memory here as it does in the others; no file is written. */
function nginxConfig({ port, upstream, folder }) {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${folder}/${kind};`)
    .join("\n");
  return `daemon off;
worker_processes 1;
pid ${folder}/pid;
error_log ${folder}/error.log crit;
events { worker_connections 4096; }
http {
  access_log off;
${temporary}
  keepalive_requests 100000000;
  upstream bench {
    server ${upstream};
    keepalive 128;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://bench;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_max_temp_file_size 0;
    }
  }
}
`;
}

function haproxyConfig({ port, upstream }) {
  return `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind 127.0.0.1:${port}
  default_backend back
backend back
  server one ${upstream}
`;
}

function freePort() {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function listening(port, child, name) {
  for (let poll = 0; poll < READY_POLLS; poll += 1) {
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}`);
    if (await answers(port)) return;
    await sleep(POLL_MS);
  }
  throw new Error(`${name} did not listen in time`);
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
