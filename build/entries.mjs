/**
 * What users import: each name of the package, and the source behind it.
 *
 * The build, the tests' aliases and the checks read it here. package.json has to repeat it, since
 * npm runs no code for it: `npm run surface` writes that part, and a test compares.
 */
export const ENTRIES = {
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
  nest: "src/adapters/nest.ts",
  fleet: "src/fleet/index.ts",
  "rate-limit": "src/rate-limit/index.ts",
  testing: "src/testing/index.ts",
};
export const CLI = "src/cli/main.ts";
/** What `explain` knows, as a script of its own for browsers. */
export const ENGINE = "src/cli/reference/engine.ts";

/** What is read as it is. */
const FILES = {
  "./options.schema.json": "./options.schema.json",
  "./package.json": "./package.json",
};

/** The parts of package.json that follow from the entries. */
export function manifestParts() {
  const names = Object.keys(ENTRIES);
  const exported = names.map((name) => [
    name === "index" ? "." : `./${name}`,
    {
      import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
      require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
    },
  ]);
  const typed = names.filter((name) => name !== "index");
  return {
    exports: { ...Object.fromEntries(exported), ...FILES },
    typesVersions: {
      "*": Object.fromEntries(typed.map((name) => [name, [`./dist/${name}.d.cts`]])),
    },
  };
}
