/**
 * What the doctor does not know it does not call well: protocols, forms of configurations and
 * requests that it has not asked, files that are broken, and a time that is over.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../../src/base/clock.js";
import { runDoctor } from "../../../../src/cli/doctor/command.js";
import { readGiven } from "../../../../src/cli/doctor/given.js";
import { frontOf, readConfig } from "../../../../src/cli/doctor/read/read-config.js";
import { systemWorld } from "../../../../src/cli/doctor/world/world.js";
import type { Report } from "../../../../src/diagnosis/diagnosis-report.js";

const folder = mkdtempSync(join(tmpdir(), "doctor-honest-"));
const opened: { close(): void }[] = [];
afterAll(() => {
  rmSync(folder, { recursive: true });
  for (const one of opened) one.close();
});

/** No program of this machine is asked, so that only what the doctor reads decides. */
const machine = { ...systemWorld, run: async () => null };

async function doctor(...args: readonly string[]): Promise<{ code: number; report: Report }> {
  const out: string[] = [];
  const err: string[] = [];
  const code = await runDoctor(
    ["--json", "--timeout", "800", "--idle", "50", ...args],
    {
      stdin: (async function* () {})(),
      stdout: { write: (text: string) => void out.push(text) },
      stderr: { write: (text: string) => void err.push(text) },
      env: {},
    },
    machine,
  );
  if (out.length === 0) throw new Error(err.join(""));
  return { code, report: JSON.parse(out.join(""))[0] as Report };
}

let files = 0;
function written(name: string, text: string): string {
  files += 1;
  const path = join(folder, String(files), name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A server of raw bytes: what it answers to the first bytes that come. */
async function answering(answer: (asked: Buffer) => Buffer | string | null): Promise<number> {
  const server = createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.once("data", (asked: Buffer) => {
      const said = answer(asked);
      if (said === null) socket.destroy();
      else socket.write(said);
    });
  });
  return listening(server);
}

async function listening(server: Server): Promise<number> {
  opened.push(server);
  await new Promise<void>((ready) => {
    server.listen(0, "127.0.0.1", () => ready());
  });
  return (server.address() as AddressInfo).port;
}

async function web(answer: (request: IncomingMessage) => string): Promise<number> {
  const server = createHttpServer((request, response) => response.end(answer(request)));
  server.keepAliveTimeout = 200_000;
  return listening(server);
}

describe("an upstream of another protocol", () => {
  it("is asked in its own words, and is well when it answers in them", async () => {
    const uwsgi = await answering((asked) =>
      asked[0] === 0 && asked.readUInt16LE(1) === asked.length - 4
        ? "HTTP/1.1 200 OK\r\n\r\n"
        : null,
    );
    const scgi = await answering((asked) =>
      /^\d+:CONTENT_LENGTH\0/.test(asked.toString()) ? "Status: 200 OK\r\n\r\n" : null,
    );
    const ajp = await answering((asked) =>
      asked.equals(Buffer.from([0x12, 0x34, 0, 1, 10])) ? Buffer.from([65, 66, 0, 1, 9]) : null,
    );
    const memcached = await answering(() => "VERSION 1.6.40\r\n");
    const h2 = createHttp2Server();
    const grpc = await listening(h2);
    for (const [scheme, port] of Object.entries({ uwsgi, scgi, ajp, memcached, grpc })) {
      const { report } = await doctor(`${scheme}://127.0.0.1:${port}`);
      expect(report.verdict.title, scheme).toBe("All is well.");
      expect(report.steps.at(-2)?.layer ?? report.steps.at(-1)?.layer, scheme).toBeDefined();
      expect(
        report.steps.some(({ name }) => name.startsWith("a question in")),
        scheme,
      ).toBe(true);
    }
  });

  it("that speaks HTTP, or closes, or is silent, is a fault", async () => {
    const http = await web(() => "page");
    const closing = await answering(() => null);
    const silent = await answering(() => "");
    for (const scheme of ["uwsgi", "scgi", "ajp", "memcached", "grpc"]) {
      const asked = [http, closing, silent].map(async (port) => {
        const { report, code } = await doctor(`${scheme}://127.0.0.1:${port}`);
        expect([scheme, report.verdict.well, code]).toEqual([scheme, false, 1]);
      });
      await Promise.all(asked);
    }
  }, 60_000);

  it("whose application fails is told so", async () => {
    const port = await answering(() => "HTTP/1.1 500 Internal Server Error\r\n\r\n");
    const { report } = await doctor(`uwsgi://127.0.0.1:${port}`);
    expect(report.verdict).toMatchObject({ cause: "application_answers_error", well: false });
  });
});

describe("what is not asked", () => {
  it.each([
    ["nginx.conf", "events {} http { server { location / { proxy_pass http://$backend; } } }"],
    ["httpd.conf", "Listen 81\nProxyPass / ftp://127.0.0.1/\n"],
    ["haproxy.cfg", "defaults\n mode http\nbackend b\n server s app check\n"],
    ["Caddyfile", ":81 {\n reverse_proxy {vars.upstream}\n}\n"],
    ["Caddyfile", ":81 {\n reverse_proxy {\n dynamic srv app.internal\n }\n}\n"],
  ])("of a %s is said, and is no success", async (name, text) => {
    const { code, report } = await doctor(written(name, text));
    expect(code).toBe(1);
    expect(report.verdict.well).toBe(false);
    expect(report.findings.map(({ cause }) => cause)).toContain("not_looked_at");
  });

  it("beside what was asked is said, too", async () => {
    const port = await web(() => "ok");
    const { code, report } = await doctor(
      written("Caddyfile", `:81 {\n reverse_proxy /a 127.0.0.1:${port}\n reverse_proxy {x}\n}\n`),
    );
    expect([code, report.verdict.title]).toEqual([
      1,
      "What was asked answers, and 1 place was not looked at.",
    ]);
  });

  it("in its time is said", async () => {
    const slow = await answering(() => "");
    const servers = Array.from({ length: 9 }, (_, at) => `server s${at} 127.0.0.1:${slow}`);
    const text = `defaults\n mode http\nbackend b\n ${servers.join("\n ")}\n`;
    const before = systemClock.now();
    const { report } = await doctor(
      written("haproxy.cfg", text.replaceAll(/(server s(\d))/g, "$1")),
      ...["--within", "0.4", "--timeout", "30000"],
    );
    expect(systemClock.now() - before).toBeLessThan(25_000);
    const left = report.findings.filter(({ cause }) => cause === "not_looked_at");
    expect(left.length).toBeGreaterThan(0);
    expect(report.verdict.well).toBe(false);
  });
});

describe("a configuration", () => {
  it.each([
    ["a directive without its end", "http { server { listen 80\n server_name a;\n } }", /listen/],
    ["a block without its end", "http { server { listen 80; }", /expecting "}"/],
    ["a brace too many", "http { } }", /unexpected "}"/],
    ["an include that is missing", "http { include none.conf; }", /none\.conf/],
  ])("of nginx with %s is broken", async (_, text, says) => {
    const { problems } = await readConfig(written("nginx.conf", `events {}\n${text}\n`));
    expect(problems.map((one) => one.text).join("\n")).toMatch(says);
  });

  it("of nginx has no problem where there is none", async () => {
    const text =
      "http { log_format a '$x'\n '$y'; gzip_types text/css\n text/plain;\n" +
      "server { listen 80; server_name a.example\n b.example;\n" +
      'location / { content_by_lua_block { if x then y = "}" end; } return 200 "{}"; } } }\n';
    expect((await readConfig(written("nginx.conf", text))).problems).toEqual([]);
  });

  it.each([
    ["nginx.conf", "http { include inner.conf; }", "inner.conf", "include inner.conf;"],
    ["httpd.conf", "Include inner.conf\n", "inner.conf", "Include inner.conf\n"],
    ["Caddyfile", "import inner\n", "inner", "import inner\n"],
  ])("%s that includes itself ends with a finding", async (name, text, inner, itself) => {
    const main = written(name, text);
    writeFileSync(join(dirname(main), inner), itself);
    const { problems } = await readConfig(main);
    expect(problems.map((one) => one.text).join("\n")).toMatch(/itself/);
  });

  it("of nginx whose values double each other ends, and is not looked at", async () => {
    const sets = Array.from({ length: 40 }, (_, at) => `set $v${at + 1} "$v${at}$v${at}";`);
    const text =
      `http { server { set $v0 "ab"; ${sets.reverse().join(" ")}\n` +
      "location / { proxy_pass http://$v40; } } }";
    const { notLookedAt } = await readConfig(written("nginx.conf", text));
    expect(notLookedAt).toHaveLength(1);
  });

  it("is read as what it is, whatever its file is called", () => {
    expect(frontOf("shop", "server {\n    listen 80;\n    server_name a;\n}\n")).toBe("nginx");
    expect(frontOf("x.conf", "listen stats\n  bind :80\n")).toBe("haproxy");
    expect(frontOf("x.conf", "global\n  daemon\nfrontend a\n bind :80\n")).toBe("haproxy");
    expect(frontOf("x", "<VirtualHost *:80>\n ProxyPass / http://a/\n</VirtualHost>")).toBe(
      "apache",
    );
    expect(frontOf("x", "shop.example {\n  reverse_proxy 127.0.0.1:3000\n}\n")).toBe("caddy");
    expect(frontOf("x.json", '{"apps":{"http":{}}}')).toBe("caddy");
    expect(frontOf("a.txt", "hello")).toBeNull();
  });

  it("of Caddy has its snippets with their arguments, files and JSON", async () => {
    const file = written(
      "Caddyfile",
      "(app) {\n reverse_proxy 127.0.0.1:{args[0]}\n}\n" +
        "a.example {\n import app 3001\n}\nb.example {\n import part\n}\n",
    );
    writeFileSync(join(dirname(file), "part"), "reverse_proxy {$NOT_SET_HERE:127.0.0.1:3002}\n");
    const { upstreams } = await readConfig(file);
    expect(upstreams.map(({ address }) => address)).toEqual([
      "http://127.0.0.1:3001",
      "http://127.0.0.1:3002",
    ]);
    const route = { handle: [{ handler: "reverse_proxy", upstreams: [{ dial: "10.0.0.1:80" }] }] };
    const json = { apps: { http: { servers: { s: { listen: [":443"], routes: [route] } } } } };
    const read = await readConfig(written("caddy.json", JSON.stringify(json)));
    expect(read.upstreams.map(({ address }) => address)).toEqual(["http://10.0.0.1:80"]);
  });
});

describe("the way of a request through nginx", () => {
  const text = `http {
    map $uri $app { default http://127.0.0.1:9; ~^/m/ http://127.0.0.1:7/mapped; }
    server { listen 80 default_server; location / { proxy_pass http://127.0.0.1:1; } }
    server {
      listen 80; server_name shop.example *.shop.example;
      location / { proxy_pass http://127.0.0.1:2; }
      location /api/ { proxy_pass http://127.0.0.1:3/v1/; }
      location = /exact { proxy_pass http://127.0.0.1:4; }
      location ^~ /plain/ { proxy_pass http://127.0.0.1:5; }
      location ~ \\.php$ { proxy_pass http://127.0.0.1:6; }
      location /m/ { proxy_pass $app; }
      location /old/ { rewrite ^/old/(.*)$ /api/$1 last; }
      location /health { return 200 "ok"; }
      location @app { proxy_pass http://127.0.0.1:8; }
      location /try { root /nonexistent; try_files $uri @app; }
    }
  }`;
  it.each([
    ["other.example", "/x", 1, "/x"],
    ["shop.example", "/x?y=1", 2, "/x?y=1"],
    ["www.shop.example", "/x", 2, "/x"],
    ["shop.example", "/api/items?x=1", 3, "/v1/items?x=1"],
    ["shop.example", "/exact", 4, "/exact"],
    ["shop.example", "/plain/a.php", 5, "/plain/a.php"],
    ["shop.example", "/a.php", 6, "/a.php"],
    ["shop.example", "/old/items", 3, "/v1/items"],
    ["shop.example", "/try", 8, "/try"],
  ])("%s%s asks :%i for %s", async (host, path, port, asked) => {
    const config = await readConfig(written("nginx.conf", text));
    const way = await config.wayOf?.({ port: 80, host, path });
    expect(way?.upstreams).toMatchObject([
      { address: `http://127.0.0.1:${port}`, manner: { path: asked } },
    ]);
  });

  it("ends where nginx answers by itself", async () => {
    const config = await readConfig(written("nginx.conf", text));
    const way = await config.wayOf?.({ port: 80, host: "shop.example", path: "/health" });
    expect(way).toMatchObject({ upstreams: [], place: "location /health" });
  });
});

describe("what a person gives", () => {
  it.each([
    ["3000", { kind: "address", text: "localhost:3000/", scheme: "http" }],
    [":3000", { kind: "address", text: "localhost:3000/", scheme: "http" }],
    [":443/x", { kind: "address", text: "localhost:443/x", scheme: "https" }],
    ["shop.example", { kind: "address", text: "shop.example", scheme: null }],
    ["shop.example/a", { kind: "address", text: "shop.example/a", scheme: null }],
    ["10.0.0.1:8080", { kind: "address", text: "10.0.0.1:8080", scheme: "http" }],
    ["https://x", { kind: "address", text: "https://x", scheme: "" }],
    ["nginx.conf", { kind: "config", file: "nginx.conf" }],
  ])("%s is understood", async (text, given) => {
    expect(await readGiven(text)).toEqual(given);
  });

  it("is asked with its credentials, which are not printed", async () => {
    const seen: (string | undefined)[] = [];
    const port = await web((request) => {
      seen.push(request.headers.authorization);
      return "ok";
    });
    const { report } = await doctor(`http://reader:secret-word@127.0.0.1:${port}/`);
    expect(JSON.stringify(report)).not.toMatch(/secret-word/);
    expect(seen[0]).toBe(`Basic ${Buffer.from("reader:secret-word").toString("base64")}`);
    const place = `http://u:secret-word@127.0.0.1:${port}`;
    const text = `http { server { location / { proxy_pass ${place}; } } }`;
    const inFile = await doctor(written("nginx.conf", text));
    expect(JSON.stringify(inFile.report)).not.toMatch(/secret-word/);
  });

  it("is asked with the keys of its query, which are not printed", async () => {
    const asked: (string | undefined)[] = [];
    const port = await web((request) => {
      asked.push(request.url);
      return "ok";
    });
    const query = "?page=2&access_token=s3cr3t&key=s3cr3t&monkey=tail";
    const { report } = await doctor(`http://127.0.0.1:${port}/${query}`);
    expect(asked[0]).toBe(`/${query}`);
    expect(JSON.stringify(report)).not.toContain("s3cr3t");
    expect(report.subject).toMatch(/\?page=2&access_token=…&key=…&monkey=tail$/);
  });
});
