/**
 * The way of one request through an nginx configuration: the server by port and name, the location
 * that wins, its rewrites and files, and what it asks the upstream in the end.
 *
 * `if` and code of modules are not followed: what they would do is not known here.
 */
import { stat } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { Pass } from "./nginx.js";
import { type Directive, everywhere } from "./nginx-syntax.js";
import { evaluate, mapped, type Variables } from "./nginx-variables.js";

export interface NginxRequest {
  readonly port: number;
  /** Host without its port. */
  readonly host: string;
  /** Path and query. */
  readonly path: string;
}

export interface NginxRoute {
  /** Null where nginx answers by itself. */
  readonly pass: Pass | null;
  /** Path and query that the upstream is asked for; null where that is not known. */
  readonly path: string | null;
  /** The location that wins, as it is written. */
  readonly location: string;
}

/** nginx itself gives up after ten. */
const TURNS_MAX = 10;

/** Null where no server listens there. */
export async function nginxRoute(
  passes: readonly Pass[],
  directives: readonly Directive[],
  asked: NginxRequest,
): Promise<NginxRoute | null> {
  const server = serverFor(directives, asked);
  if (server?.block == null) return null;
  const [given = "/", query = ""] = asked.path.split(/\?(.*)/s);
  const request: Request = { asked, uri: given, query, changed: false, captures: {} };
  const turn = rewritten(server.block, request);
  return follow({ passes, directives, server, request: turn.request }, null, 0);
}

interface Request {
  readonly asked: NginxRequest;
  readonly uri: string;
  readonly query: string;
  /** A rewrite has made another path of it. */
  readonly changed: boolean;
  readonly captures: Variables;
}

interface Way {
  readonly passes: readonly Pass[];
  readonly directives: readonly Directive[];
  readonly server: Directive;
  readonly request: Request;
}

async function follow(way: Way, named: string | null, turns: number): Promise<NginxRoute | null> {
  const { server, passes } = way;
  const chain =
    named === null ? winning(server.block ?? [], way.request.uri) : inName(server, named);
  const location = chain[0]?.directive ?? server;
  const captures = chain[0]?.captures ?? {};
  const request = { ...way.request, captures: { ...way.request.captures, ...captures } };
  const label = location === server ? "server" : `location ${location.args.join(" ")}`;
  const itself: NginxRoute = { pass: null, path: null, location: label };
  if (turns >= TURNS_MAX) return itself;
  const block = location.block ?? [];
  const turn = rewritten(location === server ? [] : block, request);
  if (turn.again) return follow({ ...way, request: turn.request }, null, turns + 1);
  const pass = passes.find(({ directive }) => block.includes(directive)) ?? null;
  if (block.some(({ name }) => name === "return")) return itself;
  const next = await filesOf(way, [...chain.map((one) => one.directive), server], turn.request);
  if (next === "itself") return itself;
  if (next?.startsWith("@") === true) return follow(way, next, turns + 1);
  if (next !== null && next !== turn.request.uri) {
    const [uri = "/", query = turn.request.query] = next.split(/\?(.*)/s);
    return follow({ ...way, request: { ...turn.request, uri, query } }, null, turns + 1);
  }
  if (pass === null) return itself;
  const broke = turn.request !== request;
  return { pass, path: pathAsked(way, pass, location, turn.request, broke), location: label };
}

function inName({ block }: Directive, name: string): readonly Won[] {
  const found = block?.find((one) => one.name === "location" && one.args[0] === name);
  return found === undefined ? [] : [{ directive: found, captures: {} }];
}

/** By port, then by name: exact, wildcard, pattern, and the default one. */
function serverFor(
  directives: readonly Directive[],
  { port, host }: NginxRequest,
): Directive | null {
  const all = everywhere(directives, "server").filter(({ block }) => block !== null);
  const here = all.filter((one) => listensOf(one).some((place) => place.port === port));
  const name = host.toLowerCase();
  const best = (fits: (name: string) => boolean): Directive | undefined =>
    here.find((one) => namesOf(one).some(fits));
  return (
    best((one) => one.toLowerCase() === name) ??
    best((one) => one.startsWith(".") && (name.endsWith(one) || name === one.slice(1))) ??
    best((one) => one.startsWith("*.") && name.endsWith(one.slice(1))) ??
    best((one) => one.endsWith(".*") && name.startsWith(one.slice(0, -1))) ??
    best((one) => one.startsWith("~") && (regexOf(one.slice(1), true)?.test(name) ?? false)) ??
    here.find((one) => listensOf(one).some((place) => place.port === port && place.isDefault)) ??
    here[0] ??
    null
  );
}

function namesOf({ block }: Directive): readonly string[] {
  return (block ?? []).filter(({ name }) => name === "server_name").flatMap(({ args }) => args);
}

function listensOf({ block }: Directive) {
  const listens = (block ?? []).filter(({ name }) => name === "listen");
  if (listens.length === 0) return [{ port: 80, isDefault: false }];
  return listens.map(({ args: [place = "", ...options] }) => ({
    port: Number(/^(?:.*:)?(\d+)$/.exec(place)?.[1] ?? 80),
    isDefault: options.includes("default_server") || options.includes("default"),
  }));
}

interface Won {
  readonly directive: Directive;
  readonly captures: Variables;
}

/** The locations that win for a path, the innermost first. */
function winning(block: readonly Directive[], uri: string): readonly Won[] {
  const all = block.filter(({ name, block: own }) => name === "location" && own !== null);
  const plain = (one: Directive): Won => ({ directive: one, captures: {} });
  const exact = all.find(({ args }) => args[0] === "=" && args[1] === uri);
  if (exact !== undefined) return [plain(exact)];
  const prefixes = all.filter((one) => uri.startsWith(prefixOf(one) ?? "\0"));
  const [longest] = [...prefixes].sort(
    (a, b) => (prefixOf(b)?.length ?? 0) - (prefixOf(a)?.length ?? 0),
  );
  const inner = longest?.block == null ? [] : winning(longest.block, uri);
  const outer = longest === undefined ? [] : [plain(longest)];
  const decided = inner.some(({ directive: { args } }) => /^(?:=|~)/.test(args[0] ?? ""));
  if (decided || longest?.args[0] === "^~") return [...inner, ...outer];
  for (const one of all) {
    const captures = capturesOf(one, uri);
    if (captures === null) continue;
    return [...winning(one.block ?? [], uri), { directive: one, captures }];
  }
  return [...inner, ...outer];
}

function prefixOf({ args }: Directive): string | null {
  const [first = "", second] = args;
  if (first === "^~") return second ?? null;
  return second === undefined && first.startsWith("/") ? first : null;
}

function capturesOf({ args: [sign = "", pattern = ""] }: Directive, uri: string): Variables | null {
  if (sign !== "~" && sign !== "~*") return null;
  const found = regexOf(pattern, sign === "~*")?.exec(uri) ?? null;
  return found === null ? null : variablesOf(found);
}

function variablesOf(found: RegExpExecArray): Variables {
  const numbered = Object.fromEntries(found.slice(1).map((one, at) => [String(at + 1), one ?? ""]));
  const named = Object.entries(found.groups ?? {}).map(([name, one]) => [name, one ?? ""] as const);
  return { ...numbered, ...Object.fromEntries(named) };
}

/** PCRE that JavaScript does not read says nothing. */
function regexOf(pattern: string, caseless: boolean): RegExp | null {
  try {
    return new RegExp(pattern.replaceAll("(?P<", "(?<"), caseless ? "i" : "");
  } catch {
    return null;
  }
}

interface Turn {
  readonly request: Request;
  /** The search for a location begins anew. */
  readonly again: boolean;
}

function rewritten(block: readonly Directive[], request: Request): Turn {
  let now = request;
  for (const { args } of block.filter(({ name }) => name === "rewrite")) {
    const [pattern = "", replacement = "", flag = ""] = args;
    const found = regexOf(pattern, false)?.exec(now.uri) ?? null;
    if (found === null) continue;
    const captures = variablesOf(found);
    const whole = evaluate(replacement, { ...variablesAt(now), ...captures }) ?? replacement;
    const [uri = "/", query = now.query] = whole.split(/\?(.*)/s);
    now = { ...now, uri, query, changed: true, captures: { ...now.captures, ...captures } };
    if (flag === "last") return { request: now, again: true };
    if (flag === "break") return { request: now, again: false };
  }
  // Without a flag the search begins anew, too, once a rewrite has fit.
  return { request: now, again: now !== request };
}

function variablesAt({ asked, uri, query, captures }: Request): Variables {
  return {
    uri,
    document_uri: uri,
    request_uri: asked.path,
    args: query,
    query_string: query,
    is_args: query === "" ? "" : "?",
    host: asked.host,
    http_host: asked.host,
    server_port: String(asked.port),
    ...captures,
  };
}

/** `try_files`: the first file that is there, else the last argument; null without it. */
async function filesOf(
  { directives }: Way,
  around: readonly Directive[],
  request: Request,
): Promise<string | null> {
  const own = around[0]?.block?.find(({ name }) => name === "try_files");
  if (own === undefined) return null;
  const root = around
    .map(({ block }) => block?.find(({ name }) => name === "root")?.args[0])
    .find(Boolean);
  const values = { ...mapped(directives, variablesAt(request)), ...variablesAt(request) };
  const tries = own.args.slice(0, -1);
  for (const one of tries) {
    const value = evaluate(one, values);
    if (value === null || root === undefined || !isAbsolute(root) || root.includes("$")) continue;
    const info = await stat(join(root, value)).catch(() => null);
    const isFolder = value.endsWith("/");
    if (info !== null && info.isDirectory() === isFolder) return "itself";
  }
  const last = own.args.at(-1) ?? "";
  return last.startsWith("=") ? "itself" : (evaluate(last, values) ?? last);
}

/** What the upstream is asked for: `proxy_pass` with a path puts it in place of the location's. */
function pathAsked(
  { directives }: Way,
  { kind, directive, place }: Pass,
  location: Directive,
  request: Request,
  broke: boolean,
): string | null {
  const query = request.query === "" ? "" : `?${request.query}`;
  const same = request.changed ? `${request.uri}${query}` : request.asked.path;
  // nginx: after `rewrite … break` in the same location the path of proxy_pass is left out.
  if (kind !== "proxy" || broke) return same;
  const text = directive.args[0] ?? "";
  const values = { ...mapped(directives, variablesAt(request)), ...variablesAt(request) };
  const target = evaluate(text, values) ?? text;
  const after = target.replace(/^\w+:\/\//, "").replace(/^unix:[^:]+:?/, "");
  const given = place.startsWith("unix:")
    ? after
    : after.slice(after.indexOf("/") + 1 || after.length);
  const hasPath = place.startsWith("unix:") ? after.startsWith("/") : after.includes("/");
  if (!hasPath) return same;
  const path = place.startsWith("unix:") ? after : `/${given}`;
  if (path.includes("$")) return null;
  if (text.includes("$")) return path;
  const prefix = prefixOf(location);
  if (prefix === null) return same;
  return `${path}${request.uri.slice(prefix.length)}${query}`;
}
