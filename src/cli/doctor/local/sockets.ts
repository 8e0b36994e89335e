/**
 * The listening sockets of this machine, from /proc/net, with the processes that hold them.
 *
 * The kernel shows the sockets of all users; the holder only to its own user and to root.
 */
import { readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { ListeningSocket } from "../facts/local-facts.js";
import type { DoctorWorld } from "../world/world.js";

/** `st` of a socket that waits for connections, in /proc/net/tcp. */
const LISTEN = "0A";
/** The flag of a Unix socket that waits for connections, in /proc/net/unix. */
const ACCEPTS = 0x10000;

interface RawListener {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
  readonly waiting: number;
  readonly inode: string;
}

export async function listenersOf(world: DoctorWorld): Promise<readonly ListeningSocket[]> {
  const [four, six, backlogs] = await Promise.all([
    readListeners(world, "tcp", 4),
    readListeners(world, "tcp6", 6),
    readBacklogs(world),
  ]);
  const all = [...four, ...six];
  const holders = await holdersOf(world);
  return all.map(({ inode, ...rest }) => ({
    ...rest,
    backlog: backlogs.get(`${rest.family}/${rest.port}`) ?? null,
    pid: holders.get(inode) ?? null,
  }));
}

async function readListeners(
  world: DoctorWorld,
  table: "tcp" | "tcp6",
  family: 4 | 6,
): Promise<readonly RawListener[]> {
  const lines = await linesOf(join(world.root, "proc/net", table));
  return lines.slice(1).flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [, local = "", , state = "", queues = "", , , , , inode = ""] = fields;
    if (state !== LISTEN) return [];
    const [hex = "", port = ""] = local.split(":");
    const waiting = Number.parseInt(queues.split(":")[1] ?? "0", 16);
    const address = family === 4 ? fourOf(hex) : sixOf(hex);
    return [{ family, address, port: Number.parseInt(port, 16), waiting, inode }];
  });
}

/** The kernel writes an address as it lies in memory: each word of four bytes turned round. */
function bytesOf(hex: string): readonly number[] {
  const words = hex.match(/.{8}/g) ?? [];
  return words.flatMap((word) => [...Buffer.from(word, "hex")].reverse());
}

function fourOf(hex: string): string {
  return bytesOf(hex).join(".");
}

function sixOf(hex: string): string {
  const bytes = bytesOf(hex);
  if (bytes.every((byte) => byte === 0)) return "::";
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return "::1";
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  return groups.join(":");
}

/** How many may wait is in no file; `ss` asks the kernel for it. */
async function readBacklogs(world: DoctorWorld): Promise<ReadonlyMap<string, number>> {
  const text = (await world.run("ss", ["-ltnH"])) ?? "";
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, , backlog, local = ""] = line.trim().split(/\s+/);
      const [, address = "", port = ""] = /^(.*):(\d+)$/.exec(local) ?? [];
      const family = address.includes(":") || address === "*" ? 6 : 4;
      return port === "" ? [] : [[`${family}/${port}`, Number(backlog)] as const];
    }),
  );
}

/** Looks under way, by the folder: many are begun at once, and the machine is the same for all. */
const underWay = new Map<string, Promise<ReadonlyMap<string, number>>>();

/** The process of each socket, by its inode. */
function holdersOf({ root }: DoctorWorld): Promise<ReadonlyMap<string, number>> {
  const folder = join(root, "proc");
  const known = underWay.get(folder);
  if (known !== undefined) return known;
  const looking = readHolders(folder).finally(() => underWay.delete(folder));
  underWay.set(folder, looking);
  return looking;
}

async function readHolders(proc: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const pids = (await entriesOf(proc)).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const folder = join(proc, pid, "fd");
    const links = await Promise.all(
      (await entriesOf(folder)).map((fd) => readlink(join(folder, fd)).catch(() => "")),
    );
    for (const link of links) {
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      // The first holder is the parent of a cluster's workers, or the only one.
      if (inode !== undefined && !found.has(inode)) found.set(inode, Number(pid));
    }
  }
  return found;
}

export interface UnixListener {
  readonly path: string;
  readonly pid: number | null;
  readonly waiting: number | null;
  readonly backlog: number | null;
}

/** The Unix sockets that a process listens on, by their paths. */
export async function unixListenersOf(world: DoctorWorld): Promise<readonly UnixListener[]> {
  const lines = await linesOf(join(world.root, "proc/net/unix"));
  const raw = lines.slice(1).flatMap((line) => {
    const [, , , flags = "0", , , inode = "", path] = line.trim().split(/\s+/);
    const accepts = (Number.parseInt(flags, 16) & ACCEPTS) !== 0;
    return accepts && path !== undefined ? [{ inode, path }] : [];
  });
  const holders = await holdersOf(world);
  const queues = await readUnixQueues(world);
  return raw.map(({ inode, path }) => {
    const [waiting = null, backlog = null] = queues.get(path) ?? [];
    return { path, pid: holders.get(inode) ?? null, waiting, backlog };
  });
}

async function readUnixQueues(
  world: DoctorWorld,
): Promise<ReadonlyMap<string, readonly [number, number]>> {
  const text = (await world.run("ss", ["-lxH"])) ?? "";
  return new Map(
    text.split("\n").flatMap((line) => {
      const [, , waiting, backlog, path] = line.trim().split(/\s+/);
      return path === undefined ? [] : [[path, [Number(waiting), Number(backlog)]] as const];
    }),
  );
}

export async function linesOf(path: string): Promise<readonly string[]> {
  return (await readFile(path, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}

export async function entriesOf(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(() => []);
}
