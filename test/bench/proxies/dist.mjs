/**
 * The built package, or another build of it: GOOD_GATEWAY_DIST names the folder, to compare two of
 * them in one run.
 */
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const DIST =
  process.env.GOOD_GATEWAY_DIST ?? fileURLToPath(new URL("../../../dist", import.meta.url));

/** One entry of the build, such as "index.js". */
export const fromDist = (file) => import(pathToFileURL(resolve(DIST, file)).href);

/** What the parent sets for one upstream, as JSON; nothing unless it does. */
export const UPSTREAM_OPTIONS = JSON.parse(process.env.GOOD_GATEWAY_UPSTREAM ?? "{}", (_, value) =>
  value === "Infinity" ? Number.POSITIVE_INFINITY : value,
);
