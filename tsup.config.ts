/**
 * One build for every entry and both module systems.
 *
 * Code that entries share is split into chunks in both formats, so that `good-gateway` and
 * `good-gateway/express` see the same modules, and a handle made by one is known to the other.
 * GOOD_GATEWAY_QUICK=1 leaves the type declarations out and keeps what is there: it is what
 * `npm start` and the tests need, in a second.
 *
 * p-retry is an ES module only, which `require()` cannot load in jest nor in a Node without that
 * feature. It is part of the build in both formats, and its licence lies beside it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { defineConfig } from "tsup";

const quick = process.env["GOOD_GATEWAY_QUICK"] === "1";
const BUNDLED = ["p-retry", "is-network-error"];

/** Their licences ask to be kept with every copy. */
function writeLicences(): void {
  const licences = BUNDLED.map((name) => {
    const folder = new URL(`node_modules/${name}/`, import.meta.url);
    const { version } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
    return `${name} ${version}\n\n${readFileSync(new URL("license", folder), "utf8").trim()}\n`;
  });
  const head = "good-gateway contains the following packages.\n";
  writeFileSync("dist/THIRD-PARTY-LICENSES.txt", [head, ...licences].join("\n----\n\n"));
}

export default defineConfig({
  entry: {
    index: "src/index.ts",
    express: "src/adapters/express.ts",
    fastify: "src/adapters/fastify.ts",
    node: "src/adapters/node.ts",
    fetch: "src/adapters/fetch.ts",
    "http-proxy-middleware": "src/adapters/http-proxy-middleware.ts",
    opentelemetry: "src/telemetry/opentelemetry.ts",
    dashboard: "src/dashboard/dashboard.ts",
    undici: "src/adapters/undici.ts",
    web: "src/adapters/web.ts",
    testing: "src/testing/index.ts",
    cli: "src/cli/main.ts",
  },
  format: ["esm", "cjs"],
  target: "node20",
  platform: "node",
  tsconfig: "tsconfig.build.json",
  splitting: true,
  sourcemap: true,
  noExternal: BUNDLED,
  onSuccess: async () => writeLicences(),
  dts: !quick,
  clean: !quick,
});
