/**
 * The start checks: one row of settings or environment for each thing that is known to end in a
 * 502, and one beside it where all is well.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { nodeProxy } from "../../../src/adapters/node.js";
import { webProxy } from "../../../src/adapters/web.js";
import { START_CHECKS, type StartCheckCode } from "../../../src/catalog/start-checks.js";
import { createGateway } from "../../../src/gateway/gateway.js";
import { startSightings, toldSighting } from "../../../src/lifecycle/start-checks.js";
import {
  bytesIn,
  openFilesIn,
  type StartEnvironment,
  startEnvironment,
} from "../../../src/lifecycle/start-environment.js";
import { normaliseGateway } from "../../../src/options/normalise.js";
import type { UpstreamOptions } from "../../../src/options/options.js";
import { prepareServer } from "../../../src/server/behind/prepare-server.js";
import { isOwn, platform } from "../../../src/server/server-checks.js";

const WELL: StartEnvironment = {
  variables: {},
  nodeVersion: "22.11.0",
  openFilesMax: 1_048_576,
  heapBytesMax: 2 ** 31,
  memoryBytesMax: null,
  container: false,
  socketState: () => "there",
};

type Row = readonly [
  code: StartCheckCode,
  options: Partial<UpstreamOptions>,
  environment: Partial<StartEnvironment>,
  seen: string,
];

const TARGET = "http://10.0.0.5:8080";
const TWO = [TARGET, "http://10.0.0.6:8080"];
const SECURE = "https://orders.example.com";

function seenOf(options: Partial<UpstreamOptions>, environment: Partial<StartEnvironment>) {
  const { upstreams } = normaliseGateway({
    upstreams: { orders: { targets: TARGET, ...options } },
  });
  return startSightings(Object.values(upstreams), { ...WELL, ...environment });
}

const LONG = `unix:/run/${"a".repeat(110)}.sock`;

const ROWS: readonly Row[] = [
  ["scheme_port_mismatch", { targets: "http://app:443" }, {}, "upstreams.orders: http://app:443"],
  ["scheme_port_mismatch", { targets: "https://app:80" }, {}, "upstreams.orders: https://app:80"],
  ["listen_address_as_target", { targets: "http://0.0.0.0:80" }, {}, "http://0.0.0.0"],
  ["listen_address_as_target", { targets: "http://[::]:3000" }, {}, "http://[::]:3000"],
  ["tls_name_missing", { targets: "https://10.0.0.5" }, {}, "upstreams.orders: https://10.0.0.5"],
  ["unix_path_too_long", { targets: LONG }, {}, "120 bytes of 107"],
  [
    "unix_socket_forbidden",
    { targets: "unix:/run/a.sock" },
    { socketState: () => "forbidden" },
    "unix:/run/a.sock",
  ],
  [
    "unix_socket_missing",
    { targets: "unix:/run/a.sock" },
    { socketState: () => "missing" },
    "unix:/run/a.sock",
  ],
  [
    "loopback_in_container",
    { targets: "http://localhost:3000" },
    { container: true },
    "http://localhost:3000",
  ],
  ["proxy_environment", { targets: SECURE }, { variables: { https_proxy: "x" } }, "https_proxy"],
  [
    "proxy_environment",
    { targets: SECURE },
    { variables: { ALL_PROXY: "x", NO_PROXY: "a.com, example.org" } },
    "ALL_PROXY",
  ],
  [
    "tls_unverified",
    { targets: SECURE },
    { variables: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } },
    "for the whole process",
  ],
  ["open_files", {}, { openFilesMax: 512 }, "up to 1_000 connections, 512 open files"],
  ["heap_beyond_memory", {}, { memoryBytesMax: 2 ** 29 }, "2048 MiB of 512 MiB"],
  ["node_version", {}, { nodeVersion: "18.20.1" }, "Node 18.20.1"],
  ["node_version", {}, { nodeVersion: "20.18.3" }, "Node 20.18.3"],
  ["no_time_limit", { timeouts: { responseMs: Infinity, totalMs: Infinity } }, {}, "Infinity"],
  ["broken_target_stays", { targets: TWO, breaker: false, ejection: false }, {}, "2 targets"],
  ["retries_without_budget", { retry: { budgetRatio: 2 } }, {}, "retry.budgetRatio: 2"],
  ["retries_without_budget", { retry: { budgetFloorPerSecond: Infinity } }, {}, "Infinity"],
  ["no_probe_path", { targets: TWO }, {}, "upstreams.orders: 2 targets"],
];

describe("the start checks", () => {
  it.each(ROWS)("find %s of %j in %j", (code, options, environment, seen) => {
    const found = seenOf(options, environment).filter((one) => one.code === code);
    expect(found).toHaveLength(1);
    expect(found[0]?.seen).toContain(seen);
  });

  it.each<readonly [StartCheckCode, Partial<UpstreamOptions>, Partial<StartEnvironment>]>([
    ["scheme_port_mismatch", { targets: "https://app:443" }, {}],
    ["tls_name_missing", { targets: { url: "https://10.0.0.5", host: "orders.internal" } }, {}],
    [
      "tls_name_missing",
      { targets: { url: "https://10.0.0.5", tls: { rejectUnauthorized: false } } },
      {},
    ],
    ["tls_name_missing", { targets: "https://127.0.0.1:8443" }, {}],
    ["tls_unverified", {}, { variables: { NODE_TLS_REJECT_UNAUTHORIZED: "0" } }],
    [
      "proxy_environment",
      { targets: SECURE },
      { variables: { HTTPS_PROXY: "x", NO_PROXY: ".example.com" } },
    ],
    ["proxy_environment", { targets: SECURE }, { variables: { HTTP_PROXY: "x" } }],
    ["proxy_environment", { targets: "https://orders" }, { variables: { HTTPS_PROXY: "x" } }],
    ["proxy_environment", {}, { variables: { HTTP_PROXY: "x" } }],
    ["broken_target_stays", { targets: TWO, breaker: false }, {}],
    ["retries_without_budget", { retry: false }, {}],
    ["no_probe_path", { targets: TWO, probe: { path: "/healthz" } }, {}],
    ["open_files", { limits: { connectionsMax: Infinity }, bulkhead: false }, { openFilesMax: 10 }],
    ["open_files", {}, { openFilesMax: null }],
    ["node_version", {}, { nodeVersion: "20.19.0" }],
  ])("do not find %s where it is not", (code, options, environment) => {
    expect(seenOf(options, environment).map((one) => one.code)).not.toContain(code);
  });

  it("find nothing in the plainest options", () => {
    expect(seenOf({}, {})).toEqual([]);
  });

  it("are all found by a row here, or at a server below", () => {
    const atServers = Object.keys(START_CHECKS).filter((code) =>
      /^(?:server_|platform|target_is|host_differs)/.test(code),
    );
    expect(atServers).toHaveLength(7);
    const found = new Set([...ROWS.map(([code]) => code), ...atServers]);
    expect([...found].sort()).toEqual(Object.keys(START_CHECKS).sort());
  });

  it("are told with what was seen and with the fix, and never with a key or a password", () => {
    const [found] = seenOf({ targets: "http://app:443" }, {});
    expect(toldSighting(found as NonNullable<typeof found>)).toBe(
      "A target speaks http to port 443, or https to port 80 (upstreams.orders: http://app:443); " +
        "write https:// for port 443 and http:// for port 80",
    );
  });

  it("read the limits of the process, and nothing from what says nothing", () => {
    expect(openFilesIn("Max open files            1024         4096         files\n")).toBe(1_024);
    expect([openFilesIn(""), bytesIn("max\n"), bytesIn("536870912\n")]).toEqual([
      null,
      null,
      536_870_912,
    ]);
    const { nodeVersion, heapBytesMax, socketState } = startEnvironment();
    expect(nodeVersion).toBe(process.versions.node);
    expect(heapBytesMax).toBeGreaterThan(0);
    expect(socketState("/nowhere/a.sock")).toBe("missing");
  });
});

describe("a warning of the start checks", () => {
  it("is told once with its code, is in the snapshot, and is a part of the diagnosis", () => {
    const told: (readonly [string, string])[] = [];
    const gateway = createGateway({
      upstreams: {
        orders: { targets: ["http://app:443", TARGET] },
        search: { targets: "http://search:8080" },
      },
      onWarning: (...one) => told.push(one),
    });
    expect(told.map(([, code]) => code)).toEqual(["GOOD_GATEWAY_SCHEME_PORT_MISMATCH"]);
    const [[message = "", code = ""] = []] = told;
    expect(gateway.snapshot().warnings).toEqual([{ code, message }]);
    const { verdict, findings } = gateway.diagnose("orders");
    expect(verdict.well).toBe(true);
    expect(findings).toMatchObject([
      { severity: "warning", cause: "scheme_port_mismatch", layer: "config", blame: "proxy" },
      { severity: "note", cause: "no_probe_path" },
    ]);
    expect(gateway.diagnose("search").findings).toEqual([]);
    gateway.close();
  });

  it.each<[string, string, Partial<UpstreamOptions>, boolean]>([
    ["the client's Host over TLS", "preserve", { targets: SECURE }, true],
    ["a Host of its own over TLS", "shop.example.com", { targets: SECURE }, true],
    ["the target's Host", "target", { targets: SECURE }, false],
    ["the name of TLS, written out", "orders.example.com", { targets: SECURE }, false],
    ["the client's Host without TLS", "preserve", { targets: TARGET }, false],
  ])("notes a Host that is not the name of TLS: %s", (_, host, options, isNoted) => {
    const told: unknown[] = [];
    const gateway = createGateway({
      upstreams: { orders: { targets: TARGET, ...options } },
      onWarning: (message) => told.push(message),
    });
    for (const proxy of [nodeProxy, webProxy]) proxy(gateway.upstream("orders"), { host });
    const { findings } = gateway.diagnose("orders");
    expect(findings.map(({ cause }) => cause)).toEqual(isNoted ? ["host_differs_from_tls"] : []);
    expect(told).toEqual([]);
    gateway.close();
  });

  it("is a warning of the process unless somebody else is told", () => {
    const emit = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    createGateway({ upstreams: { orders: { targets: "http://app:443" } } }).close();
    expect(emit.mock.calls).toEqual([
      [expect.stringContaining("port 443"), { code: "GOOD_GATEWAY_SCHEME_PORT_MISMATCH" }],
    ]);
    emit.mockRestore();
  });
});

describe("the server in front of a gateway", () => {
  const servers = new Set<Server>();
  afterEach(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    servers.clear();
    vi.unstubAllEnvs();
  });

  /** Codes that are told after two requests. */
  async function told(
    set: (server: Server) => void,
    options: (port: number) => Partial<UpstreamOptions> = () => ({}),
  ): Promise<readonly string[]> {
    const codes: string[] = [];
    const server = createServer();
    servers.add(server);
    set(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    const { port } = server.address() as AddressInfo;
    const gateway = createGateway({
      upstreams: { app: { targets: "http://127.0.0.1:1", retry: false, ...options(port) } },
      onWarning: (_, code) => codes.push(code),
    });
    server.on("request", nodeProxy(gateway.upstream("app")));
    for (let count = 0; count < 2; count += 1) {
      await (await fetch(`http://127.0.0.1:${port}/`)).text();
    }
    gateway.close();
    return codes;
  }

  it("tells a target that is the server itself", async () => {
    expect(
      await told(
        () => {},
        (port) => ({ targets: `http://localhost:${port}` }),
      ),
    ).toEqual(["GOOD_GATEWAY_TARGET_IS_THIS_SERVER"]);
    expect(await told(() => {})).toEqual([]);
  });

  it("tells times of the server that end a call before the gateway does", async () => {
    const short = (server: Server): void => {
      server.timeout = 5_000;
      server.requestTimeout = 8_000;
    };
    expect(await told(short)).toEqual([
      "GOOD_GATEWAY_SERVER_TIMEOUT_SHORT",
      "GOOD_GATEWAY_SERVER_REQUEST_TIMEOUT_SHORT",
    ]);
    expect(await told(short, () => ({ timeouts: { totalMs: 4_000 } }))).toEqual([]);
  });

  it("tells of a platform whose router keeps connections longer than the server", async () => {
    vi.stubEnv("DYNO", "web.1");
    expect(
      await told((server) => {
        server.keepAliveTimeout = 5_000;
      }),
    ).toEqual(["GOOD_GATEWAY_PLATFORM_UNKNOWN"]);
    expect(platform({ keepAliveTimeout: 95_000 }, { DYNO: "web.1" })).toEqual([]);
    expect(platform({ keepAliveTimeout: 5_000 }, {})).toEqual([]);
  });

  it("tells times that were set below what a known front needs", () => {
    const codes: string[] = [];
    const gateway = createGateway({ behind: "aws-alb", onWarning: (_, code) => codes.push(code) });
    const server = createServer();
    server.keepAliveTimeout = 20_000;
    server.headersTimeout = 21_000;
    server.timeout = 10_000;
    prepareServer(server, gateway);
    expect(codes).toEqual([
      "GOOD_GATEWAY_SERVER_KEEP_ALIVE_SHORT",
      "GOOD_GATEWAY_SERVER_HEADERS_TIMEOUT_SHORT",
      "GOOD_GATEWAY_SERVER_TIMEOUT_SHORT",
    ]);
    gateway.close();
  });

  it.each([
    ["localhost", "::", true],
    ["localhost", "127.0.0.1", true],
    ["127.0.0.1", "0.0.0.0", true],
    ["::1", "0.0.0.0", false],
    ["::1", "127.0.0.1", false],
    ["10.1.2.3", "127.0.0.1", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["orders.example.com", "::", false],
  ])("takes %s for the server that listens on %s: %s", (hostname, address, own) => {
    expect(isOwn({ hostname }, address)).toBe(own);
  });
});
