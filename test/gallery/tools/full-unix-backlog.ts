/**
 * A Unix socket whose accept queue is full: a thread that listens and never accepts, and as many
 * connections as it takes until the system says EAGAIN.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";

const DEAF = `
  const { createServer } = require("node:net");
  const { parentPort, workerData } = require("node:worker_threads");
  createServer().listen({ path: workerData, backlog: 1 }, () => {
    parentPort.postMessage("listening");
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;
/** Systems round a backlog up; more than this means that it is never full. */
const FILLERS_MAX = 64;

export interface FullUnixBacklog {
  readonly origin: string;
  close(): Promise<void>;
}

export async function fullUnixBacklog(): Promise<FullUnixBacklog> {
  const folder = await mkdtemp(join(tmpdir(), "good-gateway-"));
  const path = join(folder, "full.sock");
  const worker = new Worker(DEAF, { eval: true, workerData: path });
  await once(worker, "message");
  const fillers: Socket[] = [];
  for (let full = false; !full && fillers.length < FILLERS_MAX; ) {
    const filler = connect({ path });
    fillers.push(filler);
    full = await new Promise<boolean>((resolve) => {
      filler.once("connect", () => resolve(false));
      filler.once("error", () => resolve(true));
    });
    filler.on("error", () => {});
  }
  return {
    origin: `unix:${path}`,
    async close() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
