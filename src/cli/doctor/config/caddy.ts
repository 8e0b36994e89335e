/**
 * What a Caddyfile says of upstreams: the addresses behind every `reverse_proxy` and `php_fastcgi`.
 * Places whose address depends on the request are reported, since they cannot be probed.
 */
import { type CaddyText, readCaddyLines } from "./caddy-lines.js";
import type { ConfiguredUpstream, FrontTraits, Manner, Problem } from "./front-config.js";
import type { ConfigLine } from "./words-of-lines.js";

export const CADDY_SETTINGS: FrontTraits = {
  // keepalive 2m, and no limit for an answer, are Caddy's own.
  poolIdleMs: 120_000,
  responseMs: null,
  headBytes: null,
  upgrades: true,
  write: {
    keepAlive: "transport http { keepalive 4s }",
    headBytes: "transport http { max_response_header 64KiB }",
    upgrades: "",
    address: (address) => `reverse_proxy ${address}`,
  },
};

export interface CaddyConfig {
  readonly upstreams: readonly ConfiguredUpstream[];
  readonly notLookedAt: readonly Problem[];
  readonly problems: readonly Problem[];
}

export async function readCaddy(file: string): Promise<CaddyConfig> {
  const { lines, problems }: CaddyText = await readCaddyLines(file);
  const upstreams: ConfiguredUpstream[] = [];
  const notLookedAt: Problem[] = [];
  lines.forEach((line, index) => {
    const [name] = line.words;
    if (name !== "reverse_proxy" && name !== "php_fastcgi") return;
    const where = { file: line.file, line: line.line };
    const { places, other } = placesOf(lines, index);
    const manner = mannerAt(lines, index);
    const context = `${name} of ${manner.context}`;
    for (const one of other) notLookedAt.push({ text: `${name} ${one}`, where });
    for (const place of places) {
      upstreams.push({
        address: addressOf(place, name === "php_fastcgi"),
        ...{ where, context, settings: CADDY_SETTINGS, siblings: places.length - 1 },
        manner: manner.manner,
      });
    }
  });
  return { upstreams, notLookedAt, problems };
}

interface CaddyPlaces {
  readonly places: readonly string[];
  /** Of these the address is known only with a request, or from another source. */
  readonly other: readonly string[];
}

function placesOf(lines: readonly ConfigLine[], index: number): CaddyPlaces {
  const words = [
    ...(lines[index]?.words.slice(1) ?? []),
    ...subLines(lines, index)
      .filter(({ words: [name] }) => name === "to")
      .flatMap((one) => one.words.slice(1)),
  ].filter((word) => !/^(?:[/@*]|\{$)/.test(word));
  const dynamic = subLines(lines, index).filter(({ words: [name] }) => name === "dynamic");
  return {
    places: words.filter((word) => !word.includes("{")),
    other: [
      ...words.filter((word) => word.includes("{")),
      ...dynamic.map((one) => one.words.filter((word) => word !== "{").join(" ")),
    ],
  };
}

/** The lines of the directive's own block, without those of blocks inside it. */
function subLines(lines: readonly ConfigLine[], index: number): readonly ConfigLine[] {
  if (lines[index]?.words.at(-1) !== "{") return [];
  const found: ConfigLine[] = [];
  let depth = 1;
  for (const line of lines.slice(index + 1)) {
    if (line.words[0] === "}") depth -= 1;
    if (depth === 0) break;
    if (depth === 1) found.push(line);
    if (line.words.at(-1) === "{") depth += 1;
  }
  return found;
}

const PATHS = /^(?:handle|route|handle_path|handle_errors)$/;

function mannerAt(
  lines: readonly ConfigLine[],
  index: number,
): { readonly context: string; readonly manner: Manner } {
  let depth = 0;
  let path: string | null = pathOf(lines[index]?.words[1]);
  let stripped = false;
  let site: readonly string[] = [];
  for (const { words } of lines.slice(0, index).reverse()) {
    if (words[0] === "}") depth += 1;
    if (words.at(-1) !== "{") continue;
    if (depth > 0) {
      depth -= 1;
      continue;
    }
    if (!PATHS.test(words[0] ?? "")) {
      site = words
        .slice(0, -1)
        .flatMap((word) => word.split(","))
        .filter(Boolean);
      break;
    }
    path ??= pathOf(words[1]);
    stripped ||= words[0] === "handle_path";
  }
  const host = subLines(lines, index).find(
    ({ words }) => words[0] === "header_up" && /^host$/i.test(words[1] ?? ""),
  )?.words[2];
  const names = site.map(hostOf).filter((name) => name !== "");
  return {
    context: site.length === 0 ? "the site" : site.join(" "),
    manner: {
      ...(host === undefined || host.includes("{") ? {} : { host }),
      hosts: names,
      ports: site.map(portOf),
      ...(path === null ? {} : stripped ? { path: "/", pathBefore: path } : { path }),
    },
  };
}

/** `/api/*` of a matcher. */
function pathOf(word: string | undefined): string | null {
  return word?.startsWith("/") === true ? word.replace(/\*$/, "") : null;
}

function hostOf(site: string): string {
  return site.replace(/^https?:\/\//, "").replace(/:\d+$|\/.*$/g, "");
}

/** A name alone is served over TLS. */
function portOf(site: string): number {
  const port = /:(\d+)(?:\/|$)/.exec(site)?.[1];
  return port === undefined ? (site.startsWith("http://") ? 80 : 443) : Number(port);
}

export function addressOf(place: string, php: boolean): string {
  const socket = /^unix\/\/?(\/.*)$/.exec(place)?.[1];
  if (socket !== undefined) return php ? `fastcgi:unix:${socket}` : `unix:${socket}`;
  if (/^https?:\/\//.test(place)) return place;
  const h2c = place.startsWith("h2c://");
  const bare = place.replace(/^h2c:\/\//, "");
  const full = bare.startsWith(":") ? `127.0.0.1${bare}` : bare;
  if (php) return `fastcgi://${/:\d+$/.test(full) ? full : `${full}:9000`}`;
  return `${h2c ? "grpc" : "http"}://${full}`;
}
