/**
 * One build for every entry and both module systems.
 *
 * Code that entries share is split into chunks, so that `good-gateway` and `good-gateway/express`
 * see the same modules, and a handle made by one is known to the other. The CommonJS modules are
 * translated from the ES modules, file by file, so both run the same code.
 * GOOD_GATEWAY_QUICK=1 leaves the type declarations out and keeps what is there: it is what
 * `npm start` and the tests need, in a second.
 *
 * p-retry is an ES module only, which `require()` cannot load in jest nor in a Node without that
 * feature. It is part of the build in both formats, and its licence lies beside it. So is
 * path-to-regexp, since an application may have any of its versions for its own router, and the
 * patterns of `routes` are those of version 8; and yaml, as a minified chunk that the command line
 * loads when it reads a file of that kind.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { defineConfig, type Options } from "tsup";

const quick = process.env["GOOD_GATEWAY_QUICK"] === "1";
const BUNDLED = ["p-retry", "is-network-error", "path-to-regexp", "yaml"];
/** Modules in place of the CommonJS that Node gets, so that what is not used is left out. */
const YAML = fileURLToPath(new URL("node_modules/yaml/browser/index.js", import.meta.url));

const TRANSLATED = { format: "cjs", platform: "node", target: "node20" } as const;

/** Its chunk is named after the file in YAML, and says whose it is, as unminified ones do. */
async function minifyYaml(): Promise<void> {
  const options = { minify: true, banner: "// node_modules/yaml/browser/index.js" };
  for (const name of readdirSync("dist").filter((one) => /^browser-\w+\.js$/.test(one))) {
    const { code } = await transform(readFileSync(`dist/${name}`, "utf8"), options);
    writeFileSync(`dist/${name}`, code);
  }
}

/** Their licences ask to be kept with every copy. */
function writeLicences(): void {
  const licences = BUNDLED.map((name) => {
    const folder = new URL(`node_modules/${name}/`, import.meta.url);
    const { version } = JSON.parse(readFileSync(new URL("package.json", folder), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one)) ?? "LICENSE";
    return `${name} ${version}\n\n${readFileSync(new URL(file, folder), "utf8").trim()}\n`;
  });
  const head = "good-gateway contains the following packages.\n";
  writeFileSync("dist/THIRD-PARTY-LICENSES.txt", [head, ...licences].join("\n----\n\n"));
}

/** What `explain` knows as one script for browsers, which `good-gateway reference` writes out. */
async function writeBrowserEngine(): Promise<void> {
  await build({
    entryPoints: [ENGINE],
    outfile: "dist/browser/engine.js",
    ...{ bundle: true, minify: true, format: "iife", platform: "browser", target: "es2022" },
    legalComments: "none",
    tsconfig: "tsconfig.build.json",
  });
}

/** Writes `name.cjs` beside each `name.js` that an entry for `require()` reaches. */
async function writeCommonJs(): Promise<void> {
  const written = new Set(Object.keys(ENTRIES).map((name) => `${name}.js`));
  // A set takes what is added while it is walked.
  for (const name of written) {
    const source = readFileSync(`dist/${name}`, "utf8");
    const { code } = await transform(source, { ...TRANSLATED, banner: '"use strict";' });
    const required = code.replace(/(require\("\.\/[\w-]+)\.js"\)/g, '$1.cjs")');
    writeFileSync(`dist/${name.slice(0, -3)}.cjs`, required);
    for (const [chunk] of source.matchAll(/\bchunk-\w+\.js(?="[;\n])/g)) written.add(chunk);
  }
}

/** What users import. */
export const ENTRIES: Readonly<Record<string, string>> = {
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
};
export const CLI = "src/cli/main.ts";
/** A script of its own for browsers. */
export const ENGINE = "src/cli/reference/engine.ts";
const COMMON = { target: "node20", platform: "node", tsconfig: "tsconfig.build.json" } as const;

const code: Options = {
  ...COMMON,
  entry: { ...ENTRIES, cli: CLI },
  format: ["esm"],
  splitting: true,
  noExternal: BUNDLED,
  esbuildOptions(options) {
    options.alias = { yaml: YAML };
  },
  clean: !quick,
  onSuccess: async () => {
    writeLicences();
    await writeBrowserEngine();
    await minifyYaml();
    await writeCommonJs();
  },
};

const types: Options = {
  ...COMMON,
  entry: { ...ENTRIES },
  format: ["esm", "cjs"],
  dts: { only: true },
};

export default defineConfig(quick ? code : [code, types]);
