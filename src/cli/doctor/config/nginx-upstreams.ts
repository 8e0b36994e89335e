/**
 * What an nginx configuration says of upstreams: the servers behind every place that asks one, with
 * what nginx does there.
 */
import type {
  ConfiguredUpstream,
  FrontTraits,
  FrontUser,
  NameQuestion,
  Problem,
} from "./front-config.js";
import { keepsConnections, type Pass, passesUpgrades, serversOf, settingAt } from "./nginx.js";
import { type ClientAsked, mannerOf } from "./nginx-manner.js";
import { nameServersOf, namesAtRunTime } from "./nginx-resolver.js";
import type { Directive } from "./nginx-syntax.js";
import { sizeBytes, timeMs } from "./units.js";

/** The servers behind a place, each with the settings that hold there. */
export function upstreamsOf(
  pass: Pass,
  asked: ClientAsked | null = null,
): readonly ConfiguredUpstream[] {
  const { directive, group, place } = pass;
  const context = contextOf(pass);
  const settings = settingsOf(pass);
  const names = namesAtRunTime(pass);
  const resolved = names?.resolver == null ? {} : { nameServers: nameServersOf(names.resolver) };
  if (group === null) {
    const address = place.includes("$") ? null : addressOf(pass, place);
    // Without a resolver nginx sends no query: a rule reports it.
    if (address === null || (names !== null && names.resolver === null)) return [];
    const { file, line } = directive;
    const manner = mannerOf(pass, null, asked);
    const where = { file, line };
    return [{ address, where, context, settings, siblings: 0, manner, ...resolved }];
  }
  const servers = serversOf(group).filter(({ args }) => !args.includes("down"));
  return servers.flatMap((server) => {
    const { args, file, line } = server;
    const address = addressOf(pass, args[0] ?? "");
    if (address === null) return [];
    const siblings = servers.length - 1;
    const inGroup = `upstream ${group.args[0] ?? "?"}, ${context}`;
    const manner = mannerOf(pass, server, asked);
    const where = { file, line };
    const watched = args.includes("resolve") ? resolved : {};
    return [{ address, where, context: inGroup, settings, siblings, manner, ...watched }];
  });
}

/** The names that nginx resolves by itself for this place. */
export function questionsOf(pass: Pass): readonly NameQuestion[] {
  const names = namesAtRunTime(pass);
  if (names?.resolver == null) return [];
  const nameServers = nameServersOf(names.resolver);
  const common = { nameServers, context: contextOf(pass), manner: mannerOf(pass, null) };
  return names.hosts.map((host) => ({ ...common, host }));
}

/** Ports that nginx takes where none is written. */
const PORTS = { fastcgi: 9_000, uwsgi: 80, scgi: 80, memcached: 11_211, grpc: 80, proxy: 80 };

function addressOf({ kind, scheme }: Pass, place: string): string | null {
  const secure = scheme === "https" || scheme === "grpcs";
  const spoken = kind === "proxy" ? "http" : kind === "grpc" && secure ? "grpcs" : kind;
  if (place.startsWith("unix:")) return kind === "proxy" ? place : `${spoken}:${place}`;
  const named = kind === "proxy" && secure ? "https" : spoken;
  return `${named}://${withPort(place, secure ? 443 : PORTS[kind])}`;
}

/** Places whose address only a request makes. */
export function notAskedOf(pass: Pass): readonly Problem[] {
  if (pass.group !== null || !pass.place.includes("$")) return [];
  const { directive } = pass;
  const text = `${directive.name} ${directive.args[0] ?? ""}: its address is made by a request`;
  return [{ text, where: { file: directive.file, line: directive.line } }];
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

function settingsOf(pass: Pass): FrontTraits {
  const { kind, group } = pass;
  const prefix = kind;
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

/** As whom its workers run; null when the file does not say. */
export function nginxUser(directives: readonly Directive[]): FrontUser | null {
  const [user, group = null] = directives.find(({ name }) => name === "user")?.args ?? [];
  return user === undefined ? null : { user, group };
}

/** The log of errors that holds for most; null when it is a program or not named. */
export function nginxErrorLog(directives: readonly Directive[]): string | null {
  const main = directives.find(({ name }) => name === "http")?.block ?? [];
  const path = [...directives, ...main].find(({ name }) => name === "error_log")?.args[0];
  return path === undefined || /^(?:stderr|syslog:|memory:)/.test(path) ? null : path;
}

/** Folders of buffered bodies and of caches, wherever in the text they are named. */
export function nginxTemporary(directives: readonly Directive[]): readonly string[] {
  const found = directives.flatMap(({ name, args, block }) => [
    ...(TEMPORARY.test(name) && args[0] !== undefined ? [args[0]] : []),
    ...nginxTemporary(block ?? []),
  ]);
  return [...new Set(found)];
}

const TEMPORARY = /^(?:client_body|proxy|fastcgi|uwsgi|scgi)_temp_path$|^\w+_cache_path$/;
