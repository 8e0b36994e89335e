/**
 * The places of an Apache configuration that name a backend: ProxyPass and ProxyPassMatch,
 * RewriteRule with [P], the members of balancers and the handlers of PHP-FPM, with their options.
 */
import type { ApacheLine } from "./apache-lines.js";

/** One place that names a backend. */
export interface ApacheBackend {
  readonly line: ApacheLine;
  readonly kind: "pass" | "match" | "rewrite" | "member" | "handler";
  /** `http://host:port/path`, `fcgi://…`, `unix:/path|http://name/`, `balancer://name/`. */
  readonly url: string;
  /** `retry=0`, `ttl=4`, by name in lower case. */
  readonly options: ReadonlyMap<string, string>;
  /** Path for which it is asked; null for a member of a balancer. */
  readonly path: string | null;
}

/** Every place that names a backend or a balancer; exclusions (`!`) are none. */
export function backendsOf(lines: readonly ApacheLine[]): readonly ApacheBackend[] {
  return lines.flatMap((line) => {
    const backend = backendOf(line);
    if (backend === null || backend.url === "!") return [];
    const more = proxySets(lines, backend);
    return [{ ...backend, options: new Map([...more, ...backend.options]) }];
  });
}

export function backendOf(line: ApacheLine): ApacheBackend | null {
  const { name, words, inside } = line;
  const args = words.slice(1);
  const [first = "", second = ""] = args;
  switch (name) {
    case "sethandler":
    case "addhandler": {
      const url = /^proxy:(.*)$/.exec(first)?.[1];
      return url === undefined ? null : { line, kind: "handler", url, options: NONE, path: null };
    }
    case "balancermember": {
      const rest = /^balancer:/i.test(first) ? args.slice(1) : args;
      return { line, kind: "member", url: rest[0] ?? "", options: optionsOf(rest), path: null };
    }
    case "rewriterule": {
      if (!/[[,](?:P|proxy)[\],]/.test(args.at(-1) ?? "") || !/\w:\/\//.test(second)) return null;
      return { line, kind: "rewrite", url: second, options: NONE, path: null };
    }
    case "proxypass":
    case "proxypassmatch": {
      // Inside <Location> the path is left out, since it stands there.
      const place = inside.findLast((one) => /^location(?:match)?$/.test(one.name));
      const given = /^(?:[/^]|\()/.test(first);
      const [path, rest] = given ? [first, args.slice(1)] : [place?.args.at(-1), args];
      const regular = name === "proxypassmatch" || place?.name === "locationmatch";
      const options = optionsOf(rest);
      const kind = regular || place?.args[0] === "~" ? "match" : "pass";
      return { line, kind, url: rest[0] ?? "", options, path: path ?? "/" };
    }
    default:
      return null;
  }
}

const NONE: ReadonlyMap<string, string> = new Map();

function optionsOf(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words
      .slice(1)
      .filter((one) => one.includes("="))
      .map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string])
      .map(([name, value]) => [name.toLowerCase(), value] as const),
  );
}

/** `ProxySet` inside `<Proxy "http://…">`: options of the same worker. */
function proxySets(
  lines: readonly ApacheLine[],
  { url }: ApacheBackend,
): ReadonlyMap<string, string> {
  const fits = ({ name, inside }: ApacheLine): boolean => {
    const proxy = inside.at(-1);
    const of = proxy?.args[0] ?? "";
    return name === "proxyset" && proxy?.name === "proxy" && of !== "" && url.startsWith(of);
  };
  return new Map(lines.filter(fits).flatMap(({ words }) => [...optionsOf(words)]));
}

/** The name of the balancer that a line belongs to, or asks; null for none. */
export function balancerOf({ line, url }: ApacheBackend): string | null {
  const around = line.inside.findLast(({ name }) => name === "proxy")?.args[0] ?? "";
  const given = line.name === "balancermember" ? (line.words[1] ?? "") : "";
  const texts = [url, given, around];
  return texts.map((text) => /^balancer:\/\/([^/]+)/i.exec(text)?.[1]).find(Boolean) ?? null;
}

/** D, S and E of `status=`: taken out, stopped, in error. */
export function isTakenOut({ options }: ApacheBackend): boolean {
  return /^\+?[DSE]/i.test(options.get("status") ?? "");
}

/** The line up to its URL, to be written again with more options. */
export function passLine({ line, url }: ApacheBackend): string {
  return line.words.slice(0, line.words.indexOf(url) + 1).join(" ");
}
