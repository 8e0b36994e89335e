/**
 * The doctor and fronts that run: nginx, HAProxy and Apache ask an application in a manner of their
 * own, and what is wrong is that manner. Each scenario breaks one thing; each verdict must name the
 * layer and the cause. Several run side by side, since most of their time is waiting.
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createRaw } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { testCertificates } from "good-gateway/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type DoctorVerdict, runDoctor } from "./tools/doctor.js";
import { nameServer } from "./tools/name-server.js";
import { quietPort } from "./tools/processes.js";
import { describeWith } from "./tools/programs.js";
import { sideBySide } from "./tools/side-by-side.js";
import { type Stage, stageIn } from "./tools/stage.js";

const MINUTES = 240_000;
/** Side by side; more would make each of them slow. */
const AT_ONCE = 3;

interface Scenario {
  readonly name: string;
  readonly start: (stage: Stage) => Promise<string | number>;
  /** Null where all is well. */
  readonly layer: string | null;
  readonly cause: string | null;
}

const certificates = testCertificates();
const ok = (_: unknown, response: { end(text: string): unknown }): void => void response.end("ok");
const server = (lines: string): string => `server { listen $port; ${lines} }`;
const pass = (port: number, more = ""): string =>
  server(`location / { proxy_pass http://127.0.0.1:${port}; ${more} }`);
const url = (port: number): string => `http://127.0.0.1:${port}/`;

const TLS_APP = { ...certificates.valid, keepAliveTimeout: 70_000 };
const https = (stage: Stage, options: object): Promise<number> =>
  stage.listen(createHttps({ ...TLS_APP, ...options }, ok));

const BEHIND: readonly Scenario[] = [
  {
    name: "nginx answers 502: the application behind it is down",
    start: async (stage) => url((await stage.nginx(pass(await quietPort()))).port),
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "HAProxy answers 503: the application behind it is down",
    start: async (stage) =>
      url(
        (await stage.haproxy(`listen a\n bind $port\n server a 127.0.0.1:${await quietPort()}`))
          .port,
      ),
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "Apache answers 503: the application behind it is down",
    start: async (stage) =>
      url((await stage.apache(`ProxyPass / http://127.0.0.1:${await quietPort()}/`)).port),
    layer: "connect",
    cause: "nothing_listens",
  },
];

const NGINX: readonly Scenario[] = [
  {
    name: "nginx: the application does not know the host that is sent",
    async start(stage) {
      const port = await stage.app((request, response) =>
        request.headers.host === "shop.example"
          ? response.end("ok")
          : response.writeHead(421).end("misdirected"),
      );
      return (
        await stage.nginx(
          `upstream app { server 127.0.0.1:${port}; } ` +
            server("server_name shop.example; location / { proxy_pass http://app; }"),
        )
      ).config;
    },
    layer: "config",
    cause: "host_field_wrong",
  },
  {
    name: "nginx: a slash behind the address takes the prefix away",
    async start(stage) {
      const port = await stage.app((request, response) =>
        request.url?.startsWith("/api/") ? response.end("ok") : response.writeHead(404).end(),
      );
      return (await stage.nginx(server(`location /api/ { proxy_pass ${url(port)}; }`))).config;
    },
    layer: "config",
    cause: "path_prefix_lost",
  },
  {
    name: "nginx: its user may not write to the socket",
    async start(stage) {
      const socket = join(stage.folder, "app.sock");
      await stage.listen(createHttp(ok), socket);
      chmodSync(socket, 0o600);
      return (
        await stage.nginx(server(`location / { proxy_pass http://unix:${socket}; }`), "www-data")
      ).config;
    },
    layer: "connect",
    cause: "socket_mode_wrong",
  },
  {
    name: "nginx: its user may not enter the folder of the socket",
    async start(stage) {
      mkdirSync(join(stage.folder, "closed"), { mode: 0o700 });
      const socket = join(stage.folder, "closed/app.sock");
      await stage.listen(createHttp(ok), socket);
      chmodSync(socket, 0o666);
      return (
        await stage.nginx(server(`location / { proxy_pass http://unix:${socket}; }`), "www-data")
      ).config;
    },
    layer: "connect",
    cause: "folder_closed",
  },
  {
    name: "nginx: the application waits for the PROXY protocol",
    async start(stage) {
      const inner = await stage.nginx(
        "server { listen $port proxy_protocol; location / { return 200 ok; } }",
      );
      const outer = stageIn(stage.folder, "outer");
      stage.later(() => outer.end());
      return (await outer.nginx(pass(inner.port))).config;
    },
    layer: "config",
    cause: "proxy_protocol_expected",
  },
  {
    name: "nginx: it trusts the authority of the certificate",
    async start(stage) {
      const ca = stage.write("ca.pem", certificates.ca);
      const port = await https(stage, {});
      return (
        await stage.nginx(
          server(`location / { proxy_pass https://localhost:${port}; proxy_ssl_server_name on;
            proxy_ssl_verify on; proxy_ssl_trusted_certificate ${ca}; }`),
        )
      ).config;
    },
    layer: null,
    cause: null,
  },
];

/** nginx asks a name server itself: these are its configurations, and what is wrong there. */
const resolving = (resolver: string, host: string, port: number): string =>
  server(
    `resolver ${resolver}; set $up ${host}; ` +
      `location / { proxy_pass http://$up:${port}$request_uri; }`,
  );

const NAMES: readonly Scenario[] = [
  {
    name: "nginx answers 502: its resolver cannot be reached",
    async start(stage) {
      const dead = `127.0.0.1:${await quietPort()} valid=5s`;
      return url((await stage.nginx(resolving(dead, "app.internal", 3000))).port);
    },
    layer: "resolve",
    cause: "resolver_unreachable",
  },
  {
    name: "nginx: its resolver answers nothing, and the name comes with the request",
    async start(stage) {
      const silent = await nameServer(stage, () => null);
      const front = `resolver 127.0.0.1:${silent} ipv6=off; `;
      return (await stage.nginx(server(`${front} location / { proxy_pass http://$http_x_app; }`)))
        .config;
    },
    layer: "resolve",
    cause: "resolver_unreachable",
  },
  {
    name: "nginx: a variable, and no resolver in scope",
    async start(stage) {
      const front = await stage.nginx(
        server(
          "location /a { resolver 127.0.0.1; return 200 ok; }" +
            "location / { set $up app.internal; proxy_pass http://$up; }",
        ),
      );
      return url(front.port);
    },
    layer: "config",
    cause: "no_resolver",
  },
  {
    name: "nginx: its resolver does not know a name of /etc/hosts",
    async start(stage) {
      const empty = await nameServer(stage, () => []);
      const port = await stage.app(ok);
      return (await stage.nginx(resolving(`127.0.0.1:${empty}`, "localhost", port))).config;
    },
    layer: "resolve",
    cause: "name_unknown_to_resolver",
  },
  {
    name: "nginx: the application is down at the address that its resolver tells",
    async start(stage) {
      const knows = await nameServer(stage, () => [127, 0, 0, 1]);
      const down = await quietPort();
      return (await stage.nginx(resolving(`127.0.0.1:${knows} ipv6=off`, "app.internal", down)))
        .config;
    },
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "nginx: a name that its resolver knows, and nobody else",
    async start(stage) {
      const knows = await nameServer(stage, () => [127, 0, 0, 1]);
      const port = await stage.app(ok);
      return (await stage.nginx(resolving(`127.0.0.1:${knows} ipv6=off`, "app.internal", port)))
        .config;
    },
    layer: null,
    cause: null,
  },
  {
    name: "nginx: a variable that holds an address needs no resolver",
    async start(stage) {
      const port = await stage.app(ok);
      return (
        await stage.nginx(
          server(`set $up 127.0.0.1; location / { proxy_pass http://$up:${port}; }`),
        )
      ).config;
    },
    layer: null,
    cause: null,
  },
];

const SECURE: readonly Scenario[] = [
  {
    name: "TLS: only version 1.0",
    start: async (stage) =>
      `https://localhost:${await https(stage, {
        minVersion: "TLSv1",
        maxVersion: "TLSv1",
        ciphers: "DEFAULT@SECLEVEL=0",
      })}/`,
    layer: "secure",
    cause: "tls_version_too_old",
  },
  ...(["TLSv1.2", "TLSv1.3"] as const).map((maxVersion) => ({
    name: `TLS: a client certificate is demanded, ${maxVersion}`,
    start: async (stage: Stage) =>
      `https://localhost:${await https(stage, {
        maxVersion,
        ca: certificates.ca,
        requestCert: true,
        rejectUnauthorized: true,
      })}/`,
    layer: "secure",
    cause: "client_certificate_required",
  })),
  {
    name: "nginx: the server wants a name (SNI), and none is sent",
    async start(stage) {
      const pair = ["cert", "key"].map((kind) =>
        stage.write(`${kind}.pem`, certificates.valid[kind as "cert" | "key"]),
      );
      const inner = await stage.nginx(
        "server { listen $port ssl default_server; ssl_reject_handshake on; } " +
          "server { listen $port ssl; server_name localhost; location / { return 200 ok; } " +
          `ssl_certificate ${pair[0]}; ssl_certificate_key ${pair[1]}; }`,
      );
      const outer = stageIn(stage.folder, "outer");
      stage.later(() => outer.end());
      return (
        await outer.nginx(server(`location / { proxy_pass https://localhost:${inner.port}; }`))
      ).config;
    },
    layer: "secure",
    cause: "no_server_name_sent",
  },
];

const HAPROXY: readonly Scenario[] = [
  {
    name: "HAProxy: its check asks for a path that is not there",
    async start(stage) {
      const port = await stage.app((request, response) =>
        response.writeHead(request.url === "/healthz" ? 404 : 200).end(),
      );
      const check = " option httpchk GET /healthz";
      return (
        await stage.haproxy(`listen a\n bind $port\n${check}\n server a 127.0.0.1:${port} check`)
      ).config;
    },
    layer: "health",
    cause: "health_check_fails",
  },
  {
    name: "HAProxy: it checks a port on which nothing listens",
    async start(stage) {
      const port = await stage.app(ok);
      const check = `check port ${await quietPort()}`;
      return (await stage.haproxy(`listen a\n bind $port\n server a 127.0.0.1:${port} ${check}`))
        .config;
    },
    layer: "health",
    cause: "health_check_fails",
  },
  {
    name: "HAProxy: every server is taken out",
    async start(stage) {
      const server = `server a 127.0.0.1:${await stage.app(ok)} check disabled`;
      return (await stage.haproxy(`listen a\n bind $port\n ${server}`)).config;
    },
    layer: "config",
    cause: "all_servers_disabled",
  },
  {
    name: "HAProxy: the PROXY protocol is sent to an application of HTTP",
    async start(stage) {
      const server = `server a 127.0.0.1:${await stage.app(ok)} check send-proxy`;
      return (await stage.haproxy(`listen a\n bind $port\n ${server}`)).config;
    },
    layer: "config",
    cause: "proxy_protocol_not_understood",
  },
];

const APACHE: readonly Scenario[] = [
  {
    name: "Apache: the rest of the path becomes part of the host",
    async start(stage) {
      return (await stage.apache(`ProxyPass /app/ http://127.0.0.1:${await stage.app(ok)} retry=0`))
        .config;
    },
    layer: "config",
    cause: "slashes_differ",
  },
  {
    name: "Apache: one member of a balancer is down",
    async start(stage) {
      return (
        await stage.apache(`<Proxy "balancer://app">
          BalancerMember "http://127.0.0.1:${await stage.app(ok)}" retry=0
          BalancerMember "http://127.0.0.1:${await quietPort()}" retry=0
          </Proxy>
          ProxyPass "/" "balancer://app/"`)
      ).config;
    },
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "Apache: RewriteRule [P] in a VirtualHost leads nowhere",
    start: async (stage) =>
      (
        await stage.apache(`<VirtualHost *:$port>
          RewriteEngine On
          RewriteRule ^/api/(.*)$ http://127.0.0.1:${await quietPort()}/$1 [P,L]
          </VirtualHost>`)
      ).config,
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "Apache: a variable names the address, inside of Location",
    start: async (stage) =>
      (
        await stage.apache(`Define BACK 127.0.0.1:${await quietPort()}
          <VirtualHost *:$port>
          <Location /orders>
          ProxyPass http://\${BACK}/orders retry=0
          </Location>
          </VirtualHost>`)
      ).config,
    layer: "connect",
    cause: "nothing_listens",
  },
  {
    name: "Apache: the module for HTTP is not loaded",
    start: async (stage) =>
      (
        await stage.apache(`ProxyPass / http://127.0.0.1:${await stage.app(ok)}/ retry=0`, [
          ...["mpm_event", "authz_core", "proxy"],
        ])
      ).config,
    layer: "config",
    cause: "module_not_loaded",
  },
  {
    name: "Apache: ProxyTimeout of the site is shorter than the answer",
    async start(stage) {
      const port = await stage.app(
        (_, response) => void setTimeout(() => response.end("ok"), 1_200),
      );
      return (
        await stage.apache(`ProxyTimeout 30
          <VirtualHost *:$port>
          ProxyTimeout 1
          ProxyPass / http://127.0.0.1:${port}/ retry=0 ttl=2
          </VirtualHost>`)
      ).config;
    },
    layer: "head",
    cause: "front_waits_too_short",
  },
];

/** A site of PHP in nginx, with one script. */
async function site(stage: Stage, pool: string, body: string, root?: string): Promise<string> {
  const folder = root ?? dirname(stage.write("index.php", body));
  return (
    await stage.nginx(
      server(`root ${folder}; index index.php; location ~ \\.php$ {
        fastcgi_param REQUEST_METHOD $request_method;
        fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
        fastcgi_pass ${pool}; }`),
    )
  ).config;
}

const PHP: readonly Scenario[] = [
  {
    name: "PHP-FPM: a script answers",
    start: async (stage) => site(stage, await stage.fpm(), "<?php echo 'hi';"),
    layer: null,
    cause: null,
  },
  {
    name: "PHP-FPM: root is a folder without the script",
    start: async (stage) => site(stage, await stage.fpm(), "", "/srv/not-there"),
    layer: "config",
    cause: "script_not_found",
  },
  {
    name: "PHP-FPM: the extension is not allowed",
    start: async (stage) => site(stage, await stage.fpm("security.limit_extensions = .php5"), "hi"),
    layer: "config",
    cause: "script_extension_refused",
  },
  {
    name: "PHP-FPM: the script fails",
    start: async (stage) => site(stage, await stage.fpm(), "<?php no_such_function();"),
    layer: "head",
    cause: "application_answers_error",
  },
  {
    name: "PHP-FPM: this client is not allowed",
    async start(stage) {
      const place = `127.0.0.1:${await quietPort()}`;
      return site(stage, await stage.fpm("listen.allowed_clients = 10.1.2.3", place), "hi");
    },
    layer: "connect",
    cause: "fpm_client_not_allowed",
  },
  {
    name: "PHP-FPM: request_terminate_timeout ends the worker",
    start: async (stage) =>
      site(stage, await stage.fpm("request_terminate_timeout = 1"), "<?php sleep(9);"),
    layer: "process",
    cause: "script_is_terminated",
  },
];

const exitAfter = (ms: number): string =>
  `(request, response) => { response.end("ok"); setTimeout(process.exit, ${ms}, 1); }`;

const ANSWERS: readonly Scenario[] = [
  {
    name: "an answer sends every client back to itself",
    start: async (stage) =>
      url(
        await stage.app((request, response) =>
          response
            .writeHead(301, { location: `http://${request.headers.host}${request.url}` })
            .end(),
        ),
      ),
    layer: "head",
    cause: "redirect_loop",
  },
  {
    name: "the head of an answer trickles",
    start: async (stage) =>
      url(
        await stage.listen(
          createRaw((socket) => {
            const timer = setInterval(() => socket.write("x-slow: 1\r\n"), 300);
            socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n"));
            socket.once("close", () => clearInterval(timer));
          }),
        ),
      ),
    layer: "head",
    cause: "head_stops",
  },
  ...[5, 60].map((ms) => ({
    name: `the process ends ${ms} ms after it has answered`,
    async start(stage: Stage) {
      const program =
        "const s = require('node:http').createServer({ keepAliveTimeout: 70000 }, " +
        `${exitAfter(ms)});` +
        's.listen(0, "127.0.0.1", () => console.log("listening", s.address().port))';
      const line = await stage.started(process.execPath, ["-e", program]).line("listening");
      return url(Number(line.split(" ")[1]));
    },
    layer: "process",
    cause: "crashes_on_request",
  })),
  {
    name: "the process has no file left to accept with",
    async start(stage) {
      const program =
        'const s = require("node:http").createServer((_, r) => r.end("ok"));' +
        's.listen(0, "127.0.0.1", () => { const { port } = s.address();' +
        'try { for (;;) require("node:fs").openSync("/dev/null") } catch {}' +
        'require("node:fs").writeSync(1, "listening " + port + "\\n") })';
      const script = stage.write("app.cjs", program);
      const line = await stage
        .started("sh", ["-c", `ulimit -n 64; exec "${process.execPath}" ${script}`])
        .line("listening");
      return url(Number(line.split(" ")[1]));
    },
    layer: "process",
    cause: "files_used_up",
  },
  {
    name: "MongoDB answers in words of HTTP",
    start: async (stage) =>
      url(
        await stage.answers(
          "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nIt looks like you are trying to access " +
            "MongoDB over HTTP on the native driver port.\r\n",
        ),
      ),
    layer: "head",
    cause: "another_protocol",
  },
];

let root: string;
let seen: ReadonlyMap<Scenario, Promise<DoctorVerdict>> = new Map();

async function verdictOf({ start, name }: Scenario): Promise<DoctorVerdict> {
  const stage = stageIn(root, name);
  try {
    const { report } = await runDoctor([String(await start(stage))]);
    return report.verdict;
  } finally {
    await stage.end();
  }
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "good-gateway-fronts-"));
  chmodSync(root, 0o755);
  if (process.env["GOOD_GATEWAY_BUILT"] === "1") return;
  const { buildQuick } = await import("../tools/build-quick.mjs");
  await buildQuick();
}, MINUTES);

afterAll(() => rmSync(root, { recursive: true, force: true }));

const PROGRAMS = ["nginx", "haproxy", "apache2", "php-fpm8.2", "sh"];

describeWith(PROGRAMS, "the doctor and running fronts", () => {
  // Only root can start a front that becomes another user.
  const own = process.getuid?.() === 0 ? [] : ["socket_mode_wrong", "folder_closed"];
  const all = [...BEHIND, ...NGINX, ...NAMES, ...SECURE, ...HAPROXY, ...APACHE, ...PHP, ...ANSWERS];
  const table = all.filter(({ cause }) => !own.includes(cause ?? ""));
  beforeAll(() => {
    seen = sideBySide(table, AT_ONCE, verdictOf);
  });
  it.each(table)("$name", { timeout: MINUTES }, async (scenario) => {
    const verdict = await seen.get(scenario);
    const { layer, cause, title } = verdict as DoctorVerdict;
    expect({ layer, cause }, title).toEqual({ layer: scenario.layer, cause: scenario.cause });
  });
});
