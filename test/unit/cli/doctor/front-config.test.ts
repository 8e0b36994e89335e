/**
 * What the doctor reads in the configuration of a front: each upstream with its file and line, and
 * the contradictions that can be seen without asking anybody.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { FrontConfig } from "../../../../src/cli/doctor/config/front-config.js";
import { sizeBytes, timeMs } from "../../../../src/cli/doctor/config/units.js";
import { isConfigPath } from "../../../../src/cli/doctor/given.js";
import { readConfig } from "../../../../src/cli/doctor/read/read-config.js";

const folder = mkdtempSync(join(tmpdir(), "front-"));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

let files = 0;

async function read(name: string, text: string): Promise<FrontConfig> {
  files += 1;
  return readConfig(written(`${files}/${name}`, text));
}

const addresses = ({ upstreams }: FrontConfig): readonly string[] =>
  upstreams.map(({ address }) => address);
const causes = ({ findings }: FrontConfig): readonly string[] => findings.map(({ cause }) => cause);

describe("nginx", () => {
  it("finds every server behind proxy_pass, with the file and the line", async () => {
    written(
      "n/conf.d/a.conf",
      "upstream app {\n  server 10.0.0.1:80;\n  server unix:/run/a.sock;\n}\n",
    );
    const main = written(
      "n/nginx.conf",
      `http {
         include conf.d/*.conf; # all of them
         server { server_name "shop.example";
           location / { proxy_pass http://app; }
           location /pay { proxy_pass https://pay.example:8443/v1; }
           location ~ \\.php$ { fastcgi_pass unix:/run/php.sock; }
           location /x { return 200 "a; { b"; }
         }
       }`,
    );
    const { upstreams } = await readConfig(main);
    expect(upstreams.map(({ address, where }) => [address, where.line])).toEqual([
      ["http://10.0.0.1:80", 2],
      ["unix:/run/a.sock", 3],
      ["https://pay.example:8443", 5],
      ["fastcgi:unix:/run/php.sock", 6],
    ]);
    expect(upstreams[0]?.where.file).toMatch(/conf\.d\/a\.conf$/);
    expect(upstreams[0]?.context).toBe("upstream app, location / of server shop.example");
  });

  it("knows which settings hold at a place", async () => {
    const { upstreams } = await read(
      "nginx.conf",
      `http { proxy_read_timeout 5s; proxy_buffer_size 16k;
         upstream app { server 127.0.0.1:1; keepalive 8; keepalive_timeout 30s; }
         server { location / { proxy_http_version 1.1; proxy_set_header Connection "";
                               proxy_pass http://app; } } }`,
    );
    expect(upstreams[0]?.settings).toMatchObject({
      poolIdleMs: 30_000,
      responseMs: 5_000,
      headBytes: 16_384,
      upgrades: false,
    });
  });

  it.each([
    [
      "a pool that no request uses",
      "upstream a { server x:1; keepalive 8; } server { location / { proxy_pass http://a; } }",
      "pool_is_not_used",
    ],
    [
      "localhost",
      "server { location / { proxy_pass http://localhost:3000; } }",
      "localhost_has_two_families",
    ],
    [
      "a name for TLS that nobody is told",
      "server { location / { proxy_pass https://x; proxy_ssl_name a.example; } }",
      "no_server_name_sent",
    ],
    ["https without SNI", "server { location / { proxy_pass https://x; } }", "no_server_name_sent"],
    [
      "half an upgrade",
      "server { location / { proxy_pass http://x; proxy_set_header Upgrade $http_upgrade; } }",
      "upgrade_header_missing",
    ],
    [
      "a path of WebSockets without the fields",
      "server { location /socket.io/ { proxy_pass http://x; } }",
      "upgrade_header_missing",
    ],
    [
      "a variable without a resolver",
      "server { set $up x; location / { proxy_pass http://$up; } }",
      "no_resolver",
    ],
    [
      "a server that is looked up at run time without a resolver",
      "upstream a { server x:1 resolve; } server { location / { proxy_pass http://a; } }",
      "no_resolver",
    ],
    [
      "an upstream with a port",
      "upstream a { server x:1; } server { location / { proxy_pass http://a:3000; } }",
      "upstream_with_port",
    ],
    [
      "an upstream of which all is down",
      "upstream a { server x:1 down; } server { location / { proxy_pass http://a; } }",
      "no_server_in_upstream",
    ],
    [
      "max_fails with one server",
      "upstream a { server x:1 max_fails=3; } server { location / { proxy_pass http://a; } }",
      "max_fails_with_one_server",
    ],
    [
      "two servers of which one failure takes one out",
      "upstream a { server x:1; server y:1; } server { location / { proxy_pass http://a; } }",
      "one_failure_takes_a_server_out",
    ],
    [
      "PHP without its file",
      "server { location / { fastcgi_pass x:9000; } }",
      "script_filename_missing",
    ],
    [
      "PHP whose own parameter hides those around it",
      `fastcgi_param SCRIPT_FILENAME /x.php;
       server { location / { fastcgi_param A b; fastcgi_pass x:9000; } }`,
      "script_filename_missing",
    ],
    [
      "PHP without the method",
      "server { location / { fastcgi_param SCRIPT_FILENAME /x.php; fastcgi_pass x:9000; } }",
      "request_method_missing",
    ],
    [
      "a wait that is too short",
      "server { location / { proxy_pass http://x; proxy_read_timeout 200ms; } }",
      "read_timeout_too_short",
    ],
  ])("tells of %s", async (_, body, cause) => {
    expect(causes(await read("nginx.conf", `http { ${body} }`))).toContain(cause);
  });

  it("knows what it resolves by itself, and which resolver is asked", async () => {
    const config = await read(
      "nginx.conf",
      `http { resolver 10.0.0.2 [::1]:5353 valid=30s;
         map $host $mapped { default mapped.internal; }
         upstream watched { zone a 1m; server watched.internal:80 resolve; }
         upstream plain { server 127.0.0.1:1; }
         server {
           set $up server.internal;
           location /a { resolver 10.0.0.3 ipv6=off; proxy_pass http://$up:3000; }
           location /b { set $up location.internal:8080; proxy_pass http://$up/x/$1; }
           location /c { proxy_pass http://$mapped$request_uri; }
           location /d { proxy_pass http://$http_x_app; }
           location /e { proxy_pass http://watched; }
           location /f { set $up plain; proxy_pass http://$up; }
           location /g { proxy_pass http://127.0.0.1:2$request_uri; }
           location /h { proxy_pass http://known.internal; }
           location /i { proxy_pass http://known.internal$request_uri; }
         } }`,
    );
    const both = ["10.0.0.2", "[::1]:5353"];
    expect(
      config.questions?.map(({ host, nameServers: { servers, families, where } }) => [
        host,
        servers,
        families,
        where.line,
      ]),
    ).toEqual([
      ["server.internal", ["10.0.0.3"], [4], 7],
      ["location.internal", both, [4, 6], 1],
      ["mapped.internal", both, [4, 6], 1],
      [null, both, [4, 6], 1],
      ["watched.internal", both, [4, 6], 1],
    ]);
    expect(addresses(config)).toEqual([
      "http://server.internal:3000",
      "http://location.internal:8080",
      "http://mapped.internal:80",
      "http://watched.internal:80",
      "http://127.0.0.1:1",
      "http://127.0.0.1:2",
      "http://known.internal:80",
      "http://known.internal:80",
    ]);
  });

  it("has nothing to say of a good configuration", async () => {
    const config = await read(
      "nginx.conf",
      `http { upstream app { server 127.0.0.1:1 max_fails=3;
         server 127.0.0.1:2 max_fails=3; keepalive 8; }
         server { location / { proxy_pass http://app; proxy_http_version 1.1;
                               proxy_set_header Connection ""; }
                  location /x { set $group app; proxy_pass http://$group; proxy_http_version 1.1;
                               proxy_set_header Connection ""; } } }`,
    );
    expect(config.findings).toEqual([]);
  });
});

describe("HAProxy", () => {
  const DEFAULTS = "defaults\n  mode http\n  timeout connect 3s\n  timeout server 30s\n";

  it("finds the servers of every backend, with the settings of defaults", async () => {
    const config = await read(
      "haproxy.cfg",
      `${DEFAULTS}backend app\n  server a 10.0.0.1:80 check\n  server b /run/b.sock check\n` +
        "listen both\n  bind :80\n  server c 10.0.0.3:443 ssl verify none check # c\n",
    );
    expect(addresses(config)).toEqual([
      "http://10.0.0.1:80",
      "unix:/run/b.sock",
      "https://10.0.0.3:443",
    ]);
    expect(config.upstreams[0]).toMatchObject({
      where: { line: 6 },
      settings: { responseMs: 30_000 },
    });
    expect(config.findings).toEqual([]);
  });

  it.each([
    [
      "a server that is not checked",
      `${DEFAULTS}backend a\n server s 10.0.0.1:80\n`,
      "no_health_check",
    ],
    [
      "a timeout that is missing",
      "defaults\n mode http\nbackend a\n server s x:80 check\n",
      "timeout_missing",
    ],
    [
      "a backend that does not exist",
      `${DEFAULTS}frontend f\n default_backend nope\nbackend a\n server s x:80 check\n`,
      "unknown_backend",
    ],
    [
      "a backend without a server",
      `${DEFAULTS}backend a\n balance roundrobin\n`,
      "no_server_in_upstream",
    ],
    [
      "ssl without verify",
      `${DEFAULTS}backend a\n server s x:443 ssl check\n`,
      "ssl_without_verify",
    ],
  ])("tells of %s", async (_, text, cause) => {
    expect(causes(await read("haproxy.cfg", text))).toContain(cause);
  });
});

describe("Apache", () => {
  it("finds ProxyPass, members of balancers and PHP-FPM", async () => {
    const config = await read(
      "httpd.conf",
      `<VirtualHost *:80>
        ProxyPass /static !
        ProxyPass "/api/" "http://10.0.0.1:3000/" \\
                  retry=0 ttl=4
        <Proxy balancer://all>
          BalancerMember http://10.0.0.2:80
        </Proxy>
        ProxyPass / balancer://all/
        SetHandler "proxy:unix:/run/php.sock|fcgi://localhost/"
      </VirtualHost>`,
    );
    expect(addresses(config)).toEqual([
      "http://10.0.0.1:3000",
      "http://10.0.0.2:80",
      "fastcgi:unix:/run/php.sock",
    ]);
    expect(config.upstreams[0]).toMatchObject({
      where: { line: 3 },
      settings: { poolIdleMs: 4_000 },
    });
  });

  it.each([
    [
      "a backend that a failure takes out for a minute",
      "ProxyPass / http://x:1/",
      "retry_takes_backend_out",
    ],
    ["slashes that differ", "ProxyPass /a http://x:1/ retry=0", "slashes_differ"],
    ["localhost", "ProxyPass / http://localhost:1/ retry=0", "localhost_has_two_families"],
    ["https without SSLProxyEngine", "ProxyPass / https://x/ retry=0", "ssl_proxy_engine_off"],
  ])("tells of %s", async (_, text, cause) => {
    expect(causes(await read("site.conf", text))).toContain(cause);
  });
});

describe("Caddy", () => {
  it("finds reverse_proxy in each of its forms", async () => {
    const config = await read(
      "Caddyfile",
      `shop.example {
         reverse_proxy /api/* localhost:3000 10.0.0.2:80
         php_fastcgi unix//run/php.sock
         handle /x {
           reverse_proxy {
             to https://10.0.0.3
             lb_policy first
           }
         }
       }`,
    );
    expect(addresses(config)).toEqual([
      "http://localhost:3000",
      "http://10.0.0.2:80",
      "fastcgi:unix:/run/php.sock",
      "https://10.0.0.3",
    ]);
    expect(config.upstreams[0]?.context).toBe("reverse_proxy of shop.example");
  });
});

describe("good-gateway", () => {
  it("reads the options as createGateway does, and tells its warnings", async () => {
    const config = await read(
      "gateway.config.mjs",
      `export default { upstreams: { orders: { targets: ["http://10.0.0.1:81", ` +
        `"http://10.0.0.2:81"] } } };`,
    );
    expect(addresses(config)).toEqual(["http://10.0.0.1:81", "http://10.0.0.2:81"]);
  });

  it("refuses a module without options", async () => {
    await expect(read("gateway.config.mjs", "export const nothing = 1;")).rejects.toThrow(
      /default export/,
    );
  });
});

describe("what is given", () => {
  it("is told apart: an address or a file", () => {
    for (const path of ["nginx.conf", "/etc/nginx/nginx.conf", "./Caddyfile", "a/b"]) {
      expect(isConfigPath(path), path).toBe(true);
    }
    for (const address of [
      "http://x",
      "unix:/run/a",
      "fastcgi://x:1",
      "localhost:3000",
      "10.0.0.1:80",
    ]) {
      expect(isConfigPath(address), address).toBe(false);
    }
  });

  it("is refused when it cannot be read, or is of no known front", async () => {
    await expect(readConfig(join(folder, "none.conf"))).rejects.toThrow(
      /none\.conf cannot be read: ENOENT/,
    );
    await expect(read("a.txt", "hello")).rejects.toThrow(/no front that is known/);
  });

  it("has times and sizes in the units of its front", () => {
    expect([
      timeMs("60", "s"),
      timeMs("1m30s", "s"),
      timeMs("250ms", "s"),
      timeMs("x", "s"),
    ]).toEqual([60_000, 90_000, 250, null]);
    expect([sizeBytes("4k"), sizeBytes("1M"), sizeBytes("12"), sizeBytes("k")]).toEqual([
      4_096,
      1_048_576,
      12,
      null,
    ]);
  });
});
