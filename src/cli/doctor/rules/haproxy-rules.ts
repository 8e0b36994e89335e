/**
 * Contradictions in a HAProxy configuration that can be seen without a request.
 * Each finding has the file and the line, says why, and what to write instead.
 */

import { fault, note, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import {
  backendsOf,
  type HaproxySection,
  isDisabled,
  optionOf,
  serversOf,
  settingOf,
  timeoutOf,
} from "../config/haproxy-lines.js";
import type { ConfigLine } from "../config/words-of-lines.js";

export function haproxyRules(sections: readonly HaproxySection[]): readonly Finding[] {
  const backends = backendsOf(sections);
  return [
    ...missingTimeouts(backends),
    ...backends.flatMap((section) => [
      ...uncheckedServers(section),
      ...localhostServers(section),
      ...unverifiedServers(section),
      ...noServer(section),
      ...allDisabled(section),
    ]),
    ...unknownBackends(sections),
  ];
}

function at({ file, line }: ConfigLine) {
  return { file, line };
}

function missingTimeouts(backends: readonly HaproxySection[]): readonly Finding[] {
  const [first] = backends;
  if (first === undefined) return [];
  return (["connect", "server"] as const)
    .filter((name) => timeoutOf(first, name) === null)
    .map((name) =>
      warning({
        cause: "timeout_missing",
        layer: "config",
        blame: "proxy",
        code: name === "connect" ? "connection_timeout" : "http_response_timeout",
        title: `timeout ${name} is not set: HAProxy waits without an end.`,
        evidence: ["HAProxy itself warns of it when it starts."],
        fix: "Write it into defaults:",
        write: name === "connect" ? "timeout connect 3s" : "timeout server 60s",
        where: at(first.head),
      }),
    );
}

function uncheckedServers(section: HaproxySection): readonly Finding[] {
  const server = serversOf(section).find((one) => optionOf(one, "check") === null);
  if (server === undefined) return [];
  const [, name = "?", address = "ADDRESS"] = server.words;
  return [
    warning({
      cause: "no_health_check",
      layer: "config",
      blame: "proxy",
      title:
        `HAProxy does not check "${name}": it sends requests to a dead server, and ` +
        "answers 503.",
      evidence: [],
      fix: "Check it, over HTTP:",
      write: `option httpchk GET /healthz\nserver ${name} ${address} check inter 2s fall 3 rise 2`,
      where: at(server),
    }),
  ];
}

function localhostServers(section: HaproxySection): readonly Finding[] {
  const server = serversOf(section).find(({ words }) => /^localhost:/.test(words[2] ?? ""));
  if (server === undefined) return [];
  const [, name = "?", address = ""] = server.words;
  return [
    note({
      cause: "localhost_has_two_families",
      layer: "config",
      blame: "proxy",
      title: "localhost can be ::1 and 127.0.0.1; HAProxy takes one of them, once, when it starts.",
      evidence: [],
      fix: "Name the address that the application listens on:",
      write: `server ${name} ${address.replace("localhost", "127.0.0.1")} check`,
      where: at(server),
    }),
  ];
}

function unverifiedServers(section: HaproxySection): readonly Finding[] {
  const server = serversOf(section).find((one) => optionOf(one, "ssl") !== null);
  if (server === undefined || optionOf(server, "verify") !== null) return [];
  return [
    fault({
      cause: "ssl_without_verify",
      layer: "config",
      blame: "proxy",
      code: "tls_certificate_error",
      confidence: "likely",
      title: "A server with ssl needs a ca-file or `verify none`; HAProxy does not start without.",
      evidence: [],
      fix: "Name the authority:",
      write: `${server.words.join(" ")} verify required ca-file /etc/ssl/certs/ca-certificates.crt`,
      where: at(server),
    }),
  ];
}

function noServer(section: HaproxySection): readonly Finding[] {
  const answersItself = ["redirect", "http-request", "stats", "use_backend", "default_backend"];
  const other = answersItself.some((word) => settingOf(section, word) !== null);
  const template = settingOf(section, "server-template") !== null;
  if (serversOf(section).length > 0 || other || template) return [];
  return [
    fault({
      cause: "no_server_in_upstream",
      layer: "config",
      blame: "proxy",
      code: "no_healthy_target",
      title: `The ${section.kind} "${section.name}" has no server: HAProxy answers 503 <NOSRV>.`,
      evidence: [],
      fix: "Add one:",
      write: "server app1 127.0.0.1:3000 check",
      where: at(section.head),
    }),
  ];
}

function allDisabled(section: HaproxySection): readonly Finding[] {
  const [first, ...others] = serversOf(section);
  if (first === undefined || ![first, ...others].every(isDisabled)) return [];
  return [
    fault({
      cause: "all_servers_disabled",
      layer: "config",
      blame: "proxy",
      code: "no_healthy_target",
      title:
        `Every server of ${section.kind} "${section.name}" is taken out (disabled, weight 0): ` +
        "HAProxy answers 503 <NOSRV>.",
      evidence: [`server ${first.words[1] ?? "?"}: in maintenance since the start`],
      fix: "Take `disabled` (or `weight 0`) away; in the running process:",
      write:
        `echo "set server ${section.name}/${first.words[1] ?? "?"} state ready" | ` +
        "socat - /run/haproxy/admin.sock",
      where: at(first),
    }),
  ];
}

function unknownBackends(sections: readonly HaproxySection[]): readonly Finding[] {
  const known = new Set(backendsOf(sections).map(({ name }) => name));
  return sections
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words[0] === "default_backend" || words[0] === "use_backend")
    .filter(({ words }) => !(words[1] ?? "").includes("%[") && !known.has(words[1] ?? ""))
    .map((line) =>
      fault({
        cause: "unknown_backend",
        layer: "config",
        blame: "proxy",
        code: "destination_not_found",
        title: `There is no backend "${line.words[1] ?? ""}".`,
        evidence: [`backends: ${[...known].join(", ")}`],
        fix: "Correct the name.",
        where: at(line),
      }),
    );
}
