/**
 * What an Apache configuration says of backends: ProxyPass, ProxyPassMatch, BalancerMember and the
 * handlers of PHP-FPM, with the settings that hold there.
 */
import { dirname, isAbsolute, join } from "node:path";
import { expandGlob } from "./files.js";
import type { ConfiguredUpstream, FrontSettings } from "./front-config.js";
import { timeMs } from "./units.js";
import { type Line, readLines } from "./words-of-lines.js";

const INCLUDE_DEPTH_MAX = 10;

/** All lines in order, with those of included files in their place. */
export async function readApache(file: string): Promise<readonly Line[]> {
  return readInto(file, null, 0);
}

async function readInto(
  file: string,
  rootBefore: string | null,
  depth: number,
): Promise<readonly Line[]> {
  const lines = await readLines(file);
  const named = lines.find(({ words }) => words[0]?.toLowerCase() === "serverroot")?.words[1];
  const root = named ?? rootBefore ?? dirname(file);
  const parts = await Promise.all(
    lines.map(async (line): Promise<readonly Line[]> => {
      const [name = "", pattern = ""] = line.words;
      if (!/^include(?:optional)?$/i.test(name) || depth >= INCLUDE_DEPTH_MAX) return [line];
      const files = await expandGlob(isAbsolute(pattern) ? pattern : join(root, pattern));
      const included = files.map((one) => readInto(one, root, depth + 1).catch(() => []));
      return (await Promise.all(included)).flat();
    }),
  );
  return parts.flat();
}

/** One place that names a backend. */
export interface Backend {
  readonly line: Line;
  /** The directive in lower case. */
  readonly name: string;
  /** `http://host:port/path`, `fcgi://…`, `unix:/path|http://name/`. */
  readonly url: string;
  /** `retry=0`, `ttl=4`, by name. */
  readonly options: ReadonlyMap<string, string>;
  /** Path for which it is asked; null for a member of a balancer. */
  readonly path: string | null;
}

const SET_HANDLER = /^proxy:(.*)$/;

export function backendsOf(lines: readonly Line[]): readonly Backend[] {
  return lines.flatMap((line): readonly Backend[] => {
    const [raw = "", ...args] = line.words;
    const name = raw.toLowerCase().replace(/^</, "");
    const handler = SET_HANDLER.exec(args[0] ?? "")?.[1];
    const member = name === "balancermember";
    if (name === "sethandler" && handler !== undefined) {
      return [{ line, name, url: handler, options: new Map(), path: null }];
    }
    if (!member && name !== "proxypass" && name !== "proxypassmatch") return [];
    // Inside <Location> the path is left out.
    const hasPath = !member && /^[/^]/.test(args[0] ?? "");
    const [url = "", ...rest] = hasPath ? args.slice(1) : args;
    const options = new Map(
      rest
        .filter((one) => one.includes("="))
        .map((one) => one.split(/=(.*)/).slice(0, 2) as [string, string]),
    );
    const path = hasPath ? (args[0] ?? "") : null;
    return url === "!" || url.startsWith("balancer:") ? [] : [{ line, name, url, options, path }];
  });
}

export function directiveOf(lines: readonly Line[], name: string): Line | null {
  return lines.find(({ words }) => words[0]?.toLowerCase() === name) ?? null;
}

export function apacheUpstreams(lines: readonly Line[]): readonly ConfiguredUpstream[] {
  const backends = backendsOf(lines);
  const members = backends.filter(({ name }) => name === "balancermember").length;
  return backends.flatMap((backend) => {
    const address = addressOf(backend.url);
    if (address === null) return [];
    const { file, line } = backend.line;
    const context = `${backend.line.words[0] ?? ""} ${backend.path ?? ""}`.trim();
    const siblings = backend.name === "balancermember" ? members - 1 : 0;
    const settings = settingsOf(lines, backend);
    return [{ address, where: { file, line }, context, settings, siblings }];
  });
}

function addressOf(url: string): string | null {
  const [, socket, behind] = /^unix:([^|]+)(?:\|(.*))?$/.exec(url) ?? [];
  if (socket !== undefined) {
    return behind?.startsWith("fcgi:") ? `fastcgi:unix:${socket}` : `unix:${socket}`;
  }
  const [, scheme = "", place = ""] = /^(\w+):\/\/([^/]+)/.exec(url) ?? [];
  switch (scheme) {
    case "http":
    case "ws":
    case "h2c":
      return `http://${place}`;
    case "https":
    case "wss":
    case "h2":
      return `https://${place}`;
    case "fcgi":
      return `fastcgi://${/:\d+$/.test(place) ? place : `${place}:9000`}`;
    default:
      return null;
  }
}

/** Apache's own defaults; without `ttl` an idle connection is kept as long as the process lives. */
const TIMEOUT_MS = 60_000;
const FIELD_BYTES = 8_192;

function settingsOf(lines: readonly Line[], { options }: Backend): FrontSettings {
  const proxyTimeout = directiveOf(lines, "proxytimeout") ?? directiveOf(lines, "timeout");
  const ttl = timeMs(options.get("ttl") ?? "", "s");
  const reused = options.get("disablereuse")?.toLowerCase() !== "on";
  return {
    poolIdleMs: reused ? (ttl ?? Number.POSITIVE_INFINITY) : null,
    responseMs: timeMs(options.get("timeout") ?? proxyTimeout?.words[1] ?? "", "s") ?? TIMEOUT_MS,
    headBytes: FIELD_BYTES,
    upgrades: options.get("upgrade") !== undefined,
    write: {
      keepAlive: "ProxyPass … ttl=4  # below the application's keep-alive time",
      headBytes: "ProxyPass … responsefieldsize=16384",
      upgrades: "ProxyPass … upgrade=websocket",
      address: (address) => `ProxyPass / ${address}/`,
    },
  };
}
