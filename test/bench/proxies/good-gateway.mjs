/**
 * `nodeProxy` of the built package, with every policy on and nothing configured. Arguments behind
 * the origin say what listens: `metrics`, `log`, `dashboard`, `channels`, `spans`.
 *
 * GOOD_GATEWAY_DIST names the folder of another build, to compare two of them in one run.
 */
import { subscribe } from "node:diagnostics_channel";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ORIGIN, serve } from "./serve.mjs";

const DIST =
  process.env.GOOD_GATEWAY_DIST ?? fileURLToPath(new URL("../../../dist", import.meta.url));
const fromDist = (file) => import(pathToFileURL(resolve(DIST, file)).href);

const { accessLog, createGateway, metricsHandler } = await fromDist("index.js");
const { nodeProxy } = await fromDist("node.js");

const gateway = createGateway({ upstreams: { bench: { targets: [ORIGIN] } } });
/** Those that every call makes. */
const EVENTS = ["attempt:end", "call:outcome", "call:end"];
const LISTENERS = {
  metrics: () => metricsHandler(gateway),
  // As it comes: lines of JSON to the standard output, which is a file here.
  log: () => accessLog(gateway),
  dashboard: async () => (await fromDist("dashboard.js")).dashboard(gateway),
  channels: () => EVENTS.map((name) => subscribe(`good-gateway:${name}`, () => {})),
};
for (const name of process.argv.slice(3)) await LISTENERS[name]();
serve(nodeProxy(gateway.upstream("bench")));
