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

/** Needs modules that nothing has used, or changes something of the whole process. */
const OF_ITS_OWN = [
  // Subscribes to a diagnostics channel, which is of the process.
  "test/adapters/call-record.test.ts",
  "test/adapters/stand-ins.test.ts",
  ...(built
    ? []
    : [
        "test/unit/base/emitter.test.ts",
        "test/unit/core/request-context.test.ts",
        "test/unit/doors/hpm/hpm-untaken.test.ts",
      ]),
];
/** What `npm test` leaves to `npm run test:all`, beside the turns of test/doors/turns.ts. */
const LONGER =
  process.env["TESTS_ONCE"] === "1"
    ? ["test/{built,fuzz,hostile,network,servers,simulation,soak}/**", "test/bench-*"]
    : [];
/** Folders that a run leaves out; the option --exclude does not reach projects. */
const without = (process.env["TESTS_WITHOUT"] ?? "").split(",").filter((name) => name !== "");
const NEVER = [
  ...configDefaults.exclude,
  ...(built ? [] : ["test/built/{loaders,recipes}/**"]),
  ...LONGER,
  ...without.map((name) => `test/${name}/**`),
];

/** The files of a worker share their modules: loading them anew takes as long as the tests. */
const shared = {
  name: "shared",
  include: [built ? "test/adapters/**/*.test.ts" : "test/{adapters,pipe,unit}/**/*.test.ts"],
  exclude: [...NEVER, ...OF_ITS_OWN],
  isolate: false,
};
const alone = {
  name: "alone",
  include: [
    ...(built
      ? ["test/{gallery,doors,built}/**/*.test.ts"]
      : ["test/*.test.ts", "test/!(adapters|pipe|unit)/**/*.test.ts"]),
    ...OF_ITS_OWN,
  ],
  exclude: NEVER,
};

export default defineConfig({
  resolve: { alias: built ? [] : sourceAliases },
  test: {
    projects: [shared, alone].map((test) => ({ extends: true as const, test })),
    pool: "forks",
    // Tests wait for sockets more than they compute: three at once even on two cores.
    maxWorkers: Math.max(3, availableParallelism() - 1),
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
