/**
 * One build for every entry and both module systems.
 *
 * Code that entries share is split into chunks in both formats, so that `good-gateway` and
 * `good-gateway/express` see the same modules, and a handle made by one is known to the other.
 * GOOD_GATEWAY_QUICK=1 leaves the type declarations out and keeps what is there: it is what
 * `npm start` and the tests need, in a second.
 */
import { defineConfig } from "tsup";

const quick = process.env["GOOD_GATEWAY_QUICK"] === "1";

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
    testing: "src/testing/index.ts",
    cli: "src/cli/main.ts",
  },
  format: ["esm", "cjs"],
  target: "node20",
  platform: "node",
  tsconfig: "tsconfig.build.json",
  splitting: true,
  sourcemap: true,
  dts: !quick,
  clean: !quick,
});
