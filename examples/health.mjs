/**
 * Health endpoints with node:http: liveness, readiness, and a check of the application.
 *
 * Run `node examples/health.mjs`, then the command that it prints. `/toggle` breaks the queue and
 * repairs it again: `/readyz` and `/healthz?verbose` change, `/livez` does not.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createGateway, healthHandler, startAdmin } from "good-gateway";

const gateway = createGateway({ name: "shop" });
gateway.on("health:change", ({ subject, check, from, to }) =>
  console.log(`${check ?? subject}: ${from ?? "unknown"} → ${to}`),
);

// Not ready until this is called.
const started = gateway.health.hold("loading the catalogue");

// In place of something that this process needs and shares with no other process.
let queueWorks = true;
gateway.health.addCheck(
  "queue",
  () => {
    if (!queueWorks) throw new Error("the queue does not answer");
  },
  { intervalMs: 100, critical: true },
);

// For load balancers, on the application's port: without details.
const health = healthHandler(gateway);
const server = createServer((req, res) => health(req, res, () => application(req, res)));
server.listen(process.env.PORT ?? 0, "127.0.0.1");
await once(server, "listening");

// For operators, on a separate port: with details.
const admin = await startAdmin(gateway, { port: 0 });
console.log(`curl -i http://127.0.0.1:${server.address().port}/readyz`);
console.log(`details: curl "${admin.url}/healthz?verbose"`);
started();

function application(req, res) {
  if (req.url === "/toggle") queueWorks = !queueWorks;
  res.end(`the queue ${queueWorks ? "works" : "is broken"}\n`);
}

process.once("SIGTERM", async () => {
  // From now on readiness fails; a load balancer needs a moment to notice.
  await gateway.drain();
  server.close();
  gateway.close();
});
