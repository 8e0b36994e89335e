/**
 * `nodeProxy` of the built package, with every policy on and nothing configured. Arguments behind
 * the origin say what listens: `metrics`, `log`, `events`.
 *
 * GOOD_GATEWAY_DIST names the folder of another build, to compare two of them in one run.
 */
import { openSync, writeSync } from "node:fs";
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
const listening = new Set(process.argv.slice(3));
if (listening.has("metrics")) metricsHandler(gateway);
if (listening.has("log")) accessLog(gateway, { write: buffered(64 * 1024) });
if (listening.has("events")) {
  for (const name of EVENTS) gateway.on(name, () => {});
}
serve(nodeProxy(gateway.upstream("bench")));

/** Writes lines as loggers do, many at once; to nowhere, since a disk is not what is measured. */
function buffered(bytes) {
  const file = openSync("/dev/null", "w");
  let text = "";
  return (line) => {
    text += `${line}\n`;
    if (text.length < bytes) return;
    writeSync(file, text);
    text = "";
  };
}
