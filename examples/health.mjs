/**
 * Probes in front of node:http: liveness, readiness, and a check of the application's own.
 *
 * `node examples/health.mjs`, then the line that it prints. `/toggle` breaks the queue and mends
 * it again: watch `/readyz` and `/healthz?verbose` follow, and `/livez` stay.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createGateway, healthHandler, startAdmin } from "good-gateway";

const gateway = createGateway({ name: "shop" });
gateway.on("health:change", ({ subject, check, from, to }) =>
  console.log(`${check ?? subject}: ${from ?? "unknown"} → ${to}`),
);

// Not ready until this has been called.
const started = gateway.health.hold("loading the catalogue");

// Stands for something that this process cannot do without, and no other process shares.
let queueWorks = true;
gateway.health.addCheck(
  "queue",
  () => {
    if (!queueWorks) throw new Error("the queue does not answer");
  },
  { intervalMs: 100, critical: true },
);

// For balancers, on the port of the application: no names, no texts.
const health = healthHandler(gateway);
const server = createServer((req, res) => health(req, res, () => application(req, res)));
server.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");

// For operators, on a port of its own: with details.
const admin = await startAdmin(gateway, { port: 0 });
console.log(`curl -i http://127.0.0.1:${server.address().port}/readyz`);
console.log(`details: curl "${admin.url}/healthz?verbose"`);
started();

function application(req, res) {
  if (req.url === "/toggle") queueWorks = !queueWorks;
  res.end(`the queue ${queueWorks ? "works" : "is broken"}\n`);
}

process.once("SIGTERM", async () => {
  // Readiness fails from here on; a balancer needs a moment to notice.
  await gateway.drain();
  server.close();
  gateway.close();
});
