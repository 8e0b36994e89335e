/**
 * Fronts that run on this machine: which process is one, with which configuration, as whom it
 * works, and which file system it sees. Read from /proc; nothing is asked of the fronts themselves.
 */
import { readFile, readlink, stat } from "node:fs/promises";
import { isAbsolute, join, resolve } from "node:path";
import type { FrontKind } from "../config/front-config.js";
import type { Endpoint } from "../world/endpoint.js";
import type { DoctorWorld } from "../world/world.js";
import type { Ids } from "./access.js";
import { holderOf } from "./look.js";
import { childrenOf } from "./processes.js";
import { entriesOf, linesOf } from "./sockets.js";

export interface RunningFront {
  readonly pid: number;
  readonly front: FrontKind;
  /** Full path of the file that it was started with; null when that is not known. */
  readonly config: string | null;
  /** The folder that it was started with; null for the one that it was built with. */
  readonly prefix: string | null;
  /** When its first process began. */
  readonly since: number;
  /** Of its workers, which do the asking. */
  readonly ids: Ids | null;
  readonly user: string | null;
  /** The root of the file system that its workers see. */
  readonly root: string;
  /** When its youngest worker began: the last time that it read its configuration. */
  readonly workersSince: number;
}

export interface FrontProgram {
  readonly front: FrontKind;
  readonly is: RegExp;
  /** Options with a folder that the file is relative to, and with the file itself. */
  readonly folder: string | null;
  readonly file: readonly string[];
  readonly usual: readonly string[];
}

export const FRONT_PROGRAMS: readonly FrontProgram[] = [
  {
    front: "nginx",
    is: /^(?:nginx: (?:master|worker) process|\S*(?:nginx|openresty)(?:\s|$))/,
    folder: "-p",
    file: ["-c"],
    usual: ["/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf"],
  },
  {
    front: "haproxy",
    is: /^\S*haproxy(?:\s|$)/,
    folder: "-C",
    file: ["-f"],
    usual: ["/etc/haproxy/haproxy.cfg"],
  },
  {
    front: "apache",
    is: /^(?:\S*\/)?(?:apache2|httpd)(?:\s|$)/,
    folder: "-d",
    file: ["-f"],
    usual: ["/etc/apache2/apache2.conf", "/etc/httpd/conf/httpd.conf"],
  },
  {
    front: "caddy",
    is: /^\S*caddy(?:\s|$)/,
    folder: null,
    file: ["--config"],
    usual: ["/etc/caddy/Caddyfile"],
  },
  {
    front: "varnish",
    is: /^\S*varnishd(?:\s|$)/,
    folder: null,
    file: ["-f"],
    usual: ["/etc/varnish/default.vcl"],
  },
  {
    front: "lighttpd",
    is: /^\S*lighttpd(?:\s|$)/,
    folder: null,
    file: ["-f"],
    usual: ["/etc/lighttpd/lighttpd.conf"],
  },
  {
    front: "traefik",
    is: /^\S*traefik(?:\s|$)/,
    folder: null,
    file: ["--configFile", "--configfile", "--providers.file.filename"],
    usual: ["/etc/traefik/traefik.yml", "/etc/traefik/traefik.yaml"],
  },
  {
    front: "envoy",
    is: /^(?:\S*\/)?envoy(?:\s|$)/,
    folder: null,
    file: ["-c", "--config-path"],
    usual: ["/etc/envoy/envoy.yaml"],
  },
  {
    front: "cloudflared",
    is: /^\S*cloudflared(?:\s|$)/,
    folder: null,
    file: ["--config"],
    usual: ["/etc/cloudflared/config.yml", "/usr/local/etc/cloudflared/config.yml"],
  },
];

/** The front that a process is or belongs to; null when it is none. */
export async function frontOfProcess(
  world: DoctorWorld,
  pid: number,
): Promise<RunningFront | null> {
  const command = await commandLine(world, pid);
  const program = FRONT_PROGRAMS.find(({ is }) => is.test(command.join(" ")));
  if (program === undefined) return null;
  // A worker has no arguments of its own in nginx; its parent has them.
  const parent = await statusOf(world, pid, "PPid");
  const above = parent === null ? [] : await commandLine(world, Number(parent));
  const master = program.is.test(above.join(" ")) ? Number(parent) : pid;
  const words = (await commandLine(world, master)).join(" ").split(" ").filter(Boolean);
  const config = await configOf(world, master, words, program);
  const workers = await childrenOf(world, master);
  const worker = workers[0] ?? master;
  const since = await Promise.all([master, ...workers].map((one) => sinceOf(world, one)));
  return {
    pid: master,
    front: program.front,
    config,
    prefix: await prefixOf(world, master, words, program),
    since: await sinceOf(world, master),
    ...(await userOf(world, worker)),
    root: join(world.root, "proc", String(worker), "root"),
    workersSince: Math.max(...since),
  };
}

/** The front that listens at an endpoint of this machine; null when it is another program. */
export async function listeningFront(
  world: DoctorWorld,
  endpoint: Endpoint,
): Promise<RunningFront | null> {
  const pid = await holderOf(world, endpoint);
  return pid === null ? null : frontOfProcess(world, pid);
}

/** The front that was started with this configuration; null when none runs. */
export async function frontOfConfig(
  world: DoctorWorld,
  file: string,
): Promise<RunningFront | null> {
  const wanted = resolve(file);
  for (const pid of (await entriesOf(join(world.root, "proc"))).filter((name) =>
    /^\d+$/.test(name),
  )) {
    const command = (await commandLine(world, Number(pid))).join(" ");
    if (!FRONT_PROGRAMS.some(({ is }) => is.test(command))) continue;
    const found = await frontOfProcess(world, Number(pid));
    if (found !== null && (await isFile(found, wanted))) return found;
  }
  return null;
}

/** By its file and not by its path, since a container has files of its own, or some of ours. */
async function isFile({ config, root }: RunningFront, file: string): Promise<boolean> {
  if (config === null) return false;
  const [its, ours] = await Promise.all(
    [join(root, config), file].map((path) => stat(path).catch(() => null)),
  );
  if (its == null || ours == null) return config === file;
  return its.ino === ours.ino && its.dev === ours.dev;
}

/** Which front runs with a file; null when none does. */
export async function runningFrontOf(world: DoctorWorld, file: string): Promise<FrontKind | null> {
  return (await frontOfConfig(world, file))?.front ?? null;
}

/** cloudflared listens nowhere: it dials out, and takes what is asked of a name elsewhere. */
export async function tunnelFront(world: DoctorWorld): Promise<RunningFront | null> {
  const pid = await anyOfFront(world, "cloudflared");
  return pid === null ? null : frontOfProcess(world, pid);
}

/** Any process of a front, whatever its configuration; null when none runs. */
export async function anyOfFront(world: DoctorWorld, front: FrontKind): Promise<number | null> {
  const program = FRONT_PROGRAMS.find((one) => one.front === front);
  if (program === undefined) return null;
  const pids = (await entriesOf(join(world.root, "proc"))).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (program.is.test((await commandLine(world, Number(pid))).join(" "))) return Number(pid);
  }
  return null;
}

async function prefixOf(
  world: DoctorWorld,
  pid: number,
  words: readonly string[],
  { folder }: FrontProgram,
): Promise<string | null> {
  const at = folder === null ? -1 : words.indexOf(folder);
  const named = at < 0 ? undefined : words[at + 1];
  if (named === undefined) return null;
  const cwd = await readlink(join(world.root, "proc", String(pid), "cwd")).catch(() => "/");
  return resolve(cwd, named);
}

async function commandLine({ root }: DoctorWorld, pid: number): Promise<readonly string[]> {
  const path = join(root, "proc", String(pid), "cmdline");
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\0").filter((word) => word !== "");
}

async function statusOf({ root }: DoctorWorld, pid: number, name: string): Promise<string | null> {
  const lines = await linesOf(join(root, "proc", String(pid), "status"));
  return (
    lines
      .find((line) => line.startsWith(`${name}:`))
      ?.split(/\s+/)
      .slice(1)
      .join(" ") ?? null
  );
}

async function configOf(
  world: DoctorWorld,
  pid: number,
  words: readonly string[],
  { folder, file, usual }: FrontProgram,
): Promise<string | null> {
  const after = (option: string): string | undefined => {
    const joined = words.find((word) => word.startsWith(`${option}=`));
    const at = words.indexOf(option);
    return joined?.slice(option.length + 1) ?? (at < 0 ? undefined : words[at + 1]);
  };
  const named = file.map(after).find((word) => word !== undefined);
  const cwd = await readlink(join(world.root, "proc", String(pid), "cwd")).catch(() => "/");
  if (named !== undefined) {
    const base = folder === null ? undefined : after(folder);
    return isAbsolute(named) ? named : resolve(cwd, base ?? "", named);
  }
  for (const path of usual) {
    if ((await stat(join(world.root, path)).catch(() => null)) !== null) return path;
  }
  return null;
}

async function userOf(
  world: DoctorWorld,
  pid: number,
): Promise<Pick<RunningFront, "ids" | "user">> {
  const [uid, gid, groups] = await Promise.all([
    statusOf(world, pid, "Uid"),
    statusOf(world, pid, "Gid"),
    statusOf(world, pid, "Groups"),
  ]);
  if (uid === null || gid === null) return { ids: null, user: null };
  // Real, effective, saved, and the one that files are opened with.
  const number = Number(uid.split(" ")[1]);
  const gids = [
    Number(gid.split(" ")[1]),
    ...(groups ?? "").split(" ").filter(Boolean).map(Number),
  ];
  const users = await linesOf(join(world.root, "etc/passwd"));
  const name = users.map((line) => line.split(":")).find((parts) => parts[2] === String(number));
  return { ids: { uid: number, gids }, user: name?.[0] ?? String(number) };
}

/** Milliseconds since 1970 at which a process began. */
async function sinceOf({ root }: DoctorWorld, pid: number): Promise<number> {
  const info = await stat(join(root, "proc", String(pid))).catch(() => null);
  return info?.ctimeMs ?? 0;
}
