/**
 * What another user may do with a Unix socket: the user of a front is not the one who asks the
 * doctor, and most often the one who may less.
 */
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DoctorWorld } from "../world/world.js";

/** Numbers of a user, as the kernel compares them. */
export interface Ids {
  readonly uid: number;
  readonly gids: readonly number[];
}

export type Access =
  | { readonly kind: "granted" | "missing" }
  /** A folder on the way, or the socket itself, with who may. */
  | { readonly kind: "folder" | "socket"; readonly path: string; readonly mode: string };

const EXECUTE = 1;
const WRITE = 2;
const ROOT_UID = 0;

/** Whether a user could connect to a socket; `root` is the front's own root, or that of all. */
export async function accessOf(root: string, path: string, ids: Ids | null): Promise<Access> {
  const parts = dirname(path).split("/").filter(Boolean);
  for (let count = 0; count <= parts.length; count += 1) {
    const folder = `/${parts.slice(0, count).join("/")}`;
    const info = await stat(join(root, folder)).catch(() => null);
    if (info === null) return { kind: "missing" };
    if (ids !== null && !may(info, ids, EXECUTE)) return refused("folder", folder, info.mode);
  }
  const info = await stat(join(root, path)).catch(() => null);
  if (info === null) return { kind: "missing" };
  if (ids !== null && !may(info, ids, WRITE)) return refused("socket", path, info.mode);
  return { kind: "granted" };
}

function refused(kind: "folder" | "socket", path: string, mode: number): Access {
  return { kind, path, mode: (mode & PERMISSIONS).toString(OCTAL).padStart(4, "0") };
}

const PERMISSIONS = 0o7777;
const OCTAL = 8;

function may(
  { uid, gid, mode }: { readonly uid: number; readonly gid: number; readonly mode: number },
  ids: Ids,
  bit: number,
): boolean {
  if (ids.uid === ROOT_UID) return true;
  // The first class that fits decides, even where a later one would allow more.
  if (uid === ids.uid) return ((mode >> 6) & bit) !== 0;
  if (ids.gids.includes(gid)) return ((mode >> 3) & bit) !== 0;
  return (mode & bit) !== 0;
}

/** The numbers of a user and its groups, from /etc; null when the user is not known. */
export async function idsOf(
  { root }: DoctorWorld,
  user: string,
  group: string | null,
): Promise<Ids | null> {
  const users = await tableOf(root, "passwd");
  const groups = await tableOf(root, "group");
  const own = users.find(([name, , uid]) => name === user || uid === user);
  if (own === undefined) return null;
  const main = group === null ? own[3] : groups.find(([name]) => name === group)?.[2];
  const more = groups.filter(([, , , members = ""]) => members.split(",").includes(own[0] ?? ""));
  const gids = [main, ...more.map(([, , gid]) => gid)].filter((gid) => gid !== undefined);
  return { uid: Number(own[2]), gids: gids.map(Number) };
}

async function tableOf(root: string, name: string): Promise<readonly (readonly string[])[]> {
  const text = await readFile(join(root, "etc", name), "utf8").catch(() => "");
  return text.split("\n").map((line) => line.split(":"));
}
