/**
 * How HAProxy asks a server: the host name, TLS and its trust, the line of the PROXY protocol, and
 * the check by which it decides who is alive.
 */
import { isAbsolute, join } from "node:path";
import type { FrontHealthCheck, FrontTls, FrontUser, Manner } from "./front-config.js";
import { type HaproxySection, optionOf, settingOf } from "./haproxy-lines.js";
import type { ConfigLine } from "./words-of-lines.js";

export function haproxyManner(
  section: HaproxySection,
  server: ConfigLine,
  sections: readonly HaproxySection[],
): Manner {
  const global = sections.find(({ kind }) => kind === "global") ?? null;
  const host = hostSet(section);
  const check = checkOf(section, server);
  return {
    ...(host === null ? {} : { host }),
    hosts: hostsOf(sections),
    ports: portsOf(section, sections),
    ...(server.words.includes("ssl", FIRST_OPTION) ? { tls: tlsOf(server, global) } : {}),
    ...(check === null ? {} : { check }),
    proxyProtocol: server.words.slice(FIRST_OPTION).some((word) => /^send-proxy/.test(word)),
  };
}

/** `server NAME ADDRESS`, then the options. */
const FIRST_OPTION = 3;

/** `http-request set-header Host NAME`, where the name is written out. */
function hostSet({ lines }: HaproxySection): string | null {
  const line = lines.find(
    ({ words }) =>
      words[0] === "http-request" && words[1] === "set-header" && /^host$/i.test(words[2] ?? ""),
  );
  const value = line?.words[3] ?? "";
  return value === "" || value.includes("%") ? null : value;
}

/** The ports of the frontends that lead to a backend; of a `listen` section its own. */
function portsOf(section: HaproxySection, sections: readonly HaproxySection[]): readonly number[] {
  const leads = ({ lines }: HaproxySection): boolean =>
    lines.some(
      ({ words }) => /^(?:default|use)_backend$/.test(words[0] ?? "") && words[1] === section.name,
    );
  const fronts = section.kind === "listen" ? [section] : sections.filter(leads);
  return fronts
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words[0] === "bind")
    .flatMap(({ words }) => (words[1] ?? "").split(","))
    .map((place) => Number(/:(\d+)$/.exec(place)?.[1] ?? 0));
}

/** The names by which a frontend chooses. */
function hostsOf(sections: readonly HaproxySection[]): readonly string[] {
  return sections
    .flatMap(({ lines }) => lines)
    .filter(({ words }) => words.some((word) => /hdr(?:_\w+)?\(host\)/i.test(word)))
    .flatMap(({ words }) => words.filter((word) => /^[\w-]+(?:\.[\w-]+)+$/.test(word)));
}

function tlsOf(server: ConfigLine, global: HaproxySection | null): FrontTls {
  const verify = optionOf(server, "verify") !== "none";
  const sni = /^str\(([^)]+)\)$/.exec(String(optionOf(server, "sni") ?? ""))?.[1] ?? null;
  const checked = optionOf(server, "verifyhost");
  const file = (option: string, base: string): string | null => {
    const path = optionOf(server, option);
    if (typeof path !== "string" || path.startsWith("@")) return null;
    const folder = global === null ? null : settingOf(global, base)?.words[1];
    return isAbsolute(path) || folder == null ? path : join(folder, path);
  };
  const own = file("crt", "crt-base");
  return {
    servername: sni ?? "",
    ca: verify ? file("ca-file", "ca-base") : null,
    cert: own,
    key: own,
    checks: { chain: verify, expiry: verify, name: verify && (checked !== null || sni !== null) },
  };
}

function checkOf(section: HaproxySection, server: ConfigLine): FrontHealthCheck | null {
  if (!server.words.includes("check", FIRST_OPTION)) return null;
  const where = { file: server.file, line: server.line };
  const port = Number(optionOf(server, "port") ?? 0) || null;
  const line = settingOf(section, "option", "httpchk");
  if (line === null) {
    // Without HTTP it only connects: of interest where that is another port.
    return port === null ? null : { path: "/", host: null, port, expects: () => true, where };
  }
  const send = settingOf(section, "http-check", "send")?.words ?? [];
  const after = (word: string): string | undefined => send[send.indexOf(word) + 1];
  const [, , ...given] = line.words;
  const old = given.length > 1 ? given[1] : given[0];
  const path = (send.includes("uri") ? after("uri") : old) ?? "/";
  const named = /Host:\s*(\S+)/i.exec(given.join(" "))?.[1] ?? null;
  const host =
    send.includes("hdr") && /^host$/i.test(after("hdr") ?? "")
      ? (send[send.indexOf("hdr") + 2] ?? null)
      : named;
  return {
    path,
    host,
    port,
    expects: expectation(section),
    where: { file: line.file, line: line.line },
  };
}

/** `http-check expect status 200`; without it 2xx and 3xx are well. */
function expectation(section: HaproxySection): (status: number) => boolean {
  const words = settingOf(section, "http-check", "expect")?.words ?? [];
  const wanted = words[words.indexOf("status") + 1] ?? "";
  if (!words.includes("status") || !/^[\d,-]+$/.test(wanted)) {
    return (status) => status >= 200 && status < 400;
  }
  const ranges = wanted.split(",").map((part) => part.split("-").map(Number));
  return (status) => ranges.some(([from = 0, to = from]) => status >= from && status <= to);
}

export function haproxyUser(sections: readonly HaproxySection[]): FrontUser | null {
  const global = sections.find(({ kind }) => kind === "global");
  const user = global === undefined ? undefined : settingOf(global, "user")?.words[1];
  if (global === undefined || user === undefined) return null;
  return { user, group: settingOf(global, "group")?.words[1] ?? null };
}

export function haproxyChroot(sections: readonly HaproxySection[]): string | null {
  const global = sections.find(({ kind }) => kind === "global");
  return global === undefined ? null : (settingOf(global, "chroot")?.words[1] ?? null);
}
