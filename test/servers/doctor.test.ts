/**
 * The doctor against real servers, each broken in one known way: its verdict must name the layer in
 * all of them, and the cause in nearly all. The table is the list of what it knows.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type CertificatePair, testCertificates } from "good-gateway/testing";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { type DoctorOptions, runDoctor } from "./tools/doctor.js";
import { startNginx } from "./tools/nginx.js";
import { endProcesses, freePort, quietPort, startProcess } from "./tools/processes.js";
import { describeWith, programPath } from "./tools/programs.js";

const APPS = fileURLToPath(new URL("tools/broken-apps.mjs", import.meta.url));
const MINUTE = 60_000;
/** What Debian calls it, by its version; the first where none is installed. */
const FPMS = ["php-fpm8.2", "php-fpm8.3", "php-fpm8.4", "php-fpm"] as const;
const FPM = FPMS.find((name) => programPath(name) !== null) ?? FPMS[0];

let folder: string;
let files = 0;
const closers: (() => unknown)[] = [];
const certificates = testCertificates();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "good-gateway-doctor-"));
  // A user without rights must be able to come to the sockets in it.
  chmodSync(folder, 0o755);
  if (process.env["GOOD_GATEWAY_BUILT"] === "1") return;
  const { buildQuick } = await import("../tools/build-quick.mjs");
  await buildQuick();
}, MINUTE);

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  await endProcesses();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a broken application; resolves with where it listens. */
async function app(kind: string, place = "0", host = "127.0.0.1", flags: string[] = []) {
  const running = startProcess(process.execPath, [...flags, APPS, kind, place, host]);
  const line = await running.line("listening ");
  return { at: line.replace("listening ", ""), running };
}

async function https(pair: CertificatePair): Promise<number> {
  const server = createHttps({ ...pair, keepAliveTimeout: 70_000 }, (_, res) => res.end("ok"));
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
}

/** A queue of one place that nobody empties, and enough connections to fill it. */
async function fullQueue(place: string): Promise<void> {
  const unix = place.startsWith("/");
  const program = [
    "import socket,time,sys",
    unix
      ? `s=socket.socket(socket.AF_UNIX); s.bind(${JSON.stringify(place)})`
      : "s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); " +
        `s.bind(("127.0.0.1",${place}))`,
    "s.listen(0); print('listening', flush=True); time.sleep(60)",
  ].join("\n");
  await startProcess("python3", ["-c", program]).line("listening");
  const sockets: Socket[] = [];
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
  });
  for (let count = 0; count < 4; count += 1) {
    const socket = unix ? connect(place) : connect(Number(place), "127.0.0.1");
    socket.on("error", () => {});
    sockets.push(socket);
  }
  await new Promise((resolve) => sockets[0]?.once("connect", resolve));
}

function written(name: string, text: string): string {
  files += 1;
  mkdirSync(join(folder, `${files}`));
  const path = join(folder, `${files}`, name);
  writeFileSync(path, text);
  return path;
}

const path = (name: string): string => join(folder, name);
const nginx = (http: string): string => written("nginx.conf", `events {}\nhttp {\n${http}\n}\n`);
const location = (directives: string): string => nginx(`server { location / { ${directives} } }`);
const proxied = (address: string): string => location(`proxy_pass ${address};`);
const HAPROXY =
  "defaults\n  mode http\n  timeout connect 1s\n  timeout client 9s\n  timeout server 2s\n";
const haproxy = (rest: string): string => written("haproxy.cfg", HAPROXY + rest);
const apache = (lines: string): string => written("site.conf", lines);

/** A real PHP-FPM with one worker. */
async function fpm(listen: string, children = 1): Promise<void> {
  const conf = written(
    "fpm.conf",
    `[global]\nerror_log = ${path("fpm.log")}\ndaemonize = no\n[www]\nlisten = ${listen}\n` +
      `pm = static\npm.max_children = ${children}\npm.status_path = /status\nping.path = /ping\n` +
      (process.getuid?.() === 0 ? "user = root\ngroup = root\n" : ""),
  );
  const root = process.getuid?.() === 0 ? ["-R"] : [];
  const running = startProcess(programPath(FPM) ?? FPM, ["-y", conf, "-F", ...root]);
  // Its workers end with it only when it is asked to end.
  closers.push(() => running.stop("SIGTERM"));
  while (!(await accepts(listen))) await sleep(POLL_MS);
}

const POLL_MS = 50;

function accepts(listen: string): Promise<boolean> {
  const port = Number(listen.split(":")[1]);
  return new Promise((resolve) => {
    const socket = listen.startsWith("/") ? connect(listen) : connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

interface Scenario extends DoctorOptions {
  readonly name: string;
  /** Breaks something, and says what the doctor is pointed at. */
  readonly start: () => Promise<string | readonly string[]>;
  readonly layer: string;
  readonly cause: string;
}

const CONNECTIONS: readonly Scenario[] = [
  {
    name: "nginx: the application is down",
    start: async () => proxied(`http://127.0.0.1:${await quietPort()}`),
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "nginx: the application listens on the next port",
    async start() {
      const { at } = await app("well");
      return proxied(`http://127.0.0.1:${Number(at) - 1}`);
    },
    layer: "connect",
    cause: "listens_on_other_port",
  },
  {
    name: "nginx: the application listens on ::1, and 127.0.0.1 is dialled",
    async start() {
      const { at } = await app("well", "0", "::1");
      return proxied(`http://127.0.0.1:${at}`);
    },
    layer: "connect",
    cause: "listens_on_other_address",
  },
  {
    name: "HAProxy: the server is down",
    start: async () => haproxy(`backend app\n  server a 127.0.0.1:${await quietPort()} check\n`),
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "Apache: the backend is down",
    start: async () => apache(`ProxyPass / http://127.0.0.1:${await quietPort()}/ retry=0\n`),
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "nginx: the name does not exist",
    start: async () => proxied("http://app.does-not-exist.invalid:3000"),
    layer: "resolve",
    cause: "name_does_not_exist",
  },
  {
    name: "the accept queue of a port is full",
    async start() {
      const port = await freePort();
      await fullQueue(`${port}`);
      return proxied(`http://127.0.0.1:${port}`);
    },
    layer: "connect",
    cause: "backlog_full",
  },
];

const SOCKETS: readonly Scenario[] = [
  {
    name: "nginx: the socket path is wrong",
    async start() {
      await app("well", path("right.sock"));
      return proxied(`http://unix:${path("wrong.sock")}:/`);
    },
    layer: "connect",
    cause: "socket_path_wrong",
  },
  {
    name: "nginx: the socket may not be written by this user",
    async start() {
      await app("well", path("closed.sock"));
      chmodSync(path("closed.sock"), 0o600);
      return `unix:${path("closed.sock")}`;
    },
    asNobody: true,
    layer: "connect",
    cause: "socket_mode_wrong",
  },
  {
    name: "nginx: a folder on the way to the socket is closed",
    async start() {
      mkdirSync(path("closed"), { mode: 0o700 });
      await app("well", path("closed/app.sock"));
      return `unix:${path("closed/app.sock")}`;
    },
    asNobody: true,
    layer: "connect",
    cause: "folder_closed",
  },
  {
    name: "nginx: the socket was left by a process that was killed",
    async start() {
      const { running } = await app("well", path("stale.sock"));
      await running.stop("SIGKILL");
      return proxied(`http://unix:${path("stale.sock")}`);
    },
    layer: "connect",
    cause: "socket_stale",
  },
  {
    name: "nginx: the path of the socket is a file",
    async start() {
      writeFileSync(path("file.sock"), "");
      return proxied(`http://unix:${path("file.sock")}`);
    },
    layer: "connect",
    cause: "not_a_socket",
  },
  {
    name: "the accept queue of a socket is full",
    async start() {
      await fullQueue(path("full.sock"));
      return `unix:${path("full.sock")}`;
    },
    layer: "connect",
    cause: "backlog_full",
  },
];

const TLS: readonly Scenario[] = [
  {
    name: "nginx: the certificate has expired",
    start: async () =>
      location(`proxy_pass https://localhost:${await https(certificates.expired)};
                proxy_ssl_server_name on;`),
    layer: "secure",
    cause: "certificate_expired",
  },
  {
    name: "nginx: the certificate is for another name",
    start: async () =>
      location(`proxy_pass https://localhost:${await https(certificates.wrongName)};
                proxy_ssl_server_name on;`),
    layer: "secure",
    cause: "certificate_for_other_name",
  },
  {
    name: "nginx: the certificate is signed by itself",
    start: async () => `https://localhost:${await https(certificates.selfSigned)}/`,
    layer: "secure",
    cause: "certificate_self_signed",
  },
  {
    name: "nginx: https is asked of a plain port",
    async start() {
      const { at } = await app("well");
      return location(`proxy_pass https://127.0.0.1:${at}; proxy_ssl_server_name on;`);
    },
    layer: "secure",
    cause: "https_to_plain_port",
  },
  {
    name: "HAProxy: plain HTTP is asked of a TLS port",
    start: async () =>
      haproxy(`backend app\n  server a 127.0.0.1:${await https(certificates.valid)} check\n`),
    layer: "secure",
    cause: "http_to_tls_port",
  },
];

/** An application that is broken by itself, behind nginx. */
function broken(kind: string, layer: string, cause: string, ...args: string[]): Scenario {
  return {
    name: `nginx: the application is broken: ${kind}`,
    async start() {
      const flags = kind === "out-of-heap" ? ["--max-old-space-size=40"] : [];
      const { at } = await app(kind, "0", "127.0.0.1", flags);
      return [proxied(`http://127.0.0.1:${at}`), ...args];
    },
    layer,
    cause,
  };
}

const ANSWERS: readonly Scenario[] = [
  broken("silent", "head", "application_is_slow"),
  broken("slow-route", "head", "route_is_slow", "--health", "/healthz"),
  broken("hangs", "process", "event_loop_hangs"),
  broken("crashes", "process", "crashes_on_request"),
  broken("out-of-heap", "process", "crashes_on_request"),
  broken("closes", "head", "closes_without_answer"),
  broken("error-500", "head", "application_answers_error"),
  broken("not-healthy", "health", "health_path_fails", "--health", "/healthz"),
  broken("redirects", "health", "health_path_redirects", "--health", "/healthz"),
  broken("cut-body", "body", "body_is_cut"),
  broken("stops-in-body", "body", "body_stops"),
  broken("bad-header", "head", "head_is_invalid"),
  broken("cut-head", "head", "head_is_cut"),
  broken("redis", "head", "another_protocol"),
  broken("ssh", "head", "another_protocol"),
  broken("big-head", "head", "head_larger_than_buffer"),
  {
    name: "the process is stopped",
    async start() {
      const { at, running } = await app("well");
      running.child.kill("SIGSTOP");
      return proxied(`http://127.0.0.1:${at}`);
    },
    layer: "process",
    cause: "process_stopped",
  },
];

const FRONTS: readonly Scenario[] = [
  {
    name: "nginx: the pool keeps connections longer than Node does",
    async start() {
      const { at } = await app("short-keep-alive");
      return nginx(`upstream app { server 127.0.0.1:${at}; keepalive 16; }
        server { location / { proxy_pass http://app; proxy_http_version 1.1;
                              proxy_set_header Connection ""; } }`);
    },
    layer: "keep_alive",
    cause: "keep_alive_race",
  },
  {
    name: "Apache: idle connections are kept without an end",
    async start() {
      const { at } = await app("short-keep-alive");
      return apache(`ProxyPass / http://127.0.0.1:${at}/ retry=0\n`);
    },
    layer: "keep_alive",
    cause: "keep_alive_race",
  },
  {
    name: "nginx: the fields of a WebSocket are dropped",
    async start() {
      const { at } = await app("websocket");
      return proxied(`http://127.0.0.1:${at}`);
    },
    layer: "config",
    cause: "upgrade_header_missing",
  },
  {
    name: "nginx: an upstream block is asked with a port",
    async start() {
      const { at } = await app("well");
      return nginx(`upstream app { server 127.0.0.1:${at}; }
        server { location / { proxy_pass http://app:3000; } }`);
    },
    layer: "config",
    cause: "upstream_with_port",
  },
  {
    name: "nginx: a variable in the address, and no resolver",
    start: async () =>
      nginx("server { set $up app.internal; location / { proxy_pass http://$up:3000; } }"),
    layer: "config",
    cause: "no_resolver",
  },
  {
    name: "HAProxy: a backend that does not exist",
    async start() {
      const { at } = await app("well");
      return haproxy(
        "frontend web\n  bind :1\n  default_backend ap\nbackend app\n  server a " +
          `127.0.0.1:${at} check\n`,
      );
    },
    layer: "config",
    cause: "unknown_backend",
  },
  {
    name: "Apache: https to the backend, and SSLProxyEngine is off",
    start: async () =>
      apache(`ProxyPass / https://127.0.0.1:${await https(certificates.valid)}/ retry=0\n`),
    layer: "config",
    cause: "ssl_proxy_engine_off",
  },
];

const METHOD = "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param";

const POOLS: readonly Scenario[] = [
  {
    name: "PHP-FPM: all workers are busy",
    async start() {
      const socket = path("busy.sock");
      await fpm(socket);
      const script = written("slow.php", "<?php sleep(60);");
      await occupy(socket, script);
      return location(`${METHOD} SCRIPT_FILENAME ${script}; fastcgi_pass unix:${socket};`);
    },
    layer: "head",
    cause: "fpm_pool_full",
  },
  {
    name: "PHP-FPM: HTTP is spoken to its port",
    async start() {
      const port = await freePort();
      await fpm(`127.0.0.1:${port}`);
      return proxied(`http://127.0.0.1:${port}`);
    },
    layer: "head",
    cause: "http_to_fastcgi_port",
  },
  {
    name: "nginx: FastCGI is spoken to an HTTP port",
    async start() {
      const { at } = await app("well");
      return location(`${METHOD} SCRIPT_FILENAME /x.php; fastcgi_pass 127.0.0.1:${at};`);
    },
    layer: "head",
    cause: "fastcgi_to_http_port",
  },
  {
    name: "PHP-FPM: the socket of another version is named",
    async start() {
      await fpm(path("php8.2-fpm.sock"));
      const socket = path("php7.4-fpm.sock");
      return location(`${METHOD} SCRIPT_FILENAME /x.php; fastcgi_pass unix:${socket};`);
    },
    layer: "connect",
    cause: "socket_path_wrong",
  },
];

/** Keeps the one worker busy, through a real nginx as a client would. */
async function occupy(socket: string, script: string): Promise<void> {
  const front = await startNginx({
    http: `server { listen 127.0.0.1:$port; location / {
      fastcgi_param REQUEST_METHOD GET; fastcgi_param SCRIPT_FILENAME ${script};
      fastcgi_pass unix:${socket}; } }`,
  });
  closers.push(() => front.stop());
  const busy = connect(front.port, "127.0.0.1");
  busy.on("error", () => {});
  closers.push(() => busy.destroy());
  busy.write("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
  // The status of a worker that works is seen by the next one who asks, and gets no answer.
  await sleep(300);
}

const right = { layer: 0, cause: 0, all: 0 };

describeWith(["nginx", "python3", "ss"], "the doctor", () => {
  const table = [...CONNECTIONS, ...SOCKETS, ...TLS, ...ANSWERS, ...FRONTS];
  it.each(table)("$name", { timeout: MINUTE }, (scenario) => examined(scenario));

  it("names the layer in all, and the cause in at least nine of ten", () => {
    expect(right.all).toBeGreaterThanOrEqual(30);
    expect(right.layer).toBe(right.all);
    expect(right.cause / right.all).toBeGreaterThanOrEqual(0.9);
  });
});

describeWith(["nginx", FPM], "the doctor and PHP-FPM", () => {
  it.each(POOLS)("$name", { timeout: MINUTE }, (scenario) => examined(scenario));
});

async function examined({ start, layer, cause, asNobody = false }: Scenario): Promise<void> {
  const { code, report } = await runDoctor([await start()].flat(), { asNobody });
  const { verdict } = report;
  right.all += 1;
  if (verdict.layer === layer) right.layer += 1;
  if (verdict.cause === cause) right.cause += 1;
  expect(code).toBe(1);
  expect({ layer: verdict.layer, cause: verdict.cause }, verdict.title).toEqual({ layer, cause });
}
