/**
 * A primary of node:cluster that replaces its two workers, one after the other, as often as asked.
 *
 * Workers are those of examples/drain.mjs. It tells of each worker that has ended, and ends with
 * them when it is asked to stop.
 */
import cluster from "node:cluster";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const TURNS = Number(process.argv[2]);

cluster.setupPrimary({ exec: fileURLToPath(new URL("../../examples/drain.mjs", import.meta.url)) });
cluster.on("exit", (worker, code, signal) => {
  console.log(`worker ${worker.process.pid} ended with ${signal ?? code}`);
});

const start = async () => {
  const worker = cluster.fork();
  await once(worker, "listening");
  return worker;
};

let workers = [await start(), await start()];
console.log("ready");
await once(process, "SIGUSR2");
for (let turn = 0; turn < TURNS; turn += 1) {
  const replaced = [];
  for (const old of workers) {
    replaced.push(await start());
    old.process.kill("SIGTERM");
    await once(old, "exit");
  }
  workers = replaced;
}
console.log("replaced");
await once(process, "SIGTERM");
for (const worker of workers) worker.process.kill("SIGTERM");
