/**
 * Contradictions between several lines of an Apache configuration: an earlier path that swallows a
 * later one, a balancer without members, a module that is not loaded, a place that is closed.
 */
import { fault, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import {
  type ApacheBackend,
  backendOf,
  balancerOf,
  isTakenOut,
} from "../config/apache-backends.js";
import { type ApacheLine, settingAt } from "../config/apache-lines.js";
import { schemeOf } from "../config/apache-manner.js";

function at({ file, line }: ApacheLine) {
  return { file, line };
}

/** Of several ProxyPass in one scope the first that fits is taken, not the longest. */
export function shadows(lines: readonly ApacheLine[]): readonly Finding[] {
  const passes = lines
    .map(backendOf)
    .filter((one): one is ApacheBackend => one?.kind === "pass" && one.path !== null)
    .filter(({ line }) => !line.inside.some(({ name }) => name === "location"));
  return passes.flatMap((later, index) => {
    const earlier = passes
      .slice(0, index)
      .find(
        ({ path, line }) =>
          isBelow(later.path ?? "", path ?? "") &&
          line.inside.length === later.line.inside.length &&
          line.inside.every((one, place) => one === later.line.inside[place]),
      );
    if (earlier === undefined) return [];
    return [
      fault({
        cause: "shadowed_by_earlier",
        impact: "some",
        layer: "config",
        blame: "proxy",
        code: "destination_not_found",
        title:
          `ProxyPass ${later.path} is never used: ${earlier.path} stands before it and fits, ` +
          "too.",
        evidence: [`${earlier.path} goes to ${earlier.url}`],
        fix: `Put ${later.path} before line ${earlier.line.line}: the first that fits is taken.`,
        where: at(later.line),
      }),
    ];
  });
}

function isBelow(path: string, above: string): boolean {
  return (
    path.startsWith(above) && (above.endsWith("/") || /^(?:\/|$)/.test(path.slice(above.length)))
  );
}

export function balancers(backends: readonly ApacheBackend[]): readonly Finding[] {
  const asked = backends.filter(
    ({ url, kind }) => schemeOf(url) === "balancer" && kind !== "member",
  );
  const members = backends.filter(({ kind }) => kind === "member");
  return asked.flatMap((one) => {
    const name = balancerOf(one);
    const own = members.filter((member) => balancerOf(member) === name);
    if (own.some((member) => !isTakenOut(member))) return [];
    const known = [...new Set(members.map(balancerOf))].join(", ");
    return [
      fault({
        cause: own.length === 0 ? "unknown_balancer" : "all_servers_disabled",
        layer: "config",
        blame: "proxy",
        code: "no_healthy_target",
        title:
          own.length === 0
            ? `The balancer "${name ?? "?"}" has no members: Apache answers 503, or no such host.`
            : `Every member of the balancer "${name ?? "?"}" is taken out by its status.`,
        evidence: [known === "" ? "there is no balancer with members" : `balancers: ${known}`],
        fix: own.length === 0 ? "Correct the name, or give it members:" : "Take status=+D away:",
        write:
          `<Proxy "balancer://${name ?? "NAME"}">\n` +
          '  BalancerMember "http://127.0.0.1:3000"\n</Proxy>',
        where: at(one.line),
      }),
    ];
  });
}

const MODULES: Readonly<Record<string, string>> = {
  http: "proxy_http",
  https: "proxy_http",
  fcgi: "proxy_fcgi",
  balancer: "proxy_balancer",
  ws: "proxy_wstunnel",
  wss: "proxy_wstunnel",
  h2: "proxy_http2",
  h2c: "proxy_http2",
  uwsgi: "proxy_uwsgi",
  ajp: "proxy_ajp",
};

/** Asked only where the modules are to be seen. */
export function modules(
  backends: readonly ApacheBackend[],
  lines: readonly ApacheLine[],
): readonly Finding[] {
  const loaded = new Set(
    lines.filter(({ name }) => name === "loadmodule").map(({ words }) => words[1] ?? ""),
  );
  if (!loaded.has("proxy_module")) return [];
  const missing = new Map<string, ApacheBackend>();
  for (const backend of backends) {
    const module = MODULES[schemeOf(backend.url)];
    if (module !== undefined && !loaded.has(`${module}_module`)) missing.set(module, backend);
  }
  return [...missing].map(([module, { line, url }]) =>
    fault({
      cause: "module_not_loaded",
      layer: "config",
      blame: "proxy",
      code: "proxy_configuration_error",
      confidence: "likely",
      title: `mod_${module} is not loaded, and ${url} needs it: Apache answers 500 or 503.`,
      evidence: ["its log says AH01144: No protocol handler was valid for the URL"],
      fix: `Load it (Debian: a2enmod ${module}), and start Apache again:`,
      write: `LoadModule ${module}_module modules/mod_${module}.so`,
      where: at(line),
    }),
  );
}

/** Closed to all clients, or open to all as a forward proxy. */
export function refusals(lines: readonly ApacheLine[]): readonly Finding[] {
  return lines.flatMap((line) => {
    const proxy = line.inside.at(-1)?.name === "proxy";
    const text = line.words.join(" ").toLowerCase();
    if (proxy && (text === "require all denied" || text === "deny from all")) {
      return [
        fault({
          cause: "proxy_denied",
          layer: "config",
          blame: "proxy",
          code: "request_denied",
          title: "The backend is closed to all clients: Apache answers 403.",
          evidence: [
            `${line.words.join(" ")} inside <Proxy ${line.inside.at(-1)?.args[0] ?? "*"}>`,
          ],
          fix: "Let those in who may ask:",
          write: "Require all granted",
          where: at(line),
        }),
      ];
    }
    if (text !== "proxyrequests on" || settingAt(lines, line, "proxyrequests") !== line) return [];
    return [
      warning({
        cause: "open_forward_proxy",
        layer: "config",
        blame: "proxy",
        title: "ProxyRequests On makes Apache a forward proxy for the whole world.",
        evidence: ["ProxyPass needs nothing of it."],
        fix: "Switch it off:",
        write: "ProxyRequests Off",
        where: at(line),
      }),
    ];
  });
}
