/**
 * cloudflared's `config.yml`: the rules of `ingress`, each with a service and the way in which it
 * is asked. The last rule must take everything, or cloudflared does not start.
 */
import type { ConfiguredUpstream, FrontConfig, FrontTls, Problem } from "../front-config.js";
import { timeMs } from "../units.js";
import type { Node, YamlFile } from "./yaml-file.js";
import { problemAt, settingsWith, upstreamAt, yamlFront } from "./yaml-front.js";

/** `originRequest.keepAliveTimeout` of cloudflared itself. */
const KEPT_MS = 90_000;
const REMOTE =
  "Its rules are at Cloudflare: Zero Trust, Networks, Tunnels, Public Hostname. Ask for the " +
  "service that stands there: good-gateway doctor http://127.0.0.1:PORT/";

export function cloudflared({ documents, problems }: YamlFile): FrontConfig | null {
  const [root] = documents;
  if (root === undefined) return null;
  const rules = root.at("ingress").list();
  const isOne = rules.some((rule) => rule.at("service").exists()) || root.at("tunnel").exists();
  if (!isOne) return null;
  const upstreams: ConfiguredUpstream[] = [];
  const notLookedAt: Problem[] = [];
  const all = rules.length === 0 && root.at("url").exists() ? [root] : rules;
  for (const rule of all) {
    const service = rule.at(rule === root ? "url" : "service");
    const found = addressOf(service.text() ?? "");
    if (found === "itself") continue;
    if (found === null) notLookedAt.push(problemAt(service, `service: ${service.text() ?? ""}`));
    else upstreams.push(upstreamOf(rule, service, found, root.at("originRequest")));
  }
  if (all.length === 0) notLookedAt.push(problemAt(root, "no ingress in this file", REMOTE));
  const broken = [...problems, ...orderOf(rules)];
  return yamlFront("cloudflared", { upstreams, notLookedAt, problems: broken });
}

/** `itself`: cloudflared answers, and no service is asked. Null: nothing that can be asked. */
function addressOf(service: string): string | null {
  if (/^(?:http_status:\d+|hello_world|hello-world|bastion|socks-proxy)$/.test(service)) {
    return "itself";
  }
  const socket = /^unix:(\/.+)$/.exec(service)?.[1];
  if (socket !== undefined) return `unix:${socket}`;
  const [, scheme = "", place = ""] = /^(\w+):\/\/([^/?#]+)/.exec(service) ?? [];
  if (/^https?$/.test(scheme)) return `${scheme}://${place}`;
  const port = { ssh: 22, rdp: 3389, smb: 445 }[scheme];
  if (!["tcp", "ssh", "rdp", "smb"].includes(scheme)) return null;
  if (/:\d+$/.test(place)) return `tcp://${place}`;
  return port === undefined ? null : `tcp://${place}:${port}`;
}

function upstreamOf(rule: Node, service: Node, address: string, usual: Node): ConfiguredUpstream {
  const option = (name: string): string | null =>
    rule.at("originRequest", name).text() ?? usual.at(name).text();
  const hostname = rule.at("hostname").text() ?? "";
  const site = /^[^*]+$/.test(hostname) ? hostname : null;
  const host = option("httpHostHeader") ?? site;
  const path = rule.at("path").text();
  const kept = timeMs(option("keepAliveTimeout") ?? "", "s") ?? KEPT_MS;
  return upstreamAt(service, address, `ingress ${hostname || "*"}${path ?? ""}`, {
    settings: settingsWith(
      { poolIdleMs: kept, watchesIdle: true },
      {
        keepAlive: "originRequest:\n  keepAliveTimeout: 4s",
        address: (right) => `service: ${right}`,
      },
    ),
    manner: {
      ...(host === null ? {} : { host }),
      ...(site === null ? {} : { hosts: [site] }),
      // A path is a pattern; only what is plain in it can be asked for.
      ...(path !== null && /^\/[\w/-]*$/.test(path) ? { path } : {}),
      ...(address.startsWith("https:") ? { tls: tlsOf(option) } : {}),
      secure: true,
      tellsProto: true,
    },
  });
}

function tlsOf(option: (name: string) => string | null): FrontTls {
  const checks = option("noTLSVerify") !== "true";
  return {
    servername: option("originServerName"),
    ca: option("caPool"),
    cert: null,
    key: null,
    checks: { chain: checks, expiry: checks, name: checks },
  };
}

/** What cloudflared says of its rules when it starts. */
function orderOf(rules: readonly Node[]): readonly Problem[] {
  return rules.flatMap((rule, index) => {
    const hostname = rule.at("hostname").text() ?? "";
    const all = ["", "*"].includes(hostname) && rule.at("path").text() === null;
    const last = index === rules.length - 1;
    if (last && !all) {
      return [problemAt(rule, "the last ingress rule must take every request (no hostname)")];
    }
    return !last && all
      ? [problemAt(rule, "an ingress rule takes every request, and rules come after it")]
      : [];
  });
}
