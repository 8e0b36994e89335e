/**
 * What /proc says of a process: its state, how busy it is, its files and its memory, and whether
 * its cgroup was ever short of memory.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CgroupFacts, ProcessFacts } from "../facts/local-facts.js";
import { withoutCredentials } from "../world/credentials.js";
import type { DoctorWorld } from "../world/world.js";
import { entriesOf, linesOf } from "./sockets.js";

/** Long enough to distinguish a busy loop from a busy moment. */
const WATCH_MS = 200;
/** The unit of times in /proc/PID/stat; Linux has 100 on every machine that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Options such as a time limit may stand at its end. */
const COMMAND_CHARACTERS_MAX = 300;

/** A zombie: ended, and its parent has not collected its status. */
const ZOMBIE = "Z";

/** Null when there is none, or when it ends while it is watched. */
export async function processFacts(world: DoctorWorld, pid: number): Promise<ProcessFacts | null> {
  const before = await readStat(world, pid);
  if (before === null) return null;
  const waitsBefore = await waitsOf(world, pid);
  const startedAt = world.clock.now();
  await world.clock.sleep(WATCH_MS);
  const after = await readStat(world, pid);
  if (after === null || after.state === ZOMBIE) return null;
  const seconds = (world.clock.now() - startedAt) / 1_000;
  const folder = join(world.root, "proc", String(pid));
  const [command, children, files, limits, status] = await Promise.all([
    commandOf(world, pid),
    childrenOf(world, pid),
    entriesOf(join(folder, "fd")),
    linesOf(join(folder, "limits")),
    linesOf(join(folder, "status")),
  ]);
  const used = (after.ticks - before.ticks) / TICKS_PER_SECOND;
  const max = limits.map((line) => /^Max open files\s+(\d+)/.exec(line)?.[1]).find(Boolean);
  const resident = status.map((line) => /^VmRSS:\s+(\d+) kB/.exec(line)?.[1]).find(Boolean);
  return {
    pid,
    parentPid: before.parentPid,
    command,
    state: after.state,
    startedAt: await startOf(world, before.startTicks),
    spins: after.state === "R" && waitsBefore === (await waitsOf(world, pid)),
    processorShare: seconds === 0 ? null : used / seconds,
    openFiles: files.length === 0 ? null : files.length,
    openFilesMax: max === undefined ? null : Number(max),
    memoryBytes: resident === undefined ? null : Number(resident) * 1024,
    children,
  };
}

/** Processes that a process has begun; of its first thread, which begins workers. */
export async function childrenOf({ root }: DoctorWorld, pid: number): Promise<readonly number[]> {
  const path = join(root, "proc", String(pid), "task", String(pid), "children");
  const [text = ""] = await linesOf(path);
  return text.split(" ").filter(Boolean).map(Number);
}

/** How often the main thread has waited for something by its own choice. */
async function waitsOf({ root }: DoctorWorld, pid: number): Promise<string | null> {
  const lines = await linesOf(join(root, "proc", String(pid), "status"));
  return lines.find((line) => line.startsWith("voluntary_ctxt_switches:")) ?? null;
}

interface Stat {
  readonly state: string;
  readonly parentPid: number;
  readonly ticks: number;
  readonly startTicks: number;
}

async function readStat({ root }: DoctorWorld, pid: number): Promise<Stat | null> {
  const text = await readFile(join(root, "proc", String(pid), "stat"), "utf8").catch(() => null);
  if (text === null) return null;
  // The name in brackets may hold blanks and brackets of its own.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "?",
    parentPid: Number(fields[1]),
    ticks: Number(fields[11]) + Number(fields[12]),
    startTicks: Number(fields[19]),
  };
}

/** Milliseconds since 1970. */
async function startOf({ root, clock }: DoctorWorld, startTicks: number): Promise<number> {
  const [uptime = "0"] = await linesOf(join(root, "proc/uptime"));
  const upMs = Number(uptime.split(" ")[0]) * 1_000;
  return clock.wallNow() - upMs + (startTicks / TICKS_PER_SECOND) * 1_000;
}

export async function commandOf({ root }: DoctorWorld, pid: number): Promise<string> {
  const path = join(root, "proc", String(pid), "cmdline");
  const text = await readFile(path, "utf8").catch(() => "");
  return withoutCredentials(text.split("\0").join(" ").trim()).slice(0, COMMAND_CHARACTERS_MAX);
}

/** The memory limits of the cgroup of a process, and how often the kernel killed in it. */
export async function cgroupFacts(world: DoctorWorld, pid: number): Promise<CgroupFacts | null> {
  const lines = await linesOf(join(world.root, "proc", String(pid), "cgroup"));
  const unified = lines.map((line) => /^0::(.*)$/.exec(line)?.[1]).find(Boolean);
  const memory = lines.map((line) => /^\d+:memory:(.*)$/.exec(line)?.[1]).find(Boolean);
  if (unified !== undefined) {
    return readCgroup(join(world.root, "sys/fs/cgroup", unified), "memory.events", [
      "memory.current",
      "memory.max",
    ]);
  }
  if (memory === undefined) return null;
  return readCgroup(join(world.root, "sys/fs/cgroup/memory", memory), "memory.oom_control", [
    "memory.usage_in_bytes",
    "memory.limit_in_bytes",
  ]);
}

/** A limit this large is none. */
const UNLIMITED = 2 ** 60;

async function readCgroup(
  folder: string,
  events: string,
  [current, max]: readonly [string, string],
): Promise<CgroupFacts | null> {
  const lines = await linesOf(join(folder, events));
  if (lines.length === 0) return null;
  const kills = lines.map((line) => /^oom_kill (\d+)/.exec(line)?.[1]).find(Boolean);
  const number = async (name: string): Promise<number | null> => {
    const [text = ""] = await linesOf(join(folder, name));
    const value = Number(text);
    return text === "" || Number.isNaN(value) || value > UNLIMITED ? null : value;
  };
  return {
    oomKills: Number(kills ?? 0),
    memoryBytes: await number(current),
    memoryBytesMax: await number(max),
  };
}

const KILL = /Out of memory: Kill|oom-kill:|Memory cgroup out of memory/i;
const KILLS_MAX = 5;
/** Older kills belong to another outage. */
const KILL_AGE_MS = 60 * 60_000;

/** Lines about kills for memory of the last hour in the kernel's log, where it may be read. */
export async function kernelKills(world: DoctorWorld): Promise<readonly string[]> {
  const journal = ["-k", "-q", "--no-pager", "-n", "2000", "-o", "short-monotonic"];
  const text = (await world.run("journalctl", journal)) || (await world.run("dmesg", [])) || "";
  const [uptime = "0"] = await linesOf(join(world.root, "proc/uptime"));
  const upMs = Number(uptime.split(" ")[0]) * 1_000;
  return text
    .split("\n")
    .filter((line) => KILL.test(line))
    .filter((line) => upMs - Number(/^\[\s*([\d.]+)\]/.exec(line)?.[1] ?? 0) * 1_000 < KILL_AGE_MS)
    .slice(-KILLS_MAX);
}
