/**
 * What a HAProxy configuration says of upstreams: the servers of every backend and listen section,
 * with the settings of the section and of `defaults`.
 */
import type { ConfiguredUpstream, FrontSettings } from "./front-config.js";
import { isDisabled, type Section, serversOf, settingOf, timeoutOf } from "./haproxy-lines.js";
import { haproxyManner } from "./haproxy-manner.js";
import type { Line } from "./words-of-lines.js";

export function haproxyUpstreams(
  section: Section,
  sections: readonly Section[],
): readonly ConfiguredUpstream[] {
  // `mode tcp` passes bytes on; that HTTP is spoken inside is the most likely all the same.
  const servers = serversOf(section).filter((server) => !isDisabled(server));
  return servers.flatMap((server) => {
    const address = addressOf(server);
    if (address === null) return [];
    const { file, line } = server;
    const context = `${section.kind} ${section.name}, server ${server.words[1] ?? "?"}`;
    const settings = settingsOf(section);
    const manner = haproxyManner(section, server, sections);
    const siblings = servers.length - 1;
    return [{ address, where: { file, line }, context, settings, siblings, manner }];
  });
}

function addressOf(server: Line): string | null {
  const place = server.words[2] ?? "";
  // `ipv4@`, `unix@` and the like say what follows.
  if (place.startsWith("abns@")) return `unix:@${place.slice("abns@".length)}`;
  const bare = place.replace(/^(?:ipv4|ipv6|unix)@/, "");
  if (bare.startsWith("/")) return `unix:${bare}`;
  if (bare === "" || bare.includes("$") || !/:\d+$/.test(bare)) return null;
  const scheme = server.words.includes("ssl", 3) ? "https" : "http";
  return `${scheme}://${bare.replace(/^\*/, "127.0.0.1")}`;
}

/** HAProxy's own: `pool-purge-delay`, and a head that must fit a buffer less its reserve. */
const POOL_IDLE_MS = 5_000;
const HEAD_BYTES = 16_384 - 1_024;

function settingsOf(section: Section): FrontSettings {
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
      address: (address) => `server NAME ${address.replace(/^https?:\/\//, "")} check`,
    },
  };
}
