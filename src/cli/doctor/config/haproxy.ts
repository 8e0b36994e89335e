/**
 * What a HAProxy configuration says of upstreams: the servers of every backend and listen section,
 * with the settings of the section and of `defaults`.
 */
import type { ConfiguredUpstream, FrontSettings } from "./front-config.js";
import { timeMs } from "./units.js";
import { type Line, readLines } from "./words-of-lines.js";

/** A section: `backend app`, with its lines. */
export interface Section {
  readonly kind: string;
  readonly name: string;
  readonly head: Line;
  readonly lines: readonly Line[];
  /** The `defaults` section that came before it. */
  readonly defaults: readonly Line[];
}

const SECTION = new Set([
  "global",
  "defaults",
  "frontend",
  "backend",
  "listen",
  "peers",
  "resolvers",
  "userlist",
  "cache",
  "program",
  "ring",
  "mailers",
]);

export async function readSections(file: string): Promise<readonly Section[]> {
  const sections: {
    kind: string;
    name: string;
    head: Line;
    lines: Line[];
    defaults: readonly Line[];
  }[] = [];
  let defaults: readonly Line[] = [];
  for (const line of await readLines(file)) {
    const [kind = "", name = ""] = line.words;
    if (SECTION.has(kind)) {
      const section = { kind, name, head: line, lines: [], defaults };
      sections.push(section);
      if (kind === "defaults") defaults = section.lines;
    } else {
      sections.at(-1)?.lines.push(line);
    }
  }
  return sections;
}

/** The sections that have servers. */
export function backendsOf(sections: readonly Section[]): readonly Section[] {
  return sections.filter(({ kind }) => kind === "backend" || kind === "listen");
}

export function serversOf({ lines }: Section): readonly Line[] {
  return lines.filter(({ words }) => words[0] === "server");
}

/** The line that begins with these words, in the section or in its defaults. */
export function settingOf({ lines, defaults }: Section, ...begin: readonly string[]): Line | null {
  const fits = ({ words }: Line): boolean => begin.every((word, index) => words[index] === word);
  return lines.find(fits) ?? defaults.find(fits) ?? null;
}

export function timeoutOf(section: Section, name: string): number | null {
  return timeMs(settingOf(section, "timeout", name)?.words[2] ?? "", "ms");
}

/** What a server line says after its address. */
export function optionOf({ words }: Line, name: string): string | true | null {
  const at = words.indexOf(name, 3);
  if (at < 0) return null;
  return words[at + 1] ?? true;
}

export function haproxyUpstreams(section: Section): readonly ConfiguredUpstream[] {
  if (settingOf(section, "mode")?.words[1] === "tcp") return [];
  const servers = serversOf(section);
  return servers.flatMap((server) => {
    const address = addressOf(server);
    if (address === null) return [];
    const { file, line } = server;
    const context = `${section.kind} ${section.name}, server ${server.words[1] ?? "?"}`;
    const settings = settingsOf(section);
    return [{ address, where: { file, line }, context, settings, siblings: servers.length - 1 }];
  });
}

function addressOf(server: Line): string | null {
  const place = server.words[2] ?? "";
  // `ipv4@`, `unix@` and the like say what follows.
  const bare = place.replace(/^(?:ipv4|ipv6|unix|abns)@/, "");
  if (bare.startsWith("/")) return `unix:${bare}`;
  if (bare === "" || bare.includes("$") || !/:\d+$/.test(bare)) return null;
  const scheme = server.words.includes("ssl", 3) ? "https" : "http";
  return `${scheme}://${bare.replace(/^\*/, "127.0.0.1")}`;
}

/** HAProxy's own: `pool-purge-delay`, and a head that must fit a buffer less its reserve. */
const POOL_IDLE_MS = 5_000;
const HEAD_BYTES = 16_384 - 1_024;

function settingsOf(section: Section): FrontSettings {
  const reuses = settingOf(section, "http-reuse")?.words[1] !== "never";
  return {
    poolIdleMs: reuses ? (timeoutOf(section, "server") ?? POOL_IDLE_MS) : null,
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
