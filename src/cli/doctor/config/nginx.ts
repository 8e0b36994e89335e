/**
 * The places of an nginx configuration that ask an upstream: every `proxy_pass`, `fastcgi_pass` and
 * `grpc_pass`, with the blocks around it and the settings that hold there.
 */
import { type Directive, everywhere, readNginx } from "./nginx-syntax.js";

/** A place that asks an upstream, with everything that holds there. */
export interface Pass {
  readonly directive: Directive;
  readonly kind: "proxy" | "fastcgi" | "grpc" | "uwsgi";
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
} as const;

export interface NginxPasses {
  readonly directives: readonly Directive[];
  readonly passes: readonly Pass[];
}

export async function readNginxPasses(file: string): Promise<NginxPasses> {
  const directives = await readNginx(file);
  const groups = new Map(
    everywhere(directives, "upstream").map((one) => [one.args[0] ?? "", one] as const),
  );
  return { directives, passes: passesIn(directives, [], groups) };
}

function passesIn(
  directives: readonly Directive[],
  around: readonly Directive[],
  groups: ReadonlyMap<string, Directive>,
): readonly Pass[] {
  return directives.flatMap((directive) => {
    if (directive.block !== null) {
      return passesIn(directive.block, [directive, ...around], groups);
    }
    if (!(directive.name in KINDS)) return [];
    const kind = KINDS[directive.name as keyof typeof KINDS];
    const [, scheme = "", rest = ""] = /^(?:(\w+):\/\/)?(.*)$/.exec(directive.args[0] ?? "") ?? [];
    const place = rest.startsWith("unix:")
      ? (rest.match(/^unix:[^:]+/)?.[0] ?? rest)
      : (rest.split("/")[0] ?? "");
    const group = groups.get(place) ?? null;
    return [{ directive, kind, scheme, place, around, group }];
  });
}

/** The value that holds at a place: the innermost block that has the directive. */
export function settingAt({ around }: Pass, name: string): Directive | null {
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
