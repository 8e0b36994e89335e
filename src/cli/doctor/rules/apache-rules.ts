/**
 * Contradictions in an Apache configuration that can be seen without a request.
 * Each finding has the file and the line, says why, and what to write instead.
 */

import { fault, note, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import { type ApacheBackend, backendsOf, passLine } from "../config/apache-backends.js";
import { type ApacheLine, settingAt } from "../config/apache-lines.js";
import { schemeOf } from "../config/apache-manner.js";
import { balancers, modules, refusals, shadows } from "./apache-chain-rules.js";

export function apacheRules(lines: readonly ApacheLine[]): readonly Finding[] {
  const backends = backendsOf(lines);
  return [
    ...backends.flatMap((backend) => [
      ...retry(backend),
      ...slashes(backend),
      ...localhost(backend),
      ...engine(backend, lines),
    ]),
    ...shadows(lines),
    ...balancers(backends),
    ...modules(backends, lines),
    ...refusals(lines),
  ];
}

function at({ line: { file, line } }: ApacheBackend) {
  return { file, line };
}

/** Apache's own default. */
const RETRY_SECONDS = 60;

function retry(backend: ApacheBackend): readonly Finding[] {
  const seconds = Number(backend.options.get("retry") ?? RETRY_SECONDS);
  const pooled = backend.kind !== "handler" && backend.kind !== "rewrite";
  if (seconds < RETRY_SECONDS || !pooled || schemeOf(backend.url) === "balancer") return [];
  return [
    warning({
      cause: "retry_takes_backend_out",
      layer: "config",
      blame: "proxy",
      code: "breaker_open",
      title:
        `After one refused connection Apache answers 503 for ${seconds} s, without ` +
        "asking again.",
      evidence: [`retry=${seconds}${backend.options.has("retry") ? "" : " is the default"}`],
      fix: "Ask again at once; a refusal costs nothing:",
      write: `${passLine(backend)} retry=0`,
      where: at(backend),
    }),
  ];
}

/** A path is cut off and the rest is put behind the URL, letter by letter. */
function slashes(backend: ApacheBackend): readonly Finding[] {
  const { path, url, kind } = backend;
  if (path === null || kind !== "pass" || /^(?:unix|balancer):/.test(url)) return [];
  const bare = url.replace(/^\w+:\/\/[^/]+/, "");
  if (path.endsWith("/") === bare.endsWith("/")) return [];
  const glued = path.endsWith("/") && bare === "";
  const parts = {
    layer: "config",
    blame: "proxy",
    evidence: [`${path}orders is asked for as ${url}${path.endsWith("/") ? "" : "/"}orders`],
    fix: "Write a slash at the end of both, or of none:",
    write: passLine(backend).replace(url, path.endsWith("/") ? `${url}/` : url.replace(/\/$/, "")),
    where: at(backend),
    cause: "slashes_differ",
  } as const;
  if (!glued) {
    const title = `${path} and ${url} do not both end with a slash: paths are joined wrongly.`;
    return [note({ ...parts, title })];
  }
  return [
    fault({
      ...parts,
      code: "dns_name_not_found",
      title:
        `${path} is mapped to ${url} without a slash: the rest of the path becomes part of ` +
        "the host.",
    }),
  ];
}

function localhost(backend: ApacheBackend): readonly Finding[] {
  if (!/:\/\/localhost(?::|\/|$)/.test(backend.url)) return [];
  return [
    note({
      cause: "localhost_has_two_families",
      layer: "config",
      blame: "proxy",
      code: "connection_refused",
      title: "localhost can be ::1 and 127.0.0.1, and the application may listen on one of them.",
      evidence: [],
      fix: "Name the address that the application listens on:",
      write: backend.line.words.join(" ").replace("localhost", "127.0.0.1"),
      where: at(backend),
    }),
  ];
}

function engine(backend: ApacheBackend, lines: readonly ApacheLine[]): readonly Finding[] {
  if (!/^(?:https|wss|h2):/.test(backend.url)) return [];
  if (settingAt(lines, backend.line, "sslproxyengine")?.words[1]?.toLowerCase() === "on") return [];
  return [
    fault({
      cause: "ssl_proxy_engine_off",
      layer: "config",
      blame: "proxy",
      code: "proxy_configuration_error",
      confidence: "likely",
      title: "https is asked of the backend, and SSLProxyEngine is off: Apache answers 500.",
      evidence: [],
      fix: "Switch it on beside the ProxyPass:",
      write: "SSLProxyEngine on",
      where: at(backend),
    }),
  ];
}
