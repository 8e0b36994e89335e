/**
 * What a HAProxy configuration says of upstreams: the servers of every backend and listen section,
 * with the settings of the section and of `defaults`.
 */
import type { ConfiguredUpstream, FrontTraits, Problem } from "./front-config.js";
import {
  type HaproxySection,
  isDisabled,
  optionOf,
  serversOf,
  settingOf,
  timeoutOf,
} from "./haproxy-lines.js";
import { haproxyManner } from "./haproxy-manner.js";
import type { ConfigLine } from "./words-of-lines.js";

export function haproxyUpstreams(
  section: HaproxySection,
  sections: readonly HaproxySection[],
): readonly ConfiguredUpstream[] {
  const servers = serversOf(section).filter((server) => !isDisabled(server));
  return servers.flatMap((server) => {
    const address = addressOf(server, section);
    if (address === null) return [];
    const { file, line } = server;
    const context = `${section.kind} ${section.name}, server ${server.words[1] ?? "?"}`;
    const settings = settingsOf(section, server.words[1] ?? "NAME");
    const manner = haproxyManner(section, server, sections);
    const siblings = servers.length - 1;
    const asksAgain = optionOf(server, "resolvers") !== null;
    return [{ address, where: { file, line }, context, settings, siblings, manner, asksAgain }];
  });
}

/** Servers that cannot be probed. */
export function haproxyNotAsked(section: HaproxySection): readonly Problem[] {
  return serversOf(section)
    .filter((server) => !isDisabled(server) && addressOf(server, section) === null)
    .map(({ words, file, line }) => ({
      text: `server ${words[1] ?? "?"} ${words[2] ?? ""}: no address and port`,
      where: { file, line },
    }));
}

/** Services that speak no HTTP where they usually are. */
const NO_HTTP = new Set([
  22, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1521, 1883, 3306, 3389, 5432, 5671,
  5672, 6379, 8883, 9092, 11211, 26257, 27017,
]);

/** `mode tcp` passes bytes on; HTTP inside is the most likely, but for the usual other services. */
function schemeOf(server: ConfigLine, place: string, section: HaproxySection): string {
  const tcp = settingOf(section, "mode")?.words[1] === "tcp";
  const port = Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
  if (tcp && NO_HTTP.has(port) && settingOf(section, "option", "httpchk") === null) return "tcp";
  const h2 = optionOf(server, "proto") === "h2";
  if (h2) return server.words.includes("ssl", 3) ? "grpcs" : "grpc";
  return server.words.includes("ssl", 3) ? "https" : "http";
}

function addressOf(server: ConfigLine, section: HaproxySection): string | null {
  const place = (server.words[2] ?? "").replace(/\$\{?(\w+)\}?/g, (whole, name: string) => {
    return process.env[name] ?? whole;
  });
  // `ipv4@`, `unix@` and the like say what follows.
  if (place.startsWith("abns@")) return `unix:@${place.slice("abns@".length)}`;
  const bare = place.replace(/^(?:ipv4|ipv6|unix)@/, "");
  if (bare.startsWith("/")) return `unix:${bare}`;
  if (bare === "" || bare.includes("$") || !/:\d+$/.test(bare)) return null;
  const scheme = schemeOf(server, bare, section);
  return `${scheme}://${bare.replace(/^\*/, "127.0.0.1")}`;
}

/** HAProxy's own: `pool-purge-delay`, and a head that must fit a buffer less its reserve. */
const POOL_IDLE_MS = 5_000;
const HEAD_BYTES = 16_384 - 1_024;

function settingsOf(section: HaproxySection, name: string): FrontTraits {
  const reuse = settingOf(section, "http-reuse")?.words[1] ?? "safe";
  const reuses = reuse !== "never";
  return {
    poolIdleMs: reuses ? (timeoutOf(section, "server") ?? POOL_IDLE_MS) : null,
    watchesIdle: reuse === "safe",
    responseMs: timeoutOf(section, "server"),
    headBytes: HEAD_BYTES,
    // It passes them on by itself.
    upgrades: true,
    write: {
      keepAlive: "pool-purge-delay 1s  # on the server line",
      headBytes: "tune.bufsize 32768  # in global",
      upgrades: "timeout tunnel 1h",
      address: (address) => `server ${name} ${address.replace(/^https?:\/\//, "")} check`,
    },
  };
}
