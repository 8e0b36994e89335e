/**
 * The gateway's own machine in trouble: no files, no ports, a local filter that refuses.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SETTLE_MS = 300;
const FILES = 400;
const PORTS = { from: 40_000, to: 40_007 } as const;

/** Lets a number of further files be opened, and no more; resolves with what undoes that. */
export async function leaveFiles(count: number): Promise<() => Promise<void>> {
  // A shell that is there before: none could be started afterwards.
  const shell = spawn("sh", [], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  const limit = async (files: number | string): Promise<void> => {
    shell.stdin.write(`prlimit --pid ${process.pid} --nofile=${files}: && echo\n`);
    await lines.next();
  };
  // What is still closing would leave more than that.
  await sleep(SETTLE_MS);
  await limit(FILES);
  const opened: number[] = [];
  try {
    for (;;) opened.push(openSync("/dev/null", "r"));
  } catch {
    for (const file of opened.splice(-count, count)) closeSync(file);
  }
  return async () => {
    for (const file of opened) closeSync(file);
    await limit(4_096);
    shell.stdin.end();
    await once(shell, "close");
  };
}

/** Takes all local ports towards an address; what it returns gives them back. */
export async function takePorts(host: string, port: number): Promise<() => void> {
  execFileSync("sysctl", ["-qw", `net.ipv4.ip_local_port_range=${PORTS.from} ${PORTS.to}`]);
  const taken: Socket[] = [];
  for (let free = true; free; ) {
    const socket = connect({ host, port });
    taken.push(socket);
    free = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    });
    socket.on("error", () => {});
  }
  return () => {
    for (const socket of taken) socket.destroy();
  };
}

/** Connections of this process to 10.NET.1.x fail with EPERM; returns what undoes that. */
export function refuse(net: number): () => void {
  const folder = mkdtempSync(join(tmpdir(), "lab-cgroup-"));
  execFileSync("mount", ["-t", "cgroup2", "none", folder]);
  const script = fileURLToPath(new URL("filter.py", import.meta.url));
  execFileSync("python3", [script, `${process.pid}`, folder, `${net}`]);
  return () => {
    writeFileSync(join(folder, "cgroup.procs"), `${process.pid}`);
    rmdirSync(join(folder, `lab-${process.pid}`));
  };
}
