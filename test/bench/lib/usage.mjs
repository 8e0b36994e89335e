/**
 * What a process has cost, as the kernel counts it; a server of several processes is counted as
 * one.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const NANOSECONDS = 1e9;
const KIB = 1_024;

/** CPU seconds that all threads of these processes have used, user and system. */
export function cpuSeconds(pids) {
  return pids.reduce((sum, pid) => sum + (scheduledSeconds(pid) ?? accountedSeconds(pid)), 0);
}

/** In nanoseconds, where the kernel keeps them. */
function scheduledSeconds(pid) {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`);
    const spent = tasks.map((task) =>
      Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8").split(" ", 1)[0]),
    );
    return spent.reduce((sum, one) => sum + one, 0) / NANOSECONDS;
  } catch {
    return null;
  }
}

const TICKS_PER_SECOND = Number(
  spawnSync("getconf", ["CLK_TCK"], { encoding: "utf8" }).stdout || "100",
);

/** `utime` and `stime` of proc_pid_stat(5), in steps of a tick. */
function accountedSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name of the command stands in brackets and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The most memory that these processes have ever held, in bytes. */
export function peakBytes(pids) {
  return statusBytes(pids, "VmHWM");
}

/** The memory that these processes hold now, in bytes. */
export function residentBytes(pids) {
  return statusBytes(pids, "VmRSS");
}

function statusBytes(pids, field) {
  const line = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m");
  return pids.reduce((sum, pid) => {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return sum + Number(line.exec(status)?.[1] ?? Number.NaN) * KIB;
  }, 0);
}

/** The processes that this one has started, itself included. */
export function processTree(pid) {
  const started = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const children = started === "" ? [] : started.split(" ").map(Number);
  return [pid, ...children.flatMap(processTree)];
}
