/**
 * How Apache asks a backend: the host name, the path, TLS and its trust, the script of a pool.
 * What is not written down is left out, so that the address alone decides.
 */
import { join } from "node:path";
import type { ApacheBackend } from "./apache-backends.js";
import { type ApacheLine, settingAt } from "./apache-lines.js";
import type { FrontTls, Manner } from "./front-config.js";

export function schemeOf(url: string): string {
  return /^(?:unix:[^|]*\|)?(\w+):/.exec(url)?.[1]?.toLowerCase() ?? "";
}

export function apacheManner(lines: readonly ApacheLine[], backend: ApacheBackend): Manner {
  const { line, url } = backend;
  const at = (name: string): string | null => settingAt(lines, line, name)?.words[1] ?? null;
  const name = at("servername")?.replace(/:\d+$/, "") ?? null;
  const keeps = /^on$/i.test(at("proxypreservehost") ?? "");
  const script = schemeOf(url) === "fcgi" ? scriptOf(backend, at("documentroot")) : null;
  const set = requestFields(lines, line);
  const host = set.get("host") ?? (keeps ? name : null);
  return {
    ...(host === null ? {} : { host }),
    hosts: name === null ? [] : [name],
    ...pathsOf(backend),
    ...(/^(?:https|wss|h2)$/.test(schemeOf(url)) ? { tls: tlsOf(at) } : {}),
    ...(script === null ? {} : { script }),
    ports: portsOf(lines, line),
    secure: /^on$/i.test(at("sslengine") ?? ""),
    tellsProto: set.has("x-forwarded-proto"),
  };
}

/** Those of its VirtualHost; otherwise all on which Apache listens. */
function portsOf(lines: readonly ApacheLine[], { inside }: ApacheLine): readonly number[] {
  const site = inside.find(({ name }) => name === "virtualhost");
  const own = (site?.args ?? []).map((place) => Number(/:(\d+)$/.exec(place)?.[1] ?? 0));
  if (own.some((port) => port > 0)) return own;
  return lines
    .filter(({ name }) => name === "listen")
    .map(({ words }) => Number(/(?:^|:)(\d+)$/.exec(words[1] ?? "")?.[1] ?? 0));
}

/** `RequestHeader set NAME VALUE`, by the name in lower case. */
function requestFields(
  lines: readonly ApacheLine[],
  { inside }: ApacheLine,
): ReadonlyMap<string, string> {
  const own = lines.filter(
    (line) =>
      line.name === "requestheader" &&
      line.words[1] === "set" &&
      line.inside.every((one, at) => one === inside[at]),
  );
  return new Map(own.map(({ words }) => [(words[2] ?? "").toLowerCase(), words[3] ?? ""]));
}

/** What is asked for at the start of a ProxyPass, before and after it was mapped. */
function pathsOf({ kind, path, url }: ApacheBackend): Pick<Manner, "path" | "pathBefore"> {
  if (kind !== "pass" || path === null) return {};
  const mapped = url.replace(/^(?:unix:[^|]*\|)?\w+:\/\/[^/]*/, "");
  const asked = mapped === "" ? "/" : mapped;
  return asked === path || mapped.includes("$") ? { path } : { path: asked, pathBefore: path };
}

/** What Apache checks by default: expiry and name, but not the issuer. */
function tlsOf(at: (name: string) => string | null): FrontTls {
  const on = (name: string, otherwise: string): boolean => /^on$/i.test(at(name) ?? otherwise);
  const pair = at("sslproxymachinecertificatefile");
  return {
    servername: null,
    ca: at("sslproxycacertificatefile"),
    cert: pair,
    key: pair,
    checks: {
      chain: /^require$/i.test(at("sslproxyverify") ?? ""),
      expiry: on("sslproxycheckpeerexpire", "on"),
      name: on("sslproxycheckpeername", "on"),
    },
  };
}

/** The file that PHP-FPM runs for the start of the site. */
function scriptOf({ kind, url }: ApacheBackend, root: string | null): string | null {
  if (kind === "handler") return root === null ? null : join(root, "index.php");
  const folder = /fcgi:\/\/[^/]*(\/.*)$/.exec(url)?.[1];
  if (folder === undefined || folder === "/") return null;
  const start = folder.replace(/\$\d.*$/, "");
  return start.endsWith(".php") ? start : join(start, "index.php");
}
