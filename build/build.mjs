/**
 * Makes dist, the code here and the type declarations by tsup: `node build/build.mjs`.
 *
 * All of it is CommonJS; for each entry two small files, one of each kind, pass its names on. So
 * `import` and `require()` share one instance and one copy of the code, and a handle made by
 * `good-gateway` is known to `good-gateway/express` in either. The command line is an ES module.
 * Nothing in dist is removed, so that a process that runs from it is not disturbed.
 *
 * Packages in BUNDLED are part of the build, and their licences lie beside it.
 */
import { realpathSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { build as declareTypes } from "tsup";
import { minify, passedOn, toCommonJs } from "./common-js.mjs";
import { CLI, ENGINE, ENTRIES } from "./entries.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
/**
 * p-retry is an ES module only, which `require()` cannot load in jest. Of path-to-regexp an
 * application may have any version for its own router, and the patterns of `routes` are those of
 * version 8. Loading opossum from files of its own takes longer than reading it here. yaml is
 * loaded when the command line reads a file of that kind.
 */
const BUNDLED = [
  ...["p-retry", "is-network-error", "path-to-regexp", "opossum", "yaml"],
  "http-cache-semantics",
];
const COMMON = {
  ...{ absWorkingDir: ROOT, bundle: true, write: false, legalComments: "none" },
  tsconfig: "tsconfig.build.json",
};

export async function buildCode() {
  const { dependencies, peerDependencies } = await manifest();
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: { ...ENTRIES, cli: CLI },
    ...{ outdir: DIST, format: "esm", splitting: true, platform: "node", target: "node20" },
    external: [...Object.keys(dependencies), ...Object.keys(peerDependencies), UNDICI],
    // Modules in place of the CommonJS that Node gets, so that what is not used is left out.
    alias: { yaml: join(ROOT, "node_modules/yaml/browser/index.js") },
    plugins: [BUILT_IN, REAL_UNDICI],
  });
  const modules = new Map(outputFiles.map(({ path, text }) => [path.slice(DIST.length + 1), text]));
  const shared = reached(
    modules,
    Object.keys(ENTRIES).map((name) => `${name}.js`),
  );
  for (const [path, text] of modules) {
    const name = path.slice(0, -".js".length);
    const code = name in ENTRIES ? `${name}.code.cjs` : `${name}.cjs`;
    if (shared.has(path)) await write(code, await toCommonJs(text));
    else await write(path, await minify(importing(text, shared), text));
    if (!(name in ENTRIES)) continue;
    for (const [file, passing] of Object.entries(passedOn(name, code, text)))
      await write(file, passing);
  }
  await writeEngine();
  await writeLicences();
}

/** Declared for `require()`; those for `import` pass them on, as the code does. */
async function buildTypes() {
  await declareTypes({
    ...{ config: false, silent: true, entry: ENTRIES, outDir: DIST, format: ["cjs"] },
    ...{ dts: { only: true }, platform: "node", target: "node20", tsconfig: COMMON.tsconfig },
  });
  for (const name of Object.keys(ENTRIES))
    await write(`${name}.d.ts`, `export * from "./${name}.cjs";\n`);
}

/** `require("events")` inside a bundled package, without a `require` that esbuild would wrap. */
const BUILT_IN = {
  name: "built-in",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === "require-call" && isBuiltin(path) ? { path, namespace: "built-in" } : undefined,
    );
    onLoad({ filter: /./, namespace: "built-in" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule("${path}");`,
    }));
  },
};

/** By the name alone Bun loads a module of its own, which has no connections. */
const UNDICI = "undici/index.js";
const REAL_UNDICI = {
  name: "undici",
  setup({ onResolve }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: UNDICI, external: true }));
  },
};

/** The modules that these import, and they themselves. */
function reached(modules, names) {
  const found = new Set(names);
  // A set takes what is added while it is walked.
  for (const name of found)
    for (const [, other] of modules.get(name).matchAll(/^.*\bfrom "\.\/([\w-]+\.js)";$/gm))
      found.add(other);
  return found;
}

function importing(text, shared) {
  return text.replace(/"\.\/([\w-]+)\.js"/g, (whole, name) =>
    shared.has(`${name}.js`) ? `"./${name}.cjs"` : whole,
  );
}

async function writeEngine() {
  const { outputFiles } = await build({
    ...COMMON,
    entryPoints: [ENGINE],
    outfile: join(DIST, "browser/engine.js"),
    ...{ minify: true, format: "iife", platform: "browser", target: "es2022" },
  });
  await write("browser/engine.js.gz", gzipSync(outputFiles[0].text));
}

/** Their licences ask to be kept with every copy. */
async function writeLicences() {
  const licences = BUNDLED.map(async (name) => {
    const folder = join(ROOT, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
    return `${name} ${version}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
  });
  const head = "good-gateway contains the following packages, bundled and without comments.\n";
  const text = [head, ...(await Promise.all(licences))].join("\n----\n\n");
  await write("THIRD-PARTY-LICENSES.txt", text);
}

async function manifest() {
  return JSON.parse(await readFile(join(ROOT, "package.json"), "utf8"));
}

/** Whole or not at all: others may load it at this moment. */
async function write(name, text) {
  const path = join(DIST, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

const script = process.argv[1];
if (script && realpathSync(script) === fileURLToPath(import.meta.url)) {
  await rm(DIST, { recursive: true, force: true });
  await Promise.all([buildCode(), buildTypes()]);
}
