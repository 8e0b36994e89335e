/**
 * Envoy's bootstrap: the endpoints of static clusters, with TLS, checks of health and the time that
 * a route waits. Clusters that a control plane fills are not in the file.
 */
import type {
  ConfiguredUpstream,
  FrontConfig,
  FrontHealthCheck,
  FrontTls,
  Problem,
} from "../front-config.js";
import { timeMs } from "../units.js";
import type { Node, YamlFile } from "./yaml-file.js";
import { portOf, problemAt, settingsWith, upstreamAt, yamlFront } from "./yaml-front.js";

/** Envoy's own: `idle_timeout` of a pool, `timeout` of a route, `max_response_headers_kb`. */
const POOL_IDLE_MS = 3_600_000;
const ROUTE_MS = 15_000;
const HEAD_BYTES = 60 * 1_024;
const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const STATUS_WELL = 200;

export function envoy({ documents, problems }: YamlFile): FrontConfig | null {
  const [root] = documents;
  const resources = root?.at("static_resources");
  if (root === undefined || resources?.exists() !== true) return null;
  const clusters = resources.at("clusters").list();
  const listeners = everyNode(resources.at("listeners"));
  const upgrades = listeners.some((one) => one.at("upgrade_type").text() === "websocket");
  const routes = listeners.flatMap((one) => (one.at("cluster").exists() ? [one] : []));
  const read = clusters.map((cluster) => readCluster(cluster, routes, upgrades));
  const names = new Set(clusters.map((cluster) => cluster.at("name").text()));
  const dynamic = root.at("dynamic_resources");
  const unknown = routes
    .filter((one) => one.at("cluster").text() !== null && !names.has(one.at("cluster").text()))
    .map((one) => problemAt(one.at("cluster"), `unknown cluster ${one.at("cluster").text()}`));
  // What a control plane adds is not in the file.
  const known = !dynamic.exists();
  const ask = "curl -s http://127.0.0.1:ADMIN_PORT/clusters lists them with their health.";
  return yamlFront("envoy", {
    upstreams: read.flatMap((one) => one.upstreams),
    notLookedAt: [
      ...read.flatMap((one) => one.notLookedAt),
      ...(known ? [] : [problemAt(dynamic, "dynamic_resources: clusters of a control plane", ask)]),
    ],
    problems: [...problems, ...read.flatMap((one) => one.problems), ...(known ? unknown : [])],
  });
}

interface Cluster {
  readonly upstreams: readonly ConfiguredUpstream[];
  readonly notLookedAt: readonly Problem[];
  readonly problems: readonly Problem[];
}

function readCluster(cluster: Node, routes: readonly Node[], upgrades: boolean): Cluster {
  const name = cluster.at("name").text() ?? "?";
  const type = (cluster.at("type").text() ?? "STATIC").toUpperCase();
  const endpoints = cluster
    .at("load_assignment", "endpoints")
    .list()
    .flatMap((one) => one.at("lb_endpoints").list())
    .map((one) => one.at("endpoint", "address"));
  const places = endpoints.map((address) => [address, placeOf(address)] as const);
  const asked = places.filter(([, place]) => place !== null);
  const hidden = type === "EDS" || endpoints.length === 0;
  const ask = "curl -s http://127.0.0.1:ADMIN_PORT/clusters lists its endpoints.";
  const names = places.filter(([address]) => isName(address) && type === "STATIC");
  const settings = settingsOf(cluster, routes, upgrades);
  return {
    upstreams: asked.map(([address, place]) =>
      upstreamAt(address, `${schemeOf(cluster, place ?? "")}${place}`, `cluster ${name}`, {
        settings,
        siblings: asked.length - 1,
        manner: mannerOf(cluster, routes),
      }),
    ),
    notLookedAt: hidden
      ? [problemAt(cluster, `cluster ${name} (${type}): no endpoint in this file`, ask)]
      : places
          .filter(([, place]) => place === null)
          .map(([address]) => problemAt(address, `an endpoint of cluster ${name}`)),
    problems: names.map(([address, place]) =>
      problemAt(address, `${place} is a name in a STATIC cluster; write type: STRICT_DNS`),
    ),
  };
}

function placeOf(address: Node): string | null {
  const path = address.at("pipe", "path").text();
  if (path !== null) return `unix:${path}`;
  const host = address.at("socket_address", "address").text();
  const port = portOf(address.at("socket_address", "port_value"));
  if (host === null || port === null) return null;
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

function isName(address: Node): boolean {
  const host = address.at("socket_address", "address").text() ?? "";
  return host !== "" && !host.includes(":") && !/^[\d.]+$/.test(host);
}

function schemeOf(cluster: Node, place: string): string {
  if (place.startsWith("unix:")) return "";
  const secure = cluster.at("transport_socket").exists();
  const explicit = cluster
    .at("typed_extension_protocol_options")
    .at(HTTP_OPTIONS)
    .at("explicit_http_config");
  const h2 =
    explicit.at("http2_protocol_options").exists() || cluster.at("http2_protocol_options").exists();
  if (h2) return secure ? "grpcs://" : "grpc://";
  return secure ? "https://" : "http://";
}

function settingsOf(
  cluster: Node,
  routes: readonly Node[],
  upgrades: boolean,
): ConfiguredUpstream["settings"] {
  const name = cluster.at("name").text();
  const waits = routes
    .filter((route) => route.at("cluster").text() === name)
    .map((route) => timeMs(route.at("timeout").text() ?? "", "s") ?? ROUTE_MS);
  // 0s is no limit.
  const responseMs = Math.max(0, ...waits.map((ms) => ms || Number.POSITIVE_INFINITY));
  return settingsWith(
    {
      poolIdleMs: POOL_IDLE_MS,
      watchesIdle: true,
      responseMs: Number.isFinite(responseMs) && responseMs > 0 ? responseMs : null,
      headBytes: HEAD_BYTES,
      upgrades,
    },
    {
      keepAlive: "common_http_protocol_options: { idle_timeout: 4s }",
      headBytes: "common_http_protocol_options: { max_response_headers_kb: 96 }",
      upgrades: "upgrade_configs: [{ upgrade_type: websocket }]",
      address: (right) => {
        const [, host = "", port = ""] = /^\w+:\/\/(.*):(\d+)$/.exec(right) ?? [];
        return `socket_address: { address: "${host.replace(/[[\]]/g, "")}", port_value: ${port} }`;
      },
    },
  );
}

function mannerOf(cluster: Node, routes: readonly Node[]): ConfiguredUpstream["manner"] & {} {
  const name = cluster.at("name").text();
  const hosts = routes
    .filter((route) => route.at("cluster").text() === name)
    .flatMap((route) => route.at("host_rewrite_literal").text() ?? []);
  const socket = cluster.at("transport_socket");
  const check = checkOf(cluster.at("health_checks").list()[0], name);
  return {
    ...(hosts[0] === undefined ? {} : { host: hosts[0] }),
    ...(socket.exists() ? { tls: tlsOf(socket.at("typed_config")) } : {}),
    ...(check === null ? {} : { check }),
  };
}

/** Without authorities Envoy trusts any certificate; without `sni` it sends no name. */
function tlsOf(config: Node): FrontTls {
  const context = config.at("common_tls_context");
  const trust = context.at("validation_context");
  const ca = trust.at("trusted_ca");
  const [own] = context.at("tls_certificates").list();
  const pem = (node: Node | undefined): string | null =>
    node?.at("filename").text() ?? node?.at("inline_string").text() ?? null;
  const names = ["match_typed_subject_alt_names", "match_subject_alt_names"];
  return {
    servername: config.at("sni").text() ?? "",
    ca: pem(ca),
    cert: pem(own?.at("certificate_chain")),
    key: pem(own?.at("private_key")),
    checks: {
      chain: ca.exists(),
      expiry: ca.exists(),
      name: names.some((one) => trust.at(one).exists()),
    },
  };
}

/** It asks with the name of the cluster as Host. */
function checkOf(check: Node | undefined, cluster: string | null): FrontHealthCheck | null {
  const path = check?.at("http_health_check", "path").text() ?? null;
  if (check === undefined || path === null) return null;
  const host = check.at("http_health_check", "host").text() ?? cluster;
  return { path, host, port: null, expects: (code) => code === STATUS_WELL, where: check.where };
}

/** Every map below a node, at any depth; the file ends, and so does this. */
function everyNode(node: Node): readonly Node[] {
  const inner = [...node.list(), ...node.entries().map(([, one]) => one)];
  return [node, ...inner.flatMap(everyNode)];
}
