/**
 * What a process has cost, as the kernel counts it.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const NANOSECONDS = 1e9;

/** CPU seconds that all threads of a process have used, user and system. */
export function cpuSeconds(pid) {
  return scheduledSeconds(pid) ?? accountedSeconds(pid);
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

/** The most memory that a process has ever held, in bytes. */
export function peakBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}
