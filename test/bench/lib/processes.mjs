/**
 * Processes of the bench: bound to a core where that can be had, and told over their channel to
 * end.
 */
import { fork, spawnSync } from "node:child_process";
import { closeSync, openSync, unlinkSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const READY_MS = 60_000;

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
  return core === null || core === undefined
    ? [command, args]
    : ["taskset", ["-c", String(core), command, ...args]];
}

/**
 * Starts a script and waits for what it says first: its port, or a result. What it prints goes to a
 * file that nobody sees.
 */
export async function startScript({ script, args = [], core, env = {}, execArgv = [] }) {
  const path = fileURLToPath(new URL(`../${script}`, import.meta.url));
  const [execPath, execFlags] = onCore(core, process.execPath, execArgv);
  const output = unnamedFile();
  const child = fork(path, args, {
    execPath,
    execArgv: execFlags,
    env: { ...process.env, ...env },
    stdio: ["ignore", output, "inherit", "ipc"],
  });
  closeSync(output);
  const said = await nextMessage(child, script);
  return {
    ...said,
    pids: [child.pid],
    url: `http://127.0.0.1:${said.port}`,
    ask: (question) => {
      const answered = nextMessage(child, script);
      child.send(question);
      return answered;
    },
    stop: () => stop(child),
  };
}

/** A true file, so that writing to it costs what it costs; it is gone with its last process. */
function unnamedFile() {
  const path = join(tmpdir(), `good-gateway-bench-${process.pid}-${performance.now()}.log`);
  const file = openSync(path, "wx");
  unlinkSync(path);
  return file;
}

/** Runs a script that tells one result, and ends it. */
export async function runScript(asked) {
  const { stop: end, result } = await startScript(asked);
  await end();
  return result;
}

function nextMessage(child, script) {
  return new Promise((resolve, reject) => {
    const settle = (act, value) => {
      clearTimeout(timer);
      for (const [event, listener] of Object.entries(listeners)) child.off(event, listener);
      act(value);
    };
    const failed = (why) => {
      child.kill();
      settle(reject, new Error(`${script} ${why}`));
    };
    const timer = setTimeout(() => failed("said nothing in time"), READY_MS);
    const listeners = {
      exit: (code) => failed(`ended with code ${code}`),
      error: (error) => failed(error.message),
      message: (message) => settle(resolve, message),
    };
    for (const [event, listener] of Object.entries(listeners)) child.on(event, listener);
  });
}

/** Ends it by closing its channel, so that it can write a profile first. */
function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", resolve);
    if (child.connected) child.disconnect();
  });
}
