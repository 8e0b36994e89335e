/**
 * Upstreams without traffic, in a process of their own: `workers/idle.mjs`.
 */
import { startScript } from "./processes.mjs";

/** Starts a gateway of so many upstreams; with "each" every one gets a request first. */
export function startUpstreams(origin, count, each, core = null) {
  return startScript({
    script: "workers/idle.mjs",
    args: [origin, String(count), ...each],
    core,
    execArgv: ["--expose-gc"],
  });
}

/** What the heap holds after a collection for each upstream, and for its proxy. */
export async function heapOfEach(origin, count, ...each) {
  const few = await heapOf(origin, 1, each);
  const many = await heapOf(origin, count, each);
  return (many - few) / (count - 1);
}

async function heapOf(origin, count, each) {
  const worker = await startUpstreams(origin, count, each);
  try {
    // What the start itself has left goes with the first collection, or with the second.
    await worker.ask("memory");
    const { memory } = await worker.ask("memory");
    return memory.heapUsed + memory.external;
  } finally {
    await worker.stop();
  }
}
