/**
 * A primary of node:cluster whose workers share a limit, and ask for it as often as they are told.
 *
 * Each worker tells how many passed; the count is kept here, unless the argument is "without".
 */
import cluster from "node:cluster";
import { once } from "node:events";
import { createGateway } from "good-gateway";
import { clusterStore, rateLimit } from "good-gateway/rate-limit";

const [, , mode, times] = process.argv;

if (cluster.isPrimary) {
  if (mode !== "without") clusterStore();
  const workers = [0, 1, 2, 3].map(() => cluster.fork());
  await Promise.all(workers.map((worker) => once(worker, "message")));
  for (const worker of workers) worker.send("go");
  await Promise.all(workers.map((worker) => once(worker, "exit")));
  console.log("over");
} else {
  const gateway = createGateway({ name: "edge" });
  const count = mode === "without" ? "leased" : mode;
  const options = { name: "api", limit: 40, windowMs: 600_000, members: 4, count };
  const limit = rateLimit(gateway, { ...options, storeMs: 1_000, store: clusterStore() });
  process.send("ready");
  await once(process, "message");
  let passed = 0;
  for (let asked = 0; asked < Number(times); asked += 1) {
    if ((await limit.ask("key")).allowed) passed += 1;
  }
  console.log(`passed ${passed}, up ${limit.state().store.up}`);
  process.exit();
}
