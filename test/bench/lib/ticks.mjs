/**
 * What a full collection does to `process.nextTick`, in a process of its own: `workers/ticks.mjs`.
 */
import { startScript } from "./processes.mjs";

/** How many times as much a tick costs after it; with "gateway" in a process that has one. */
export async function tickGrowth(...args) {
  const worker = await startScript({
    script: "workers/ticks.mjs",
    args,
    execArgv: ["--expose-gc"],
  });
  await worker.stop();
  const { before, after } = worker.result;
  return after / before;
}
