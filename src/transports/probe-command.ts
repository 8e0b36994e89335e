/**
 * Runs a program that says by its exit code whether a target is well: 0 for yes.
 *
 * Guarantee: no shell reads the command; no more of them run at once than `PROBE.commandsMax`, and
 * the time in line is not counted against a program; when it is over or cut, what it started in its
 * process group is ended as well; it keeps no process alive.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";
import { PROBE } from "../catalog/defaults.js";
import type { Dialled } from "../targets/target.js";

const GROUPS = process.platform !== "win32";

/** Begins of those that wait. Each target has one at most. */
const line: (() => void)[] = [];
let running = 0;

/** Calls `begin` when a place is free; `leave` gives it back, or takes it out of the line. */
export function commandTurn(begin: () => void): { leave(): void } {
  let state: "waits" | "runs" | "left" = "waits";
  const start = (): void => {
    state = "runs";
    running += 1;
    begin();
  };
  const turn = {
    leave(): void {
      const was = state;
      state = "left";
      if (was === "waits") line.splice(line.indexOf(start), 1);
      if (was !== "runs") return;
      running -= 1;
      line.shift()?.();
    },
  };
  if (running < PROBE.commandsMax) start();
  else line.push(start);
  return turn;
}

export function runCommand(
  target: Dialled,
  [file = "", ...args]: readonly string[],
  settle: (wrong: string | null) => void,
): { destroy(): void } {
  const child = spawn(file, args, {
    // In a group of its own, which can be ended as a whole.
    detached: GROUPS,
    stdio: ["ignore", "pipe", "pipe"],
    windowsHide: true,
    env: { ...process.env, ...about(target) },
  });
  let output = "";
  child.unref();
  for (const stream of [child.stdout, child.stderr]) {
    (stream as unknown as Socket).unref();
    // What is too long is read on and dropped: a full pipe would stop the program.
    stream.on("data", (part: Buffer) => {
      if (output.length < PROBE.outputBytesMax) output += part.toString();
    });
  }
  child.once("error", ({ code, message }: NodeJS.ErrnoException) =>
    settle(`the command cannot be started: ${code ?? message}`),
  );
  child.once("exit", () => kill(child));
  child.once("close", (code, signal) => settle(wrongOf(code, signal, output)));
  return { destroy: () => kill(child) };
}

function wrongOf(code: number | null, signal: string | null, output: string): string | null {
  if (code === 0) return null;
  const [first = ""] = output.trim().split("\n", 1);
  const said = first === "" ? "" : `: ${first.slice(0, 200)}`;
  return `${code === null ? `ended by ${signal}` : `exit code ${code}`}${said}`;
}

/** What the program is to look at. */
function about({ id, hostname, port, socketPath }: Dialled): Readonly<Record<string, string>> {
  const where = { TARGET_URL: id, TARGET_HOST: hostname, TARGET_PORT: String(port) };
  return socketPath === null ? where : { ...where, TARGET_SOCKET: socketPath };
}

function kill(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  try {
    if (GROUPS) process.kill(-pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // It has ended, and all that it started.
  }
}
