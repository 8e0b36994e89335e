/**
 * One configuration for both runs of the tests.
 *
 * In the repository the package's own name means its source, so no build is needed. With
 * GOOD_GATEWAY_BUILT=1 there is no alias: the name resolves to the installed package, and only
 * the folders that speak to the package by name are run (a rule in test/tidy.test.ts), and with
 * them the tests that load the packed package with tools of others, which npm installs for them.
 */
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";
import { ENTRIES } from "./build/entries.mjs";

const built = process.env["GOOD_GATEWAY_BUILT"] === "1";
const sourceAliases = Object.entries(ENTRIES).map(([name, path]) => ({
  find: new RegExp(name === "index" ? "^good-gateway$" : `^good-gateway/${name}$`),
  replacement: fileURLToPath(new URL(path, import.meta.url)),
}));

export default defineConfig({
  resolve: { alias: built ? [] : sourceAliases },
  test: {
    include: built ? ["test/{gallery,adapters,doors,built}/**/*.test.ts"] : ["test/**/*.test.ts"],
    exclude: built
      ? configDefaults.exclude
      : [...configDefaults.exclude, "test/built/{loaders,recipes}/**"],
    pool: "forks",
    // Tests wait for sockets more than they compute: two at once even on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Real sockets on a loaded machine: a limit against hanging, not a measure of speed.
    testTimeout: 20_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    coverage: { include: ["src/**/*.ts"], reporter: ["text-summary", "html"] },
  },
});
