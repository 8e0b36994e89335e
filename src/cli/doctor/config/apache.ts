/**
 * What an Apache configuration says of upstreams: an address for every backend that can be asked,
 * with what Apache does there.
 */
import {
  type ApacheBackend,
  backendsOf,
  balancerOf,
  isTakenOut,
  passLine,
} from "./apache-backends.js";
import { type ApacheLine, settingAt } from "./apache-lines.js";
import { apacheManner, schemeOf } from "./apache-manner.js";
import type { ConfiguredUpstream, FrontTraits, FrontUser, Problem } from "./front-config.js";
import { timeMs } from "./units.js";

export function apacheUpstreams(lines: readonly ApacheLine[]): readonly ConfiguredUpstream[] {
  const backends = backendsOf(lines).filter((one) => !isTakenOut(one));
  const members = backends.filter(({ kind }) => kind === "member");
  return backends.flatMap((backend) => {
    const address = addressOf(backend.url);
    if (address === null) return [];
    const { file, line } = backend.line;
    const context = contextOf(backend);
    const beside = members.filter((one) => balancerOf(one) === balancerOf(backend));
    const siblings = backend.kind === "member" ? beside.length - 1 : 0;
    const settings = settingsOf(lines, backend, backends);
    const manner = apacheManner(lines, backend);
    return [{ address, where: { file, line }, context, settings, siblings, manner }];
  });
}

function contextOf(backend: ApacheBackend): string {
  const { line, path, kind } = backend;
  const site = line.inside.find(({ name }) => name === "virtualhost");
  const what =
    kind === "member"
      ? `member of balancer://${balancerOf(backend) ?? "?"}`
      : `${line.words[0] ?? ""} ${path ?? ""}`.trim();
  return site === undefined ? what : `${what} of VirtualHost ${site.args.join(" ")}`;
}

function addressOf(url: string): string | null {
  const [, socket, behind] = /^unix:([^|]+)(?:\|(.*))?$/.exec(url) ?? [];
  if (socket !== undefined) {
    const scheme = SPOKEN[schemeOf(behind ?? "")];
    return scheme === undefined ? `unix:${socket}` : `${scheme}:unix:${socket}`;
  }
  const [, , place = ""] = /^(\w+):\/\/([^/$%]+)/.exec(url) ?? [];
  // A place with a part of the request in it is known only with a request.
  if (place === "" || place.includes("%{") || /^\w+:\/\/[^/]*[$%]/.test(url)) return null;
  switch (schemeOf(url)) {
    case "http":
    case "ws":
      return `http://${place}`;
    case "https":
    case "wss":
      return `https://${place}`;
    default: {
      const scheme = SPOKEN[schemeOf(url)];
      const port = PORTS[schemeOf(url)];
      if (scheme === undefined || port === undefined) return null;
      return `${scheme}://${/:\d+$/.test(place) ? place : `${place}:${port}`}`;
    }
  }
}

/** Schemes of Apache's modules, and how the doctor calls what they speak. */
const SPOKEN: Readonly<Record<string, string>> = {
  fcgi: "fastcgi",
  ajp: "ajp",
  scgi: "scgi",
  uwsgi: "uwsgi",
  h2: "grpcs",
  h2c: "grpc",
};
const PORTS: Readonly<Record<string, number>> = {
  ...{ fcgi: 9_000, ajp: 8_009, scgi: 4_000, uwsgi: 3_031, h2: 443, h2c: 80 },
};

/** Backends that cannot be probed. */
export function apacheNotAsked(lines: readonly ApacheLine[]): readonly Problem[] {
  const asked = backendsOf(lines).filter((one) => !isTakenOut(one));
  return asked
    .filter(({ url }) => addressOf(url) === null && !/^balancer:/i.test(url))
    .map(({ url, line: { words, file, line } }) => ({
      text: `${words[0] ?? ""} ${url}`,
      where: { file, line },
    }));
}

/** Apache's own defaults; without `ttl` an idle connection is kept as long as the process lives. */
const TIMEOUT_MS = 60_000;
const FIELD_BYTES = 8_192;

function settingsOf(
  lines: readonly ApacheLine[],
  backend: ApacheBackend,
  all: readonly ApacheBackend[],
): FrontTraits {
  const { options, line } = backend;
  const wait = settingAt(lines, line, "proxytimeout") ?? settingAt(lines, line, "timeout");
  const host = /:\/\/([^/]+)/.exec(backend.url)?.[1];
  const upgrades = all.some(
    ({ url, options: own }) =>
      (/^wss?:/.test(url) || own.has("upgrade")) && /:\/\/([^/]+)/.exec(url)?.[1] === host,
  );
  return {
    poolIdleMs: poolIdleOf(lines, backend),
    watchesIdle: true,
    responseMs: timeMs(options.get("timeout") ?? wait?.words[1] ?? "", "s") ?? TIMEOUT_MS,
    headBytes: Number(options.get("responsefieldsize") ?? FIELD_BYTES),
    upgrades,
    write: {
      keepAlive: `${passLine(backend)} ttl=4  # below the application's time`,
      headBytes: `${passLine(backend)} responsefieldsize=16384`,
      upgrades: `${passLine(backend)} upgrade=websocket`,
      address: (address) => `${line.words[0] ?? "ProxyPass"} ${backend.path ?? ""} ${address}/`,
    },
  };
}

function poolIdleOf(lines: readonly ApacheLine[], { options, kind, url, line }: ApacheBackend) {
  const off = options.get("disablereuse")?.toLowerCase() === "on";
  const on = options.get("enablereuse")?.toLowerCase() === "on";
  const environment = lines.filter(
    ({ name, inside }) => name === "setenv" && inside.every((one, at) => one === line.inside[at]),
  );
  const never = environment.some(({ words }) =>
    /^(?:proxy-nokeepalive|proxy-initial-not-pooled|force-proxy-request-1\.0)$/.test(
      words[1] ?? "",
    ),
  );
  // A worker that no line declares (RewriteRule, SetHandler) and those of FastCGI keep nothing.
  const keeps = kind !== "rewrite" && !/fcgi:/.test(url) ? !off : on;
  if (!keeps || never) return null;
  return timeMs(options.get("ttl") ?? "", "s") ?? Number.POSITIVE_INFINITY;
}

export function apacheUser(lines: readonly ApacheLine[]): FrontUser | null {
  const value = (name: string): string | null =>
    settingAt(lines, { inside: [] }, name)?.words[1] ?? null;
  const user = value("user");
  if (user === null || user.includes("$")) return null;
  return { user, group: value("group") };
}

export function apacheErrorLog(lines: readonly ApacheLine[]): string | null {
  const path = lines.find(({ name }) => name === "errorlog")?.words[1];
  return path?.startsWith("/") === true ? path : null;
}
