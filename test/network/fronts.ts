/**
 * HAProxy and nginx with the limits of the gateways, for the same targets: what they lose is what a
 * gateway may lose at most. Health checks, retries and redispatch as their manuals advise.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listening, type Process, startProcess } from "../servers/tools/processes.js";
import { programPath } from "../servers/tools/programs.js";
import { TIMEOUTS } from "./limits.js";

export interface Group {
  readonly port: number;
  /** Host and port of each target. */
  readonly servers: readonly string[];
}

const seconds = (ms: number) => `${ms / 1_000}s`;

/** Null where it is not installed. */
export async function startHaproxy(groups: readonly Group[]): Promise<Process | null> {
  const program = programPath("haproxy");
  if (program === null) return null;
  const text = [
    "global",
    "  maxconn 4000",
    "resolvers machine",
    "  parse-resolv-conf",
    "defaults",
    "  mode http",
    `  timeout connect ${TIMEOUTS.connectMs}ms`,
    `  timeout server ${TIMEOUTS.responseMs}ms`,
    `  timeout client ${TIMEOUTS.totalMs}ms`,
    `  timeout queue ${TIMEOUTS.connectMs}ms`,
    `  timeout check ${TIMEOUTS.connectMs}ms`,
    "  retries 3",
    "  option redispatch 1",
    "  retry-on all-retryable-errors",
    "  default-server check inter 1s fall 2 rise 1 init-addr none resolvers machine",
    ...groups.flatMap(({ port, servers }) => [
      `listen l${port}`,
      `  bind 127.0.0.1:${port}`,
      "  http-request disable-l7-retry if METH_POST",
      ...servers.map((server, at) => `  server s${at} ${server}`),
    ]),
    "",
  ];
  const file = join(mkdtempSync(join(tmpdir(), "lab-haproxy-")), "haproxy.cfg");
  writeFileSync(file, text.join("\n"));
  return started(startProcess(program, ["-db", "-f", file]), groups);
}

/** Its names have to exist when it starts: not for scenarios of names. */
export async function startNginx(groups: readonly Group[]): Promise<Process | null> {
  const program = programPath("nginx");
  if (program === null) return null;
  const folder = mkdtempSync(join(tmpdir(), "lab-nginx-"));
  const text = [
    "daemon off; worker_processes 1; pid nginx.pid;",
    process.getuid?.() === 0 ? "user root;" : "",
    "events { worker_connections 4000; }",
    "http { access_log off; client_max_body_size 0; large_client_header_buffers 4 16k;",
    ...["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (name) => `${name}_temp_path ${name}_temp;`,
    ),
    `proxy_connect_timeout ${seconds(TIMEOUTS.connectMs)};`,
    `proxy_read_timeout ${seconds(TIMEOUTS.responseMs)};`,
    `proxy_send_timeout ${seconds(TIMEOUTS.idleMs)};`,
    'proxy_http_version 1.1; proxy_set_header Connection "";',
    ...groups.flatMap(({ port, servers }) => [
      `upstream u${port} {`,
      ...servers.map((server) => `server ${server};`),
      "keepalive 8; }",
      `server { listen 127.0.0.1:${port}; location / { proxy_pass http://u${port}; } }`,
    ]),
    "}",
  ];
  writeFileSync(join(folder, "nginx.conf"), text.join("\n"));
  const args = ["-p", folder, "-c", "nginx.conf", "-e", join(folder, "error.log")];
  return started(startProcess(program, args), groups);
}

async function started(process: Process, groups: readonly Group[]): Promise<Process> {
  await Promise.race([
    Promise.all(groups.map(({ port }) => listening(port))),
    process.ended.then((code) => {
      throw new Error(`it ended with ${code}:\n${process.lines.join("\n")}`);
    }),
  ]);
  return process;
}
