/**
 * What a Caddyfile says of upstreams: the addresses behind every `reverse_proxy` and `php_fastcgi`.
 * Placeholders and matchers are passed over, since nobody can be asked at them.
 */
import type { ConfiguredUpstream, FrontSettings } from "./front-config.js";
import { type Line, readLines } from "./words-of-lines.js";

const SETTINGS: FrontSettings = {
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

export async function caddyUpstreams(file: string): Promise<readonly ConfiguredUpstream[]> {
  const lines = await readLines(file);
  return lines.flatMap((line, index) => {
    const [name] = line.words;
    if (name !== "reverse_proxy" && name !== "php_fastcgi") return [];
    const places = [...line.words.slice(1).filter(isAddress), ...listedBelow(lines, index)];
    return places.map((place) => ({
      address: addressOf(place, name === "php_fastcgi"),
      where: { file: line.file, line: line.line },
      context: `${name} of ${siteOf(lines, index)}`,
      settings: SETTINGS,
      siblings: places.length - 1,
    }));
  });
}

/** Not a matcher (`/api/*`, `@name`), a block or a placeholder. */
function isAddress(word: string): boolean {
  return !/^[/@{*]/.test(word) && !word.includes("{");
}

/** `to` inside the block of the directive. */
function listedBelow(lines: readonly Line[], index: number): readonly string[] {
  if (lines[index]?.words.at(-1) !== "{") return [];
  const places: string[] = [];
  let depth = 1;
  for (const { words } of lines.slice(index + 1)) {
    if (words[0] === "to" && depth === 1) places.push(...words.slice(1).filter(isAddress));
    if (words.at(-1) === "{") depth += 1;
    if (words[0] === "}") depth -= 1;
    if (depth === 0) break;
  }
  return places;
}

function siteOf(lines: readonly Line[], index: number): string {
  let depth = 0;
  for (const { words } of lines.slice(0, index).reverse()) {
    if (words[0] === "}") depth += 1;
    if (words.at(-1) !== "{") continue;
    if (depth === 0 && words.length > 1 && !/^(?:handle|route|handle_path)$/.test(words[0] ?? "")) {
      return words.slice(0, -1).join(" ");
    }
    depth = Math.max(0, depth - 1);
  }
  return "the site";
}

function addressOf(place: string, php: boolean): string {
  const socket = /^unix\/\/?(\/.*)$/.exec(place)?.[1];
  if (socket !== undefined) return php ? `fastcgi:unix:${socket}` : `unix:${socket}`;
  if (/^https?:\/\//.test(place)) return place;
  const bare = place.replace(/^h2c:\/\//, "");
  const full = bare.startsWith(":") ? `127.0.0.1${bare}` : bare;
  if (php) return `fastcgi://${/:\d+$/.test(full) ? full : `${full}:9000`}`;
  return `http://${full}`;
}
