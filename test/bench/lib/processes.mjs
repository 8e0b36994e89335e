/**
 * Processes of the bench: each in one of its own, on a core of its own where that can be had, told
 * over its channel to end, and asked of the kernel what it cost.
 */
import { fork, spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const READY_MS = 10_000;
const NANOSECONDS = 1e9;

/** A core for the proxy and one for all else; null where processes cannot be bound. */
export function chooseCores() {
  if (process.platform !== "linux" || availableParallelism() < 2) return null;
  const listed = spawnSync("taskset", ["-pc", String(process.pid)], { encoding: "utf8" });
  if (listed.status !== 0) return null;
  const cores = listed.stdout.slice(listed.stdout.indexOf(":") + 1).trim();
  const all = cores.split(",").flatMap(expandRange);
  return all.length < 2 ? null : { proxy: all[0], rest: all[1] };
}

function expandRange(range) {
  const [from, to = from] = range.split("-").map(Number);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The command that runs another one on this core. */
export function onCore(core, command, args) {
  return core === null ? [command, args] : ["taskset", ["-c", String(core), command, ...args]];
}

/** Starts a script and waits for its port. */
export async function startScript({ script, args, core, env = {}, execArgv = [] }) {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const [execPath, execFlags] = onCore(core, process.execPath, execArgv);
  const child = fork(path, args, {
    execPath,
    execArgv: execFlags,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const { port } = await firstMessage(child, script);
  return { child, pid: child.pid, url: `http://127.0.0.1:${port}`, stop: () => stop(child) };
}

function firstMessage(child, script) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => failed("did not start in time"), READY_MS);
    const failed = (why) => {
      clearTimeout(timer);
      child.kill();
      reject(new Error(`${script} ${why}`));
    };
    child.once("exit", (code) => failed(`ended with code ${code}`));
    child.once("error", (error) => failed(error.message));
    child.once("message", (message) => {
      clearTimeout(timer);
      child.removeAllListeners("exit");
      resolve(message);
    });
  });
}

/** Ends it by closing its channel, so that it can write a profile first. */
function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.disconnect();
  });
}

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
