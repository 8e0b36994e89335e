/**
 * The places of an nginx configuration that ask an upstream: every `proxy_pass`, `fastcgi_pass` and
 * `grpc_pass`, with the blocks around it and the settings that hold there.
 */
import {
  type Directive,
  everywhere,
  mainFileAbove,
  type NginxText,
  readNginx,
} from "./nginx-syntax.js";
import { addressAtRunTime } from "./nginx-variables.js";

/** A place that asks an upstream, with everything that holds there. */
export interface Pass {
  readonly directive: Directive;
  readonly kind: "proxy" | "fastcgi" | "grpc" | "uwsgi" | "scgi" | "memcached";
  /** What is asked, with those variables replaced whose values the file defines. */
  readonly target: string;
  /** It has a variable, so that nginx evaluates it for each request. */
  readonly atRunTime: boolean;
  /** Another place names the same host without a variable: nginx resolved it at its start. */
  readonly known: boolean;
  /** `http`, `https` or none. */
  readonly scheme: string;
  /** Host and port, the name of an upstream block, or `unix:/path`. */
  readonly place: string;
  /** The blocks around it, the innermost first. */
  readonly around: readonly Directive[];
  readonly group: Directive | null;
}

const KINDS = {
  proxy_pass: "proxy",
  fastcgi_pass: "fastcgi",
  grpc_pass: "grpc",
  uwsgi_pass: "uwsgi",
  scgi_pass: "scgi",
  memcached_pass: "memcached",
} as const;

export interface NginxPasses extends NginxText {
  readonly passes: readonly Pass[];
}

export async function readNginxPasses(file: string): Promise<NginxPasses> {
  const text = await readNginx(file);
  const { directives } = text;
  const groups = new Map(
    [...(await upstreamsOfMain(file, directives)), ...everywhere(directives, "upstream")].map(
      (one) => [one.args[0] ?? "", one] as const,
    ),
  );
  const found = passesIn(directives, []).map((pass) => {
    const target = targetOf(pass, directives);
    return { ...pass, target, ...partsOf(target), atRunTime: variableIn(pass.directive) };
  });
  const literal = new Set(found.filter(({ atRunTime }) => !atRunTime).map(({ place }) => place));
  const passes = found.map((one) => ({
    ...one,
    known: literal.has(one.place),
    group: groups.get(one.place) ?? null,
  }));
  return { ...text, passes };
}

/** A site's file alone may name upstreams that stand in other files of the same nginx. */
async function upstreamsOfMain(
  file: string,
  own: readonly Directive[],
): Promise<readonly Directive[]> {
  const main = own.some(({ name }) => name === "http") ? null : await mainFileAbove(file);
  if (main === null) return [];
  const text = await readNginx(main).catch(() => null);
  return text === null ? [] : everywhere(text.directives, "upstream");
}

type Found = Pick<Pass, "directive" | "kind" | "around">;

function passesIn(
  directives: readonly Directive[],
  around: readonly Directive[],
): readonly Found[] {
  return directives.flatMap((directive) => {
    if (directive.block !== null) return passesIn(directive.block, [directive, ...around]);
    if (!(directive.name in KINDS)) return [];
    const kind = KINDS[directive.name as keyof typeof KINDS];
    return [{ directive, kind, around }];
  });
}

function variableIn({ args }: Directive): boolean {
  return args[0]?.includes("$") ?? false;
}

function targetOf({ directive, around }: Found, all: readonly Directive[]): string {
  const text = directive.args[0] ?? "";
  return variableIn(directive) ? (addressAtRunTime(text, around, all) ?? text) : text;
}

function partsOf(target: string): Pick<Pass, "scheme" | "place"> {
  const [, scheme = "", rest = ""] = /^(?:(\w+):\/\/)?(.*)$/.exec(target) ?? [];
  if (rest.startsWith("unix:")) return { scheme, place: rest.match(/^unix:[^:]+/)?.[0] ?? rest };
  return { scheme, place: rest.split("/")[0] ?? "" };
}

/** The value that holds at a place: the innermost block that has the directive. */
export function settingAt({ around }: Pick<Pass, "around">, name: string): Directive | null {
  for (const { block } of around) {
    const found = block?.find((one) => one.name === name && one.block === null);
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * The request fields that are set at a place, by lower-case name. nginx: one `proxy_set_header` in
 * a block hides all of those around it.
 */
export function fieldsAt({ around, kind }: Pass): ReadonlyMap<string, Directive> {
  const name = kind === "grpc" ? "grpc_set_header" : "proxy_set_header";
  for (const { block } of around) {
    const own = block?.filter((one) => one.name === name) ?? [];
    if (own.length > 0) return new Map(own.map((one) => [(one.args[0] ?? "").toLowerCase(), one]));
  }
  return new Map();
}

/** The servers of an upstream block. */
export function serversOf(group: Directive): readonly Directive[] {
  return (group.block ?? []).filter(({ name }) => name === "server");
}

/** A pool is only used when the request says nothing against it. */
export function keepsConnections(pass: Pass): boolean {
  const { group, kind } = pass;
  const pool = group?.block?.some(({ name }) => name === "keepalive") ?? false;
  if (!pool) return false;
  if (kind === "fastcgi") return settingAt(pass, "fastcgi_keep_conn")?.args[0] === "on";
  return kind === "grpc" || speaksKeepAlive(pass);
}

export function speaksKeepAlive(pass: Pass): boolean {
  const version = settingAt(pass, "proxy_http_version")?.args[0];
  return version === "1.1" && fieldsAt(pass).get("connection")?.args[1] === "";
}

export function passesUpgrades(pass: Pass): boolean {
  const fields = fieldsAt(pass);
  const connection = fields.get("connection")?.args[1] ?? "";
  return fields.has("upgrade") && (/upgrade/i.test(connection) || connection.startsWith("$"));
}
