/**
 * Processes that a test starts, reads line by line, and ends. Ports that were free a moment ago.
 *
 * Every process is remembered until it has ended; `endProcesses` ends those that a failed test left
 * behind, each by its own id.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export interface Process {
  readonly child: ChildProcess;
  /** What it has written so far, standard output and errors alike. */
  readonly lines: readonly string[];
  /** The first line with this text, when it is there; rejects when the process ends before. */
  line(text: string): Promise<string>;
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  /** Sends a signal, and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

const running = new Set<Process>();

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export function startProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions = {},
): Process {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, NODE_OPTIONS: "", ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  let over = false;
  const wake = (): void => {
    for (const look of [...waiting]) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      wake();
    });
  }
  const ended = once(child, "close").then(([code, signal]) => {
    over = true;
    running.delete(started);
    wake();
    return (code ?? signal) as number | string;
  });
  ended.catch(() => {});
  const started: Process = {
    child,
    lines,
    ended,
    line: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.find((one) => one.includes(text));
          if (found === undefined && !over) return;
          waiting.delete(look);
          if (found !== undefined) resolve(found);
          else reject(new Error(`${command} ended without "${text}":\n${lines.join("\n")}`));
        };
        waiting.add(look);
        look();
      }),
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return ended;
    },
  };
  running.add(started);
  return started;
}

/** For `afterEach`: what still runs is ended at once. */
export async function endProcesses(): Promise<void> {
  await Promise.all([...running].map((one) => one.stop("SIGKILL")));
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Below the ports that the kernel gives away, and far from each other. */
const QUIET = { from: 10_000, places: 300, apart: 60 } as const;

/** A port on which nobody listens, and with no other program of a test near it. */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = QUIET.from + randomInt(QUIET.places) * QUIET.apart;
    if (!(await takesConnections(port, "127.0.0.1"))) return port;
  }
}

/** How long a server may take to listen, on a machine that is busy with other tests. */
const LISTEN_MS_MAX = 15_000;
const LISTEN_POLL_MS = 20;

/** Waits until something takes connections on this port. */
export async function listening(
  port: number,
  host = "127.0.0.1",
  msMax = LISTEN_MS_MAX,
): Promise<void> {
  const from = performance.now();
  for (;;) {
    if (await takesConnections(port, host)) return;
    if (performance.now() - from > msMax) throw new Error(`nothing listens on ${port}`);
    await sleep(LISTEN_POLL_MS);
  }
}

function takesConnections(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}
