/**
 * The undici that the package itself uses, whatever version lies beside the peers of the bench.
 */
import { createRequire } from "node:module";

const fromPackage = createRequire(new URL("../../../package.json", import.meta.url));

export const { Agent, Pool, request, fetch } = fromPackage("undici");
