/**
 * What a configuration of lighttpd says of upstreams: the hosts of `proxy.server`,
 * `fastcgi.server`, `scgi.server` and the like, each with the path that leads to it.
 */
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { fault } from "../../../diagnosis/diagnosis-finding.js";
import type { Finding } from "../../../diagnosis/diagnosis-report.js";
import { expandGlob } from "./files.js";
import type {
  ConfiguredUpstream,
  FrontConfig,
  FrontTraits,
  Problem,
  Where,
} from "./front-config.js";

const SETTINGS: FrontTraits = {
  // It asks each request on a connection of its own, unless it speaks FastCGI.
  poolIdleMs: null,
  responseMs: null,
  // `server.max-request-field-size` is of requests; a head of an answer may have 64 KB.
  headBytes: 65_535,
  upgrades: false,
  write: {
    keepAlive: "",
    headBytes: "",
    upgrades: 'proxy.header = ( "upgrade" => "enable" )',
    address: (address) => {
      const { hostname, port } = new URL(address);
      return `"host" => "${hostname}", "port" => ${port || "80"}`;
    },
  },
};
const FILES_MAX = 100;
const DEPTH_MAX = 8;
const DEFAULT_PORT = 80;

const SCHEMES: Readonly<Record<string, string>> = {
  ...{ proxy: "http", fastcgi: "fastcgi", scgi: "scgi", uwsgi: "uwsgi", ajp13: "ajp" },
};
const MODULE: Readonly<Record<string, string>> = { uwsgi: "mod_scgi" };

type Token = { readonly text: string; readonly quoted: boolean; readonly where: Where };
/** `( "a" => value, value )`: a list has no keys. */
type Value = string | readonly (readonly [key: string, value: Value, where: Where])[];

export type LighttpdConfig = Pick<
  FrontConfig,
  "upstreams" | "notLookedAt" | "problems" | "findings" | "errorLog" | "user"
>;

export async function readLighttpd(file: string): Promise<LighttpdConfig> {
  const problems: Problem[] = [];
  const tokens = await tokensOf(file, problems, [file]);
  const at = (name: string): string | null => {
    const index = tokens.findIndex(({ text, quoted }) => text === name && !quoted);
    return index < 0 ? null : (tokens[index + 2]?.text ?? null);
  };
  const port = Number(at("server.port") ?? DEFAULT_PORT);
  const upstreams: ConfiguredUpstream[] = [];
  const notLookedAt: Problem[] = [];
  const findings: Finding[] = [];
  tokens.forEach((token, index) => {
    const [, kind = ""] = /^(\w+)\.server$/.exec(token.text) ?? [];
    const scheme = SCHEMES[kind];
    if (scheme === undefined || token.quoted || !/^\+?=/.test(tokens[index + 1]?.text ?? ""))
      return;
    const missing = moduleMissing(tokens, kind, token.where);
    if (missing !== null) findings.push(missing);
    const value = valueAt(tokens, index + 2, DEPTH_MAX).value;
    for (const host of hostsIn(value)) {
      const address = addressOf(host.fields, scheme);
      const context = `${kind}.server${host.path === "" ? "" : ` "${host.path}"`}`;
      const { where } = host;
      if (address === null) {
        notLookedAt.push({ text: `${context}: lighttpd starts it by itself`, where });
        continue;
      }
      const path = host.path.startsWith("/") ? { path: host.path } : {};
      const manner = { ports: [port], ...path };
      upstreams.push({ address, where, context, settings: SETTINGS, siblings: 0, manner });
    }
  });
  const errorLog = at("server.errorlog");
  const user = at("server.username");
  const group = at("server.groupname");
  return {
    ...{ upstreams, notLookedAt, problems, findings, errorLog },
    user: user === null ? null : { user, group },
  };
}

/** An option of a module that is not loaded is ignored, with a line in the log alone. */
function moduleMissing(tokens: readonly Token[], kind: string, where: Where): Finding | null {
  const name = MODULE[kind] ?? `mod_${kind}`;
  const elsewhere = tokens.some(({ text, quoted }) => !quoted && text === "include_shell");
  if (elsewhere || tokens.some(({ text, quoted }) => quoted && text === name)) return null;
  return fault({
    cause: "module_not_loaded",
    layer: "config",
    blame: "proxy",
    code: "proxy_configuration_error",
    confidence: "likely",
    title: `${kind}.server is ignored: ${name} is not loaded.`,
    evidence: [],
    fix: "Load it, or lighty-enable-mod on Debian:",
    write: `server.modules += ( "${name}" )`,
    where,
  });
}

const TOKEN = /#[^\n]*|"(?:[^"\\]|\\.)*"|'[^']*'|=>|\+=|==|=~|!=|!~|:=|[(){},=]|[^\s(){},="']+|\s/g;

async function tokensOf(
  file: string,
  problems: Problem[],
  seen: string[],
): Promise<readonly Token[]> {
  const text = await readFile(file, "utf8");
  const tokens: Token[] = [];
  let line = 1;
  for (const [part] of text.matchAll(TOKEN)) {
    const where = { file, line };
    line += part.split("\n").length - 1;
    if (/^[\s#]/.test(part)) continue;
    const quoted = /^["']/.test(part);
    const token = { text: quoted ? part.slice(1, -1) : part, quoted, where };
    if (tokens.at(-1)?.text === "include" && quoted) {
      tokens.pop();
      tokens.push(...(await included(token, problems, seen)));
    } else tokens.push(token);
  }
  return tokens;
}

async function included(
  { text, where }: Token,
  problems: Problem[],
  seen: string[],
): Promise<readonly Token[]> {
  const pattern = isAbsolute(text) ? text : join(dirname(where.file), text);
  const files = (await expandGlob(pattern)).filter((one) => !seen.includes(one));
  if (files.length === 0 && !/[*?[]/.test(text)) {
    problems.push({ text: `include "${text}": no such file`, where });
  }
  const all: Token[] = [];
  for (const one of files.slice(0, Math.max(0, FILES_MAX - seen.length))) {
    seen.push(one);
    all.push(...(await tokensOf(one, problems, seen)));
  }
  return all;
}

function valueAt(
  tokens: readonly Token[],
  from: number,
  depth: number,
): { readonly value: Value; readonly next: number } {
  if (tokens[from]?.text !== "(" || tokens[from]?.quoted === true || depth === 0) {
    return { value: tokens[from]?.text ?? "", next: from + 1 };
  }
  const parts: (readonly [string, Value, Where])[] = [];
  let at = from + 1;
  while (at < tokens.length && (tokens[at]?.text !== ")" || tokens[at]?.quoted === true)) {
    const { where } = tokens[at] as Token;
    const keyed = tokens[at + 1]?.text === "=>";
    const key = keyed ? (tokens[at]?.text ?? "") : "";
    const { value, next } = valueAt(tokens, keyed ? at + 2 : at, depth - 1);
    parts.push([key, value, where]);
    at = tokens[next]?.text === "," ? next + 1 : next;
  }
  return { value: parts, next: at + 1 };
}

interface Host {
  readonly path: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly where: Where;
}

/** `( "/path" => ( ( "host" => … ), … ) )`; the inner pair of brackets may be left out. */
function hostsIn(value: Value): readonly Host[] {
  if (typeof value === "string") return [];
  return value.flatMap(([path, inner]) => {
    if (typeof inner === "string") return [];
    const list = inner.some(([, one]) => typeof one !== "string") ? inner : [["", inner] as const];
    return list.flatMap(([, one]) => {
      if (typeof one === "string") return [];
      const texts = one.filter(([, text]) => typeof text === "string");
      const [[, , where] = []] = texts;
      if (where === undefined) return [];
      const fields = new Map(texts.map(([key, text]) => [key, text as string]));
      return [{ path, fields, where }];
    });
  });
}

function addressOf(fields: ReadonlyMap<string, string>, scheme: string): string | null {
  const socket = fields.get("socket");
  const host = fields.get("host") ?? (fields.has("port") ? "127.0.0.1" : undefined);
  if (socket?.startsWith("/") === true || host?.startsWith("/") === true) {
    if (fields.has("bin-path")) return null;
    const path = socket ?? host;
    return scheme === "http" ? `unix:${path}` : `${scheme}:unix:${path}`;
  }
  if (host === undefined || fields.has("bin-path")) return null;
  return `${scheme}://${host}:${fields.get("port") ?? DEFAULT_PORT}`;
}
