/**
 * A primary of node:cluster with four workers that are a fleet. It tells when all know the others,
 * kills one, starts another one, and tells it again.
 */
import cluster from "node:cluster";
import { createGateway } from "good-gateway";
import { clusterBus, fleet } from "good-gateway/fleet";

if (cluster.isPrimary) {
  clusterBus();
  const counts = new Map();
  let told = "all know 3 others";
  cluster.on("message", (worker, { others }) => {
    if (others === undefined) return;
    counts.set(worker.id, others);
    if (counts.size < 4 || [...counts.values()].some((count) => count !== 3)) return;
    console.log(told);
    if (told.endsWith("again")) return;
    told += " again";
    worker.process.kill("SIGKILL");
  });
  cluster.on("exit", (worker) => {
    counts.clear();
    console.log(`one was killed: ${worker.process.pid}`);
    cluster.fork();
  });
  for (let started = 0; started < 4; started += 1) cluster.fork();
} else {
  const gateway = createGateway({
    name: "edge",
    fleet: fleet({ name: "edge", bus: clusterBus() }),
  });
  setInterval(() => process.send({ others: gateway.snapshot().fleet.others.length }), 100);
}
