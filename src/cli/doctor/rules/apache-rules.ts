/**
 * Contradictions in an Apache configuration that can be seen without asking anybody.
 * Each finding has the file and the line, says why, and what to write instead.
 */

import { fault, note, warning } from "../../../gateway/diagnosis-finding.js";
import type { Finding } from "../../../gateway/diagnosis-report.js";
import { type Backend, backendsOf, directiveOf } from "../config/apache.js";
import type { Line } from "../config/words-of-lines.js";

export function apacheRules(lines: readonly Line[]): readonly Finding[] {
  return backendsOf(lines).flatMap((backend) => [
    ...retry(backend),
    ...slashes(backend),
    ...localhost(backend),
    ...engine(backend, lines),
  ]);
}

function at({ line: { file, line } }: Backend) {
  return { file, line };
}

function rest({ line, url }: Backend): string {
  return line.words.slice(0, line.words.indexOf(url) + 1).join(" ");
}

/** Apache's own default. */
const RETRY_SECONDS = 60;

function retry(backend: Backend): readonly Finding[] {
  const seconds = Number(backend.options.get("retry") ?? RETRY_SECONDS);
  if (seconds < RETRY_SECONDS || backend.name === "sethandler") return [];
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
      write: `${rest(backend)} retry=0`,
      where: at(backend),
    }),
  ];
}

function slashes(backend: Backend): readonly Finding[] {
  const { path, url, name } = backend;
  if (path === null || name !== "proxypass" || /^unix:/.test(url)) return [];
  const bare = url.replace(/^\w+:\/\/[^/]+/, "");
  if (path.endsWith("/") === bare.endsWith("/") || (path === "/" && bare === "")) return [];
  return [
    note({
      cause: "slashes_differ",
      layer: "config",
      blame: "proxy",
      title: `${path} and ${url} do not both end with a slash: paths are joined wrongly.`,
      evidence: [],
      fix: "Write a slash at the end of both, or of none.",
      where: at(backend),
    }),
  ];
}

function localhost(backend: Backend): readonly Finding[] {
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

function engine(backend: Backend, lines: readonly Line[]): readonly Finding[] {
  if (!/^(?:https|wss|h2):/.test(backend.url)) return [];
  if (directiveOf(lines, "sslproxyengine")?.words[1]?.toLowerCase() === "on") return [];
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
