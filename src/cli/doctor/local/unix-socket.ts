/**
 * A Unix socket as the file system shows it: whether it is there, who may use it, whether a process
 * listens, and which sockets there are beside it.
 */
import { access, constants, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { UnixSocketFacts } from "../facts/local-facts.js";
import type { DoctorWorld } from "../world/world.js";
import { entriesOf, type UnixListener, unixListenersOf } from "./sockets.js";

/** Where sockets of applications usually are. */
const USUAL_FOLDERS = ["/run/php", "/var/run/php", "/run", "/var/run", "/tmp"];
const BESIDE_MAX = 10;
/** Of the mode, the bits of permission. */
const PERMISSIONS = 0o777;

export async function unixSocketFacts(world: DoctorWorld, path: string): Promise<UnixSocketFacts> {
  const real = join(world.root, path);
  const [info, listeners, closedFolder] = await Promise.all([
    stat(real).catch(() => null),
    unixListenersOf(world),
    closedFolderOf(world, path),
  ]);
  const listener = listeners.find((one) => one.path === path);
  const writable = await access(real, constants.W_OK).then(
    () => true,
    () => false,
  );
  return {
    path,
    exists: info !== null,
    isSocket: info?.isSocket() ?? false,
    mode: info === null ? null : modeInWords(info.mode & PERMISSIONS),
    owner: info === null ? null : await nameOf(world, "passwd", info.uid),
    group: info === null ? null : await nameOf(world, "group", info.gid),
    writable,
    closedFolder,
    listening: listener !== undefined,
    waiting: listener?.waiting ?? null,
    backlog: listener?.backlog ?? null,
    beside: await besideOf(world, path, listeners),
  };
}

function modeInWords(mode: number): string {
  return [6, 3, 0]
    .map((shift) => (mode >> shift) & 7)
    .map((bits) => `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${bits & 1 ? "x" : "-"}`)
    .join("");
}

async function nameOf(
  { root }: DoctorWorld,
  table: "passwd" | "group",
  id: number,
): Promise<string> {
  const text = await readFile(join(root, "etc", table), "utf8").catch(() => "");
  const line = text.split("\n").find((one) => one.split(":")[2] === String(id));
  return line?.split(":")[0] ?? String(id);
}

/** The first folder on the way that this user may not enter. */
async function closedFolderOf({ root }: DoctorWorld, path: string): Promise<string | null> {
  const parts = dirname(path).split("/").filter(Boolean);
  for (let count = 1; count <= parts.length; count += 1) {
    const folder = `/${parts.slice(0, count).join("/")}`;
    const open = await access(join(root, folder), constants.X_OK).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== "EACCES",
    );
    if (!open) return folder;
  }
  return null;
}

/** Names such as `php7.4-fpm.sock` and `php8.2-fpm.sock` belong together. */
function sharesAWord(one: string, other: string): boolean {
  const words = wordsOf(other);
  return wordsOf(one).some((word) => words.includes(word));
}

function wordsOf(path: string): readonly string[] {
  const words =
    basename(path)
      .toLowerCase()
      .match(/[a-z]{3,}/g) ?? [];
  return words.filter((word) => word !== "sock" && word !== "socket");
}

/** Sockets that do exist: first those in the same folder. */
async function besideOf(
  { root }: DoctorWorld,
  path: string,
  listeners: readonly UnixListener[],
): Promise<readonly string[]> {
  const folder = dirname(path);
  const names = await entriesOf(join(root, folder));
  const inFolder = await Promise.all(
    names.map(async (name) => {
      const info = await stat(join(root, folder, name)).catch(() => null);
      return info?.isSocket() ? join(folder, name) : null;
    }),
  );
  const elsewhere = listeners
    .map((one) => one.path)
    .filter((one) => USUAL_FOLDERS.includes(dirname(one)) && sharesAWord(one, path));
  const all = [...inFolder.filter((one) => one !== null), ...elsewhere];
  return [...new Set(all)].filter((one) => one !== path).slice(0, BESIDE_MAX);
}
