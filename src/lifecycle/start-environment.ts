/**
 * What the start checks know of this process: environment variables, limits, version. Read from
 * this machine only, in some system calls, and once for what cannot change.
 */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";

/** What cannot be read is null, and nothing is concluded from it. */
export interface StartEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly nodeVersion: string;
  readonly openFilesMax: number | null;
  readonly heapBytesMax: number;
  readonly memoryBytesMax: number | null;
  readonly container: boolean;
  /** Whether this process may write to a Unix socket, or why it cannot. */
  socketState(path: string): "there" | "missing" | "forbidden";
}

type Fixed = Pick<StartEnvironment, "openFilesMax" | "memoryBytesMax" | "container">;
let fixed: Fixed | null = null;

export function startEnvironment(): StartEnvironment {
  fixed ??= {
    openFilesMax: openFilesIn(contentOf("/proc/self/limits")),
    memoryBytesMax: bytesIn(contentOf("/sys/fs/cgroup/memory.max")),
    container: existsSync("/.dockerenv") || existsSync("/run/.containerenv"),
  };
  return {
    ...fixed,
    variables: process.env,
    nodeVersion: process.versions.node,
    heapBytesMax: getHeapStatistics().heap_size_limit,
    socketState,
  };
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The soft limit, which Node has raised to the hard one when it started. */
export function openFilesIn(limits: string): number | null {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? null : Number(soft);
}

/** `max` is no limit. */
export function bytesIn(text: string): number | null {
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

function socketState(path: string): "there" | "missing" | "forbidden" {
  try {
    accessSync(path, constants.W_OK);
    return "there";
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EACCES" || code === "EPERM" ? "forbidden" : "missing";
  }
}
