/**
 * A proxy of the built package, with every policy on and nothing configured. Arguments behind the
 * origin say through which adapter (`express`, `fastify`, else `nodeProxy`), and what listens:
 * `metrics`, `log`, `dashboard`, `channels`.
 *
 * GOOD_GATEWAY_UPSTREAM holds options of the upstream as JSON, to switch a policy off.
 */
import { subscribe } from "node:diagnostics_channel";
import { fromDist, UPSTREAM_OPTIONS } from "./dist.mjs";
import { ORIGIN, serve, serveFastify } from "./serve.mjs";

const asked = process.argv.slice(3);
const { accessLog, createGateway, metricsHandler } = await fromDist("index.js");
const gateway = createGateway({ upstreams: { bench: { targets: [ORIGIN], ...UPSTREAM_OPTIONS } } });
const upstream = gateway.upstream("bench");
/** Those that every call makes. */
const EVENTS = ["attempt:end", "call:outcome", "call:end"];
const LISTENERS = {
  metrics: () => metricsHandler(gateway),
  // As it comes: lines of JSON to the standard output, which is a file here.
  log: () => accessLog(gateway),
  dashboard: async () => (await fromDist("dashboard.js")).dashboard(gateway),
  channels: () => EVENTS.map((name) => subscribe(`good-gateway:${name}`, () => {})),
};
for (const name of asked) await LISTENERS[name]?.();

if (asked.includes("express")) {
  const { default: express } = await import("express");
  const { expressProxy } = await fromDist("express.js");
  serve(express().use(expressProxy(upstream)));
} else if (asked.includes("fastify")) {
  const { fastifyProxy } = await fromDist("fastify.js");
  await serveFastify((app) => app.register(fastifyProxy, { upstream }));
} else {
  const { nodeProxy } = await fromDist("node.js");
  serve(nodeProxy(upstream));
}
