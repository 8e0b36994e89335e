/**
 * Traefik's files: services of the dynamic configuration with their servers, and the routers that
 * lead to them. Of the static configuration the file provider is followed.
 */
import { dirname, isAbsolute, join } from "node:path";
import type {
  ConfiguredUpstream,
  FrontConfig,
  FrontHealthCheck,
  FrontTls,
  Manner,
  Problem,
} from "../front-config.js";
import type { Node, YamlFile } from "./yaml-file.js";
import { problemAt, settingsWith, upstreamAt, yamlFront } from "./yaml-front.js";

/** `forwardingTimeouts.idleConnTimeout` of Traefik itself. */
const POOL_IDLE_MS = 90_000;
const KINDS = ["http", "tcp", "udp"] as const;
const STATUS_WELL = 200;
const STATUS_BAD = 400;

/** Reads another file of the same configuration; null where it cannot be read. */
export type ReadOther = (file: string) => Promise<FrontConfig | null>;

export async function traefik(
  { documents, problems }: YamlFile,
  readOther: ReadOther,
): Promise<FrontConfig | null> {
  const [root] = documents;
  if (root === undefined) return null;
  const dynamic = KINDS.some((kind) => isDynamic(root.at(kind)));
  const isStatic = root.at("entryPoints").exists() || isProviders(root.at("providers"));
  if (!dynamic && !isStatic) return null;
  const own = dynamic ? dynamicOf(root) : yamlFront("traefik", {});
  const [provided, missed] = isStatic ? await providersOf(root, readOther) : [[], []];
  const all = [own, ...provided];
  return yamlFront("traefik", {
    upstreams: all.flatMap((one) => one.upstreams),
    notLookedAt: [...all.flatMap((one) => one.notLookedAt), ...missed],
    problems: [...problems, ...all.flatMap((one) => one.problems)],
  });
}

function isDynamic(kind: Node): boolean {
  return ["routers", "services", "middlewares"].some((part) => kind.at(part).entries().length > 0);
}

function isProviders(node: Node): boolean {
  const known = ["docker", "file", "kubernetesIngress", "kubernetesCRD", "swarm", "consulCatalog"];
  return known.some((name) => node.at(name).exists());
}

type Provided = readonly [readonly FrontConfig[], readonly Problem[]];

async function providersOf(root: Node, readOther: ReadOther): Promise<Provided> {
  const found: FrontConfig[] = [];
  const missed: Problem[] = [];
  for (const [name, provider] of root.at("providers").entries()) {
    const file = name === "file" ? provider.at("filename").text() : null;
    if (file === null) {
      if (provider.value !== undefined) missed.push(problemAt(provider, askOther(name), API));
      continue;
    }
    const path = isAbsolute(file) ? file : join(dirname(root.where.file), file);
    const read = await readOther(path);
    if (read === null) missed.push(problemAt(provider, `providers.file ${file}: no such file`));
    else found.push(read);
  }
  return [found, missed];
}

const API = "Traefik's own view of it: curl -s http://127.0.0.1:8080/api/http/services";

function askOther(name: string): string {
  return `providers.${name}: its services are not in this file`;
}

function dynamicOf(root: Node): FrontConfig {
  const upstreams: ConfiguredUpstream[] = [];
  const notLookedAt: Problem[] = [];
  const problems: Problem[] = [];
  for (const kind of KINDS) {
    const services = root.at(kind, "services");
    const names = new Set(services.entries().map(([name]) => name));
    const routers = root.at(kind, "routers").entries();
    for (const [name, router] of routers) {
      const service = router.at("service").text();
      // A name with @ is of another provider.
      if (service === null || service.includes("@") || names.has(service)) continue;
      problems.push(problemAt(router.at("service"), `router ${name}: no service ${service}`));
    }
    for (const [name, service] of services.entries()) {
      const leading = routers.filter(([, one]) => one.at("service").text() === name);
      const servers = service.at("loadBalancer", "servers").list();
      for (const server of servers) {
        const address = addressOf(kind, server);
        if (address === null) {
          notLookedAt.push(problemAt(server, `${kind} service ${name}: ${shown(server)}`));
          continue;
        }
        const manner = mannerOf(
          root,
          service,
          leading.map(([, one]) => one),
          address,
        );
        const context = [`service ${name}`, ...leading.map(([one]) => `router ${one}`)].join(", ");
        const siblings = servers.length - 1;
        upstreams.push(
          upstreamAt(server, address, context, { settings: SETTINGS, siblings, manner }),
        );
      }
    }
  }
  return yamlFront("traefik", { upstreams, notLookedAt, problems });
}

function shown(server: Node): string {
  return server.at("url").text() ?? server.at("address").text() ?? "no url";
}

function addressOf(kind: (typeof KINDS)[number], server: Node): string | null {
  const address = server.at("address").text() ?? "";
  if (kind === "tcp") return /:\d+$/.test(address) ? `tcp://${address}` : null;
  const url = server.at("url").text() ?? "";
  if (kind === "udp" || url.includes("{{") || !URL.canParse(url)) return null;
  const { protocol, host } = new URL(url);
  if (protocol === "h2c:") return `grpc://${host.includes(":") ? host : `${host}:80`}`;
  return /^https?:$/.test(protocol) ? `${protocol}//${host}` : null;
}

const SETTINGS = settingsWith(
  { poolIdleMs: POOL_IDLE_MS, watchesIdle: true },
  {
    keepAlive: "forwardingTimeouts:\n  idleConnTimeout: 4s",
    address: (right) => `servers:\n  - url: "${right}"`,
  },
);

function mannerOf(root: Node, service: Node, routers: readonly Node[], address: string): Manner {
  const balancer = service.at("loadBalancer");
  const rules = routers.map((router) => router.at("rule").text() ?? "");
  const hosts = rules.flatMap((rule) => wordsOf(rule, "Host"));
  const passes = balancer.at("passHostHeader").text() !== "false";
  const [path] = rules.flatMap((rule) => [
    ...wordsOf(rule, "PathPrefix"),
    ...wordsOf(rule, "Path"),
  ]);
  // What a middleware makes of the path is not followed.
  const plain = routers.every((router) => router.at("middlewares").list().length === 0);
  const check = checkOf(balancer.at("healthCheck"));
  const transport = balancer.at("serversTransport").text();
  return {
    ...(passes && hosts[0] !== undefined ? { host: hosts[0] } : {}),
    ...(hosts.length > 0 ? { hosts } : {}),
    ...(plain && path !== undefined ? { path } : {}),
    ...(check === null ? {} : { check }),
    ...(transport === null || !address.startsWith("https:")
      ? {}
      : { tls: tlsOf(root.at("http", "serversTransports", transport)) }),
    secure: routers.some((router) => router.at("tls").exists()),
    tellsProto: true,
  };
}

/** The names within Host(`a`, `b`) and the like. */
function wordsOf(rule: string, matcher: string): readonly string[] {
  const within = new RegExp(`(?<![!\\w]\\s*)\\b${matcher}\\(([^)]*)\\)`, "g");
  return [...rule.matchAll(within)].flatMap(([, words = ""]) =>
    [...words.matchAll(/[`"']([^`"']+)[`"']/g)].map(([, word = ""]) => word),
  );
}

function tlsOf(transport: Node): FrontTls {
  const checks = transport.at("insecureSkipVerify").text() !== "true";
  return {
    servername: transport.at("serverName").text(),
    ca: transport.at("rootCAs").list()[0]?.text() ?? null,
    cert: transport.at("certificates").list()[0]?.at("certFile").text() ?? null,
    key: transport.at("certificates").list()[0]?.at("keyFile").text() ?? null,
    checks: { chain: checks, expiry: checks, name: checks },
  };
}

function checkOf(check: Node): FrontHealthCheck | null {
  const path = check.at("path").text();
  if (path === null) return null;
  const wanted = Number(check.at("status").text() ?? 0);
  const port = Number(check.at("port").text() ?? 0);
  return {
    path,
    host: check.at("hostname").text() ?? "traefik",
    port: port > 0 ? port : null,
    expects: (status) =>
      wanted > 0 ? status === wanted : status >= STATUS_WELL && status < STATUS_BAD,
    where: check.where,
  };
}
