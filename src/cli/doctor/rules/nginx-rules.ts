/**
 * Contradictions in an nginx configuration that can be seen without a request. Each finding
 * has
 * the file and the line, says why, and what to write instead.
 */

import { fault, note, warning } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import {
  fieldsAt,
  keepsConnections,
  type Pass,
  passesUpgrades,
  serversOf,
  settingAt,
} from "../config/nginx.js";
import { namesAtRunTime } from "../config/nginx-resolver.js";
import { type Directive, everywhere } from "../config/nginx-syntax.js";
import { timeMs } from "../config/units.js";

type Rule = (pass: Pass, all: readonly Directive[]) => Finding | null;

/** Every rule on every place that asks an upstream. */
export function nginxRules(passes: readonly Pass[], all: readonly Directive[]): readonly Finding[] {
  const found = passes.flatMap((pass) =>
    RULES.map((rule) => rule(pass, all)).filter((finding) => finding !== null),
  );
  return unique(found);
}

/** A setting of a shared block is reported once, not for every location below it. */
function unique(findings: readonly Finding[]): readonly Finding[] {
  const seen = new Set<string>();
  return findings.filter(({ cause, where }) => {
    const key = `${cause} ${where?.file}:${where?.line}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}

function at({ file, line }: Directive) {
  return { file, line };
}

const unusedPool: Rule = (pass) => {
  const pool = pass.group?.block?.find(({ name }) => name === "keepalive");
  if (pool === undefined || pass.kind !== "proxy" || keepsConnections(pass)) return null;
  return warning({
    cause: "pool_is_not_used",
    layer: "config",
    blame: "proxy",
    title: "keepalive is set, but each request says Connection: close.",
    evidence: ["Before nginx 1.29.7 a pool needs HTTP/1.1 and an empty Connection field."],
    fix: "Every request opens a new connection; write in this location:",
    write: 'proxy_http_version 1.1;\nproxy_set_header Connection "";',
    where: at(pass.directive),
  });
};

const nameWithoutResolver: Rule = (pass, all) => {
  const names = namesAtRunTime(pass);
  if (names === null || names.resolver !== null) return null;
  const [host = null] = names.hosts;
  // A variable that comes with the request may hold an address, which needs no resolver.
  const fromRequest = everywhere(all, "set").length > 0 || pass.place.startsWith("$");
  if (host === null && !fromRequest) return null;
  return fault({
    cause: "no_resolver",
    layer: "config",
    blame: "proxy",
    code: "dns_error",
    confidence: host === null ? "likely" : "certain",
    title:
      pass.group === null
        ? "The address has a variable, so nginx resolves it at run time, and has no resolver."
        : "A server with `resolve` is looked up at run time, and nginx has no resolver.",
    evidence: [`nginx answers 502: no resolver defined to resolve ${host ?? "NAME"}`],
    fix: "Name the servers of /etc/resolv.conf:",
    write: "resolver 127.0.0.53 valid=10s;",
    where: at(names.directive),
  });
};

const localhost: Rule = (pass) => {
  const places = pass.group === null ? [pass.directive] : serversOf(pass.group);
  const place = places.find(({ args }) => /(?:^|\/\/)localhost(?::|\/|$)/.test(args[0] ?? ""));
  if (place === undefined) return null;
  return warning({
    cause: "localhost_has_two_families",
    layer: "config",
    blame: "proxy",
    code: "connection_refused",
    title: "localhost can be ::1 and 127.0.0.1; nginx counts them as two servers.",
    evidence: ["An application on one family is refused on every second try: 502."],
    fix: "Name the address that the application listens on:",
    write: `${place.name} ${(place.args[0] ?? "").replace("localhost", "127.0.0.1")};`,
    where: at(place),
  });
};

const upstreamWithPort: Rule = (pass, all) => {
  const [name = ""] = pass.place.split(":");
  if (pass.group !== null || name === pass.place) return null;
  const group = everywhere(all, "upstream").find(({ args }) => args[0] === name);
  if (group === undefined) return null;
  return fault({
    cause: "upstream_with_port",
    layer: "config",
    blame: "proxy",
    code: "dns_name_not_found",
    title: `"${name}" is an upstream block, but with a port it is taken for a host name.`,
    evidence: [`the block stands in ${group.file}:${group.line}`],
    fix: "Leave the port out; the block has it:",
    write: `proxy_pass ${pass.scheme || "http"}://${name};`,
    where: at(pass.directive),
  });
};

const serverName: Rule = (pass) => {
  if (pass.scheme !== "https" && pass.scheme !== "grpcs") return null;
  const name = pass.kind === "grpc" ? "grpc_ssl_server_name" : "proxy_ssl_server_name";
  if (settingAt(pass, name)?.args[0] === "on") return null;
  const named = settingAt(pass, name.replace("_server_name", "_name"));
  if (named !== null) return nameNotSent(pass, named, name);
  return warning({
    cause: "no_server_name_sent",
    layer: "config",
    blame: "proxy",
    code: "tls_alert_received",
    title: "https is asked without SNI: a server with several names ends the handshake.",
    evidence: [`${name} is off by default.`],
    fix: "Send the name:",
    write: `${name} on;`,
    where: at(pass.directive),
  });
};

/** The name is written down, and is only compared with the certificate: it is not sent. */
function nameNotSent(pass: Pass, named: Directive, switchedBy: string): Finding {
  return warning({
    cause: "no_server_name_sent",
    layer: "config",
    blame: "proxy",
    code: "tls_alert_received",
    confidence: "likely",
    title:
      `${named.name} names ${named.args[0] ?? "a host"}, and it is not sent: ` +
      `${switchedBy} is off.`,
    evidence: [`${named.name} alone only changes what the certificate is compared with.`],
    fix: "Send the name:",
    write: `${switchedBy} on;`,
    where: at(pass.directive),
  });
}

const halfUpgrade: Rule = (pass) => {
  const upgrade = fieldsAt(pass).get("upgrade");
  if (upgrade === undefined) return null;
  const version = settingAt(pass, "proxy_http_version")?.args[0];
  if (version === "1.1" && passesUpgrades(pass)) return null;
  return fault({
    cause: "upgrade_header_missing",
    impact: "some",
    layer: "config",
    blame: "proxy",
    code: "http_upgrade_failed",
    confidence: "likely",
    title: "Upgrade is passed on, but without HTTP/1.1 or the Connection field it means nothing.",
    evidence: ["RFC 9110 §7.8: Upgrade must be named in Connection."],
    fix: "A WebSocket handshake needs all three:",
    write:
      "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\n" +
      'proxy_set_header Connection "upgrade";',
    where: at(upgrade),
  });
};

const SOCKET_PATHS = /\b(?:ws|wss|websocket|socket\.io|sockjs|graphql-ws|cable|hub|live)\b/i;

const socketPathWithoutUpgrade: Rule = (pass) => {
  const location = pass.around.find(({ name }) => name === "location");
  const path = location?.args.at(-1) ?? "";
  if (!SOCKET_PATHS.test(path) || fieldsAt(pass).has("upgrade")) return null;
  return warning({
    cause: "upgrade_header_missing",
    impact: "some",
    layer: "config",
    blame: "proxy",
    code: "http_upgrade_failed",
    confidence: "likely",
    title: `${path} looks like WebSockets, and nginx drops the Upgrade field.`,
    evidence: [
      "Upgrade and Connection are hop-by-hop; nginx passes them on only if configured to.",
    ],
    fix: "Pass the handshake on:",
    write:
      "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\n" +
      'proxy_set_header Connection "upgrade";',
    where: at(location ?? pass.directive),
  });
};

const oneFailureTakesOut: Rule = ({ group }) => {
  if (group === null) return null;
  const servers = serversOf(group);
  const explicit = servers.find(({ args }) => args.some((arg) => arg.startsWith("max_fails=")));
  if (servers.length === 1 && explicit !== undefined) {
    return note({
      cause: "max_fails_with_one_server",
      layer: "config",
      blame: "proxy",
      title: "max_fails does nothing with a single server: nginx never takes it out.",
      evidence: [],
      fix: "Add a second server, or leave the setting out.",
      where: at(explicit),
    });
  }
  if (servers.length < 2 || explicit !== undefined) return null;
  return note({
    cause: "one_failure_takes_a_server_out",
    layer: "config",
    blame: "proxy",
    title: "One failed request takes a server out for 10 s (max_fails=1 fail_timeout=10s).",
    evidence: ["When all are out at once nginx answers 502: no live upstreams."],
    fix: "Allow a few failures in a short time:",
    write: `server ${servers[0]?.args[0] ?? "ADDRESS"} max_fails=3 fail_timeout=5s;`,
    where: at(servers[0] as Directive),
  });
};

/** The kernel gives up before that. */
const CONNECT_MS_MAX = 75_000;

const timeouts: Rule = (pass) => {
  const connect = settingAt(pass, "proxy_connect_timeout");
  const connectMs = timeMs(connect?.args[0] ?? "", "s");
  if (connect === null || connectMs === null || connectMs <= CONNECT_MS_MAX) return null;
  return warning({
    cause: "connect_timeout_too_long",
    layer: "config",
    blame: "proxy",
    title: "proxy_connect_timeout over 75 s has no effect, and people do not wait that long.",
    evidence: [],
    fix: "An application on the same network answers at once:",
    write: "proxy_connect_timeout 3s;",
    where: at(connect),
  });
};

/** One fastcgi_param in a block hides all of those around it; null where a part was not read. */
function fastcgiParams({ around }: Pass): ReadonlySet<string> | null {
  for (const { block } of around) {
    if (block?.some(({ name }) => name === "include")) return null;
    const own = block?.filter(({ name }) => name === "fastcgi_param") ?? [];
    if (own.length > 0) return new Set(own.map(({ args }) => args[0] ?? ""));
  }
  return new Set();
}

const scriptFilename: Rule = (pass, all) => {
  const params = fastcgiParams(pass);
  if (pass.kind !== "fastcgi" || params === null || params.has("SCRIPT_FILENAME")) return null;
  const hidden = everywhere(all, "fastcgi_param").find(({ args }) => args[0] === "SCRIPT_FILENAME");
  return fault({
    cause: "script_filename_missing",
    layer: "config",
    blame: "proxy",
    code: "proxy_configuration_error",
    confidence: "likely",
    title: "PHP-FPM does not learn which file to run: SCRIPT_FILENAME is not set.",
    evidence: [
      "It answers with an empty page, or 404 Primary script unknown.",
      ...(hidden === undefined ? [] : [`What ${hidden.file}:${hidden.line} sets is not for here.`]),
    ],
    fix: "Set it, beside what every script needs:",
    write:
      "include fastcgi_params;\n" +
      "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;",
    where: at(pass.directive),
  });
};

const requestMethod: Rule = (pass) => {
  const params = pass.kind === "fastcgi" ? fastcgiParams(pass) : null;
  // Where nothing is set the script is missing, too, and its finding says what to include.
  if (params === null || !params.has("SCRIPT_FILENAME")) return null;
  if (params.has("REQUEST_METHOD")) return null;
  return fault({
    cause: "request_method_missing",
    layer: "config",
    blame: "proxy",
    code: "proxy_configuration_error",
    confidence: "likely",
    title: "PHP-FPM does not learn the method of a request: REQUEST_METHOD is not set.",
    evidence: ["It runs nothing, logs nothing, and answers 200 with an empty page."],
    fix: "Include what every script needs, before your own lines:",
    write: "include fastcgi_params;",
    where: at(pass.directive),
  });
};

const emptyGroup: Rule = ({ group }) => {
  if (group === null || serversOf(group).some(({ args }) => !args.includes("down"))) return null;
  return fault({
    cause: "no_server_in_upstream",
    layer: "config",
    blame: "proxy",
    code: "no_healthy_target",
    title: `The upstream "${group.args[0] ?? "?"}" has no server that is not marked down.`,
    evidence: [],
    fix: "Take `down` away from a server that works.",
    where: at(group),
  });
};

const onlyBackups: Rule = ({ group }) => {
  const servers = group === null ? [] : serversOf(group);
  const [first] = servers;
  if (first === undefined || !servers.every(({ args }) => args.includes("backup"))) return null;
  return fault({
    cause: "only_backup_servers",
    layer: "config",
    blame: "proxy",
    code: "no_healthy_target",
    title:
      `Every server of the upstream "${group?.args[0] ?? "?"}" is a backup: nginx does not ` +
      "start.",
    evidence: ["nginx: [emerg] no servers in upstream"],
    fix: "Take `backup` away from one of them:",
    write: `server ${first.args.filter((arg) => arg !== "backup").join(" ")};`,
    where: at(first),
  });
};

const readTimeoutShort: Rule = (pass) => {
  const read = settingAt(
    pass,
    pass.kind === "fastcgi" ? "fastcgi_read_timeout" : "proxy_read_timeout",
  );
  const readMs = timeMs(read?.args[0] ?? "", "s");
  if (read === null || readMs === null || (readMs > 0 && readMs >= 1_000)) return null;
  return warning({
    cause: "read_timeout_too_short",
    layer: "config",
    blame: "proxy",
    code: "http_response_timeout",
    title: `The application has ${readMs} ms to answer; anything slower is a 504.`,
    evidence: [],
    fix: "Give it the time that its slowest good answer takes:",
    write: `${read.name} 30s;`,
    where: at(read),
  });
};

const RULES: readonly Rule[] = [
  emptyGroup,
  onlyBackups,
  upstreamWithPort,
  nameWithoutResolver,
  localhost,
  unusedPool,
  serverName,
  halfUpgrade,
  socketPathWithoutUpgrade,
  oneFailureTakesOut,
  timeouts,
  readTimeoutShort,
  scriptFilename,
  requestMethod,
];
