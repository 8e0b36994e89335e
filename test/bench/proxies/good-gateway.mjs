/**
 * `nodeProxy` of the built package, with every policy on and nothing configured.
 *
 * GOOD_GATEWAY_DIST names the folder of another build, to compare two of them in one run.
 */
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ORIGIN, serve } from "./serve.mjs";

const DIST =
  process.env.GOOD_GATEWAY_DIST ?? fileURLToPath(new URL("../../../dist", import.meta.url));
const fromDist = (file) => import(pathToFileURL(resolve(DIST, file)).href);

const { createGateway } = await fromDist("index.js");
const { nodeProxy } = await fromDist("node.js");

const gateway = createGateway({ upstreams: { bench: { targets: [ORIGIN] } } });
serve(nodeProxy(gateway.upstream("bench")));
