/**
 * What an nginx configuration says of upstreams: every `proxy_pass`, `fastcgi_pass` and `grpc_pass`
 * with the servers behind it and the settings that hold there.
 */
import type { ConfiguredUpstream, FrontSettings } from "./front-config.js";
import { type Directive, everywhere, readNginx } from "./nginx-syntax.js";
import { sizeBytes, timeMs } from "./units.js";

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

/** The servers behind a place, each with the settings that hold there. */
export function upstreamsOf(pass: Pass): readonly ConfiguredUpstream[] {
  const { directive, group, place } = pass;
  const context = contextOf(pass);
  const settings = settingsOf(pass);
  if (group === null) {
    const address = place.includes("$") ? null : addressOf(pass, place);
    if (address === null) return [];
    const { file, line } = directive;
    return [{ address, where: { file, line }, context, settings, siblings: 0 }];
  }
  const servers = serversOf(group).filter(({ args }) => !args.includes("down"));
  return servers.flatMap(({ args, file, line }) => {
    const address = addressOf(pass, args[0] ?? "");
    if (address === null) return [];
    const siblings = servers.length - 1;
    const inGroup = `upstream ${group.args[0] ?? "?"}, ${context}`;
    return [{ address, where: { file, line }, context: inGroup, settings, siblings }];
  });
}

function addressOf({ kind, scheme }: Pass, place: string): string | null {
  if (kind === "uwsgi") return null;
  if (kind === "fastcgi") {
    return place.startsWith("unix:") ? `fastcgi:${place}` : `fastcgi://${withPort(place, 9_000)}`;
  }
  if (place.startsWith("unix:")) return place;
  const secure = scheme === "https" || scheme === "grpcs";
  return `${secure ? "https" : "http"}://${withPort(place, secure ? 443 : 80)}`;
}

function withPort(place: string, port: number): string {
  return /:\d+$/.test(place) ? place : `${place}:${port}`;
}

function contextOf({ around }: Pass): string {
  const location = around.find(({ name }) => name === "location");
  const server = around.find(({ name }) => name === "server");
  const names = server?.block?.find(({ name }) => name === "server_name")?.args.join(" ");
  const path = location === undefined ? "" : `location ${location.args.join(" ")}`;
  return [path, names === undefined ? "" : `server ${names}`].filter(Boolean).join(" of ");
}

/** nginx's own defaults. */
const POOL_IDLE_MS = 60_000;
const READ_MS = 60_000;
/** One page of memory on most machines. */
export const BUFFER_BYTES = 4_096;

function settingsOf(pass: Pass): FrontSettings {
  const { kind, group } = pass;
  const prefix = kind === "fastcgi" ? "fastcgi" : kind === "grpc" ? "grpc" : "proxy";
  const time = (name: string): number | null =>
    timeMs(settingAt(pass, `${prefix}_${name}`)?.args[0] ?? "", "s");
  const size = sizeBytes(settingAt(pass, `${prefix}_buffer_size`)?.args[0] ?? "");
  const poolIdle = group?.block?.find(({ name }) => name === "keepalive_timeout")?.args[0];
  return {
    poolIdleMs: keepsConnections(pass) ? (timeMs(poolIdle ?? "", "s") ?? POOL_IDLE_MS) : null,
    responseMs: time("read_timeout") ?? READ_MS,
    headBytes: size ?? BUFFER_BYTES,
    upgrades: passesUpgrades(pass),
    write: {
      keepAlive: "keepalive_timeout 4s;  # in the upstream block, below the application's time",
      headBytes: `${prefix}_buffer_size 16k;\n${prefix}_buffers 8 16k;`,
      upgrades:
        "proxy_http_version 1.1;\nproxy_set_header Upgrade $http_upgrade;\n" +
        'proxy_set_header Connection "upgrade";',
      address: (address) => `${pass.directive.name} ${address};`,
    },
  };
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
