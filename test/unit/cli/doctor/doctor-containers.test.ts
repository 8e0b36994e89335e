/**
 * Files of what stands in front of containers: what each of them asks, in which line that stands,
 * what contradicts itself, and what cannot be asked from here.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { FrontConfig } from "../../../../src/cli/doctor/config/front-config.js";
import { readConfig } from "../../../../src/cli/doctor/read/read-config.js";

const folder = mkdtempSync(join(tmpdir(), "containers-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** The first file is given to the doctor, the others lie beside it. */
async function read(written: Readonly<Record<string, string>>): Promise<FrontConfig> {
  files += 1;
  const paths = Object.entries(written).map(([name, text]) => {
    const path = join(folder, String(files), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  });
  return readConfig(paths[0] as string);
}

const compose = (text: string, others = {}): Promise<FrontConfig> =>
  read({ "compose.yml": text, ...others });

const asked = ({ upstreams }: FrontConfig): readonly string[] =>
  upstreams.map(({ address, where }) => `${where.line} ${address}`);

/** Cause, line and what to write. */
const found = ({ findings }: FrontConfig): readonly unknown[] =>
  findings.map((one) => [one.severity, one.cause, one.where?.line, one.write]);

describe("docker compose", () => {
  it("asks what is published, and says what is not", async () => {
    const config = await compose(
      `services:
  web: { image: shop, ports: ["8080:3000", "127.0.0.1:\${ADMIN:-9000}:9000", "53:53/udp"] }
  tls:
    image: shop
    ports:
      - { target: 8443, published: "8443" }
  db: { image: "postgres:16", ports: ["5432:5432"] }
  any: { image: shop, ports: ["3000"] }
  worker: { image: shop, expose: ["7000"] }
`,
    );
    expect(config.front).toBe("compose");
    expect(asked(config)).toEqual([
      "2 http://127.0.0.1:8080",
      "2 http://127.0.0.1:9000",
      "6 https://127.0.0.1:8443",
      "7 tcp://127.0.0.1:5432",
    ]);
    expect(config.notLookedAt.map(({ text, where }) => [where.line, text.split(":")[0]])).toEqual([
      [8, "service any"],
      [9, "service worker"],
    ]);
    expect(config.notLookedAt[1]?.ask).toBe(
      "docker compose ps worker; docker compose exec worker wget -qO- http://127.0.0.1:7000/",
    );
    expect(config.findings).toEqual([]);
  });

  it("knows that localhost in a mounted configuration is the container of the front", async () => {
    const config = await compose(
      `services:
  front:
    image: nginx
    ports: ["80:80"]
    volumes: ["./site.conf:/etc/nginx/conf.d/default.conf:ro"]
  app: { image: shop, expose: [3000] }
`,
      { "site.conf": "server { listen 80;\n location / { proxy_pass http://localhost:3000; } }" },
    );
    expect(found(config)).toContainEqual([
      "fault",
      "localhost_in_container",
      2,
      "proxy_pass http://app:3000;",
    ]);
    expect(config.findings[0]?.confidence).toBe("certain");
    expect(config.findings[0]?.where?.file).toMatch(/site\.conf$/);
  });

  it.each([
    ["another service has the port", "DB: postgres://u:p@localhost:5432/x", "fault"],
    ["a page may be its reader", "API: http://localhost:4000", "warning"],
    ["its name says that a page is its reader", "PUBLIC_API: http://localhost:4000", null],
    ["it is its own port", "SELF: http://localhost:3000", null],
    ["no service of the file has the port", "OTHER: http://localhost:9999", null],
  ])("localhost in a variable: %s", async (_, variable, severity) => {
    const config = await compose(`services:
  app: { image: shop, ports: ["3000:3000"], environment: { ${variable} } }
  db: { image: postgres, expose: ["5432"] }
  api: { image: shop, ports: ["4000:4000"] }
`);
    const all = config.findings.map((one) => [one.severity, one.cause]);
    expect(all).toEqual(severity === null ? [] : [[severity, "localhost_in_container"]]);
    expect(JSON.stringify(config.findings)).not.toContain("u:p@");
  });

  it("leaves localhost alone where a network is shared", async () => {
    const variable = "environment: { DB: postgres://localhost:5432/x }";
    const db = '  db: { image: postgres, ports: ["5432:5432"] }\n';
    const shared = `services:\n  app: { image: a, network_mode: "service:db", ${variable} }\n${db}`;
    const host = `services:\n  app: { image: a, network_mode: host, ${variable} }\n${db}`;
    expect(found(await compose(shared))).toEqual([]);
    expect(found(await compose(host))).toEqual([]);
  });

  it("sees that two services are in no common network", async () => {
    const config = await compose(`services:
  app: { image: shop, networks: [front], environment: [DB=postgres://db/x] }
  db: { image: postgres, networks: { back: {} } }
  both: { image: shop, networks: [front, back], environment: [DB=postgres://db/x] }
networks: { front: {}, back: {} }
`);
    expect(found(config)).toEqual([["fault", "no_common_network", 2, "networks:\n  - back"]]);
  });

  it("sees that a front keeps an address, unless it asks again", async () => {
    const of = (site: string): Promise<FrontConfig> =>
      compose(
        'services:\n  front: { image: nginx, volumes: ["./d:/etc/nginx/conf.d"] }\n' +
          "  app: { image: shop, expose: [3000] }\n",
        { "d/site.conf": site },
      );
    const kept = await of("server { location / { proxy_pass http://app:3000; } }");
    expect(kept.findings.map(({ cause }) => cause)).toContain("front_keeps_address");
    expect(kept.findings.find(({ cause }) => cause === "front_keeps_address")?.write).toBe(
      "resolver 127.0.0.11 valid=10s;\nset $upstream http://app:3000;\nproxy_pass $upstream;",
    );
    const again = await of(
      "server { resolver 127.0.0.11; set $up app:3000; location / { proxy_pass http://$up; } }",
    );
    expect(again.findings.map(({ cause }) => cause)).not.toContain("front_keeps_address");
    const wrong = await of("server { location / { proxy_pass http://ap:3000; } }");
    expect(wrong.findings.map(({ cause }) => cause)).toContain("name_unknown_in_compose");
  });

  it.each([
    [
      "a published port in place of the container's",
      'app: { image: a, ports: ["8080:3000"] }\n  b: { image: b, command: "x http://app:8080" }',
      ["fault", "published_port_inside", "command: http://app:3000"],
    ],
    [
      "a server that listens inside only",
      'app: { image: a, ports: ["80:8000"], command: gunicorn -b 127.0.0.1:8000 shop }',
      ["fault", "listens_inside_container_only", "-b 0.0.0.0:8000"],
    ],
    [
      "a check at the published port",
      'app: { image: a, ports: ["8080:3000"], healthcheck: { test: curl localhost:8080 } }',
      ["fault", "healthcheck_at_published_port", "curl localhost:3000"],
    ],
    [
      "a wait for health without a check",
      "app: { image: a, depends_on: { db: { condition: service_healthy } } }\n" +
        "  db: { image: b, healthcheck: { disable: true }, expose: [1] }",
      [
        "fault",
        "depends_on_without_healthcheck",
        'healthcheck:\n  test: ["CMD", "wget", "-qO-", "http://127.0.0.1:1/"]',
      ],
    ],
    [
      "Traefik's label with the published port",
      'app: { image: a, ports: ["8080:3000"], labels: ' +
        '["traefik.http.services.a.loadbalancer.server.port=8080"] }',
      ["fault", "published_port_inside", "traefik.http.services.a.loadbalancer.server.port=3000"],
    ],
    [
      "Traefik in another network",
      'front: { image: "traefik:v3", networks: [web] }\n' +
        "  app: { image: a, networks: [in], labels: { traefik.enable: true } }\n" +
        "networks: { web: {}, in: {} }",
      ["fault", "no_common_network", "networks:\n  - web"],
    ],
    [
      "a service that Traefik does not take",
      'front: { image: traefik, command: "--providers.docker.exposedbydefault=false" }\n' +
        "  app: { image: a, labels: { traefik.http.routers.a.rule: Host(`a`) } }",
      ["fault", "not_enabled", "traefik.enable=true"],
    ],
  ])("knows %s", async (_, services, wanted) => {
    const config = await compose(`services:\n  ${services}\n`);
    expect(config.findings.map((one) => [one.severity, one.cause, one.write])).toEqual([wanted]);
  });

  it("reads what it includes, extends and overrides, in the files where that stands", async () => {
    const config = await read({
      "compose.yml": `include:
  - shared/db.yml
  - path: [shared/mail.yml, mail.local.yml]
services:
  web:
    extends: { file: base.yml, service: node }
    ports: ["8080:3000"]
    environment: [DB=postgres://db:5432/shop]
  admin:
    extends: web
    ports: ["8081:3000"]
`,
      "compose.override.yml": `services:
  web:
    ports: ["9229:9229"]
    environment: { DB: "postgres://nobody:5432/shop" }
`,
      "base.yml": 'services:\n  node: { image: shop, ports: ["7000:7000"] }\n',
      "shared/db.yml": 'services:\n  db: { image: "postgres:16", ports: ["5432:5432"] }\n',
      "shared/mail.yml": "services:\n  mail: { image: mail }\n",
      "mail.local.yml": 'services:\n  mail: { ports: ["8025:8025"] }\n',
    });
    const places = config.upstreams.map(({ address, context, where }) => [
      ...[address, context.split(",")[0], where.file.split("/").at(-1), where.line],
    ]);
    expect(places).toEqual([
      ["tcp://127.0.0.1:5432", "service db", "db.yml", 2],
      ["http://127.0.0.1:8025", "service mail", "mail.local.yml", 2],
      ["http://127.0.0.1:7000", "service web", "base.yml", 2],
      ["http://127.0.0.1:8080", "service web", "compose.yml", 7],
      ["http://127.0.0.1:9229", "service web", "compose.override.yml", 3],
      ...[
        ["http://127.0.0.1:7000", "service admin", "base.yml", 2],
        ["http://127.0.0.1:8080", "service admin", "compose.yml", 7],
        ["http://127.0.0.1:9229", "service admin", "compose.override.yml", 3],
        ["http://127.0.0.1:8081", "service admin", "compose.yml", 11],
      ],
    ]);
    expect(config.problems).toEqual([]);
    expect(config.notLookedAt).toEqual([]);
  });

  it("replaces and takes away what the tags of an override say", async () => {
    const config = await read({
      "compose.yml": `services:
  web:
    image: shop
    ports: ["8080:3000", "9229:9229"]
  admin: { image: shop, ports: ["8081:3000"] }
  mail: { image: mail, ports: ["8025:8025"] }
`,
      "compose.override.yml": `services:
  web:
    ports: !override
      - "8443:3000"
  admin: { ports: !reset [] }
  mail: !reset null
`,
    });
    expect(config.upstreams.map(({ address }) => address)).toEqual(["http://127.0.0.1:8443"]);
    expect(config.notLookedAt.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^service admin: it publishes no port/),
    ]);
    expect(config.problems).toEqual([]);
  });

  it("says what of it cannot be read, is undefined, or names itself", async () => {
    const lacks = await compose(
      "include: [none.yml]\nservices:\n  a: { extends: { file: gone.yml, service: x } }\n",
    );
    expect(lacks.notLookedAt.map(({ text }) => text)).toEqual([
      "it includes none.yml, which cannot be read",
      "service a extends x of gone.yml, which cannot be read",
      expect.stringMatching(/^service a: it publishes no port/),
    ]);
    const circle = await compose(
      "include: [b.yml]\nservices:\n  a: { image: a, extends: b }\n  b: { extends: a }\n" +
        "  c: { extends: none }\n",
      { "b.yml": "include: [compose.yml]\n" },
    );
    expect(circle.problems.map(({ text }) => text)).toEqual([
      "compose.yml includes itself",
      ...["service a extends itself", "service b extends itself"],
      "service c extends undefined none",
    ]);
  });

  it("has the lines of what compose refuses, and of YAML that is none", async () => {
    const problems = async (text: string): Promise<readonly unknown[]> =>
      (await compose(text)).problems.map(({ text: said, where }) => [where.line, said]);
    expect(
      await problems(
        "services:\n  a:\n    image: a\n    depends_on:\n      - b\n    networks: [x]\n",
      ),
    ).toEqual([
      [5, "service a depends on undefined b"],
      [6, "service a has the undefined network x"],
    ]);
    expect((await problems("services:\n  a:\n   image: a\n  image: b\n c: 1\n")).length).toBe(1);
  });

  it("resolves anchors and merges, and refuses what multiplies without end", async () => {
    const config = await compose(
      'x: &usual { image: a, ports: ["80:80"] }\nservices:\n  a:\n    <<: *usual\n',
    );
    expect(asked(config)).toEqual(["3 http://127.0.0.1:80"]);
    const many = (n: number): string => Array(10).fill(`*a${n}`).join(",");
    const bomb = Array.from({ length: 8 }, (_, n) => `a${n + 1}: &a${n + 1} [${many(n)}]`);
    const refused = await compose(["a0: &a0 [x]", ...bomb, ""].join("\n"));
    expect(refused.problems.map(({ text }) => text)).toEqual([
      expect.stringMatching(/Excessive alias count/),
    ]);
  });
});

describe("Traefik's files", () => {
  it("asks every server with the name, the path and the trust of its router", async () => {
    const config = await read({
      "dynamic.yml": `http:
  routers:
    shop: { rule: "Host(\`shop.example\`) && PathPrefix(\`/a\`)", service: shop, tls: {} }
    lost: { rule: "Host(\`b\`)", service: none }
  services:
    shop:
      loadBalancer:
        serversTransport: own
        healthCheck: { path: /up }
        servers:
          - url: https://10.0.0.1:8443
          - url: http://10.0.0.2/x
  serversTransports:
    own: { insecureSkipVerify: true, serverName: app.internal }
tcp:
  services: { db: { loadBalancer: { servers: [ { address: "10.0.0.3:5432" } ] } } }
`,
    });
    expect(config.front).toBe("traefik");
    expect(asked(config)).toEqual([
      "11 https://10.0.0.1:8443",
      "12 http://10.0.0.2",
      "16 tcp://10.0.0.3:5432",
    ]);
    const [first] = config.upstreams;
    expect(first?.manner).toMatchObject({
      host: "shop.example",
      path: "/a",
      tls: { servername: "app.internal", checks: { chain: false } },
      check: { path: "/up" },
    });
    expect(config.problems.map(({ text, where }) => [where.line, text])).toEqual([
      [4, "router lost: no service none"],
    ]);
  });

  it("follows the file provider, and says that the others were not looked at", async () => {
    const config = await read({
      "traefik.yml":
        "entryPoints: { web: { address: ':80' } }\nproviders:\n  docker: {}\n" +
        "  file: { filename: d.yml }\n",
      "d.yml":
        "http:\n  services:\n    a: { loadBalancer: { servers: [{ url: 'http://a:1' }] } }\n",
    });
    expect(asked(config)).toEqual(["3 http://a:1"]);
    expect(config.notLookedAt.map(({ text }) => text)).toEqual([
      "providers.docker: its services are not in this file",
    ]);
  });
});

const ENVOY = `static_resources:
  listeners:
    - filter_chains:
        - filters:
            - typed_config:
                route_config:
                  virtual_hosts:
                    - routes:
                        - { match: { prefix: / }, route: { cluster: app, timeout: 3s } }
                        - { match: { prefix: /x }, route: { cluster: lost } }
  clusters:
    - name: app
      type: STRICT_DNS
      load_assignment: &here
        endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address:
          { address: app.internal, port_value: 3000 } } } }] }]
      health_checks: [{ http_health_check: { path: /up } }]
    - name: pay
      type: STATIC
      load_assignment: *here
      transport_socket: { typed_config: { sni: pay.example } }
    - { name: far, type: EDS }
`;

describe("Envoy's bootstrap", () => {
  it("asks the endpoints of its clusters in their manner", async () => {
    const config = await read({ "envoy.yaml": ENVOY });
    expect(config.front).toBe("envoy");
    expect(config.upstreams.map(({ address }) => address)).toEqual([
      "http://app.internal:3000",
      "https://app.internal:3000",
    ]);
    const [app, pay] = config.upstreams;
    expect(app?.settings).toMatchObject({ responseMs: 3_000, upgrades: false });
    expect(app?.manner?.check).toMatchObject({ path: "/up", host: "app" });
    expect(pay?.manner?.tls).toMatchObject({
      servername: "pay.example",
      checks: { chain: false, name: false },
    });
    expect(config.notLookedAt.map(({ text }) => text)).toEqual([
      "cluster far (EDS): no endpoint in this file",
    ]);
    expect(config.problems.map(({ text }) => text)).toEqual([
      "app.internal:3000 is a name in a STATIC cluster; write type: STRICT_DNS",
      "unknown cluster lost",
    ]);
  });
});

describe("manifests of Kubernetes", () => {
  const manifests = (
    changes: { port?: string; target?: string; selector?: string; space?: string } = {},
  ): Promise<FrontConfig> =>
    read({
      "k8s.yaml": `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: shop }
spec:
  rules:
    - http:
        paths:
          - backend: { service: { name: shop, port: { number: ${changes.port ?? 80} } } }
---
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: ${changes.space ?? "default"} }
spec:
  selector: { app: ${changes.selector ?? "shop"} }
  ports: [{ port: 80, targetPort: ${changes.target ?? "http"} }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: shop }
spec:
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ ports: [{ name: http, containerPort: 3000 }] }] }
`,
    });

  it("are well where they fit, and the service is not looked at", async () => {
    const config = await manifests();
    expect(config.front).toBe("kubernetes");
    expect(config.findings).toEqual([]);
    expect(config.notLookedAt.map(({ text, where }) => [where.line, text])).toEqual([
      [10, "service shop is asked inside the cluster only"],
    ]);
    expect(config.notLookedAt[0]?.ask).toContain("port-forward service/shop 18080:80");
  });

  it.each([
    ["the container's port in the ingress", { port: "3000" }, "ingress_port_unknown", 8],
    ["another target port", { target: "8080" }, "target_port_unknown", 15],
    ["a name that no port has", { target: "web" }, "target_port_unknown", 15],
    ["a selector that selects nothing", { selector: "shop2" }, "no_endpoints", 14],
    ["another namespace", { space: "prod" }, "service_in_other_namespace", 8],
  ])("know %s", async (_, changes, cause, line) => {
    const { findings } = await manifests(changes);
    expect(findings.map((one) => [one.cause, one.where?.line])).toEqual([[cause, line]]);
  });

  it("know a state without an address, unless another slice has one", async () => {
    const slice = (name: string, endpoints: string): string =>
      `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata:\n` +
      `  { name: ${name}, labels: { kubernetes.io/service-name: shop } }\n` +
      `endpoints: ${endpoints}\n`;
    const none = slice("a", "[{ addresses: [10.0.0.1], conditions: { ready: false } }]");
    const one = slice("b", "[{ addresses: [10.0.0.2] }]");
    const causes = async (text: string): Promise<readonly string[]> =>
      (await read({ "state.yaml": text })).findings.map(({ cause }) => cause);
    expect(await causes(none)).toEqual(["no_endpoints"]);
    expect(await causes(`${none}---\n${one}`)).toEqual([]);
  });
});

describe("cloudflared's rules", () => {
  it("asks each service as the tunnel does", async () => {
    const config = await read({
      "config.yml": `tunnel: t
ingress:
  - hostname: shop.example
    path: /api
    service: http://localhost:3000
  - hostname: tls.example
    service: https://10.0.0.1
    originRequest: { noTLSVerify: true, originServerName: app }
  - { hostname: ssh.example, service: "ssh://localhost" }
  - { hostname: s.example, service: "unix:/run/app.sock" }
  - service: http_status:404
`,
    });
    expect(config.front).toBe("cloudflared");
    expect(asked(config)).toEqual([
      "5 http://localhost:3000",
      "7 https://10.0.0.1",
      "9 tcp://localhost:22",
      "10 unix:/run/app.sock",
    ]);
    expect(config.upstreams[0]?.manner).toMatchObject({ host: "shop.example", path: "/api" });
    expect(config.upstreams[1]?.manner?.tls).toMatchObject({
      servername: "app",
      checks: { chain: false },
    });
    expect([config.problems, config.notLookedAt]).toEqual([[], []]);
  });

  it("says what cloudflared refuses, and where the rules are if not here", async () => {
    const config = await read({
      "config.yml":
        "ingress:\n  - { service: 'http://localhost:1' }\n" +
        "  - { hostname: a, service: hello_world }\n",
    });
    expect(config.problems.map(({ where }) => where.line)).toEqual([2, 3]);
    const remote = await read({ "config.yml": "tunnel: t\ncredentials-file: /c.json\n" });
    expect(remote.notLookedAt.map(({ text }) => text)).toEqual(["no ingress in this file"]);
  });
});
