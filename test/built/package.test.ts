/**
 * What a user of the package meets before the first request: every entry loads in both module
 * systems and offers the same names, frameworks stay out of the root, and loading leaves nothing
 * behind that would keep a process alive.
 *
 * In the repository it builds first; with GOOD_GATEWAY_BUILT=1 it looks at the installed package.
 */
import { execFile } from "node:child_process";
import { type Dirent, readdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";

const HPM = "/http-proxy-middleware";
const PAGE = "/dashboard";
const ENTRIES = [
  "",
  "/express",
  "/fastify",
  "/node",
  "/fetch",
  HPM,
  "/undici",
  "/web",
  PAGE,
  "/testing",
] as const;
const BUILT = process.env["GOOD_GATEWAY_BUILT"] === "1";
/** Each test starts a few processes of Node, which take their time on a busy machine. */
const PROCESSES_MS = 60_000;

beforeAll(async () => {
  if (BUILT) return;
  const { buildQuick } = await import("../tools/build-quick.mjs");
  await buildQuick();
}, PROCESSES_MS);

describe.each(ENTRIES)("good-gateway%s", (entry) => {
  const name = `good-gateway${entry}`;

  it("offers the same names to import and to require", { timeout: PROCESSES_MS }, async () => {
    const [imported, required] = await Promise.all([
      printed(`import * as names from "${name}"; log(Object.keys(names));`),
      printed(`log(Object.keys(createRequire(cwd)("${name}")));`),
    ]);
    expect(imported.value).not.toEqual([]);
    expect(sorted(required.value)).toEqual(sorted(imported.value));
  });

  it("loads where require() takes CommonJS only", { timeout: PROCESSES_MS }, async () => {
    const body = `log(Object.keys(createRequire(cwd)("${name}")));`;
    const { value } = await printed(body, ["--no-experimental-require-module"]);
    expect(value).not.toEqual([]);
  });

  it("prints no warning and lets the process end", { timeout: PROCESSES_MS }, async () => {
    const imported = await printed(`import "${name}"; log([]);`);
    const required = await printed(`createRequire(cwd)("${name}"); log([]);`);
    expect(imported.stderr + required.stderr).toBe("");
  });
});

describe("good-gateway", () => {
  it("is one instance for import and require", { timeout: PROCESSES_MS }, async () => {
    const { value } = await printed(
      `import { createGateway } from "good-gateway"; import { nodeProxy } from "good-gateway/node";
      const require = createRequire(cwd);
      const same = (a, b) => String(a !== undefined && a === b);
      log([same(createGateway, require("good-gateway").createGateway),
        same(nodeProxy, require("good-gateway/node").nodeProxy)]);`,
    );
    expect(value).toEqual(["true", "true"]);
  });

  it("an adapter does not load what makes a gateway", { timeout: PROCESSES_MS }, async () => {
    const loaded = `Object.keys(require.cache).filter((path) => UNDICI.test(path))`;
    const prelude = `const UNDICI = /node_modules.undici./; const require = createRequire(cwd);`;
    const adapter = await printed(`import "good-gateway/node"; ${prelude} log(${loaded});`);
    const whole = await printed(`import "good-gateway"; ${prelude} log(${loaded});`);
    expect(adapter.value).toEqual([]);
    expect(whole.value).not.toEqual([]);
  });

  it.runIf(BUILT)("takes at most 3.5 MB when it is installed", () => {
    const root = dirname(createRequire(`${process.cwd()}/`).resolve("good-gateway/package.json"));
    const files = readdirSync(root, { recursive: true, withFileTypes: true });
    const sizes = files.filter((file) => file.isFile()).map((file) => statSync(pathOf(file)).size);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(3_500_000);
  });

  it("contains no package but those whose licences lie beside it", () => {
    const dist = dirname(createRequire(`${process.cwd()}/`).resolve("good-gateway"));
    const modules = readdirSync(dist).filter((name) => /\.c?js$/.test(name));
    const bundled = modules.flatMap((name) => packagesIn(readFileSync(join(dist, name), "utf8")));
    const licences = readFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), "utf8");
    const named = [...licences.matchAll(/^(\S+) \d+\.\d+\.\d+$/gm)].map(([, name]) => name);
    expect(named.toSorted()).toEqual([...new Set(bundled)].toSorted());
    expect(named).toContain("p-retry");
  });

  const FRAMEWORK = String.raw`/node_modules[\\/](express|fastify)[\\/]/`;
  const LOADED = `Object.keys(require.cache).filter((path) => ${FRAMEWORK}.test(path))`;

  it.each(["", "/node", "/fetch", HPM, "/undici", "/web", PAGE, "/testing"])(
    "good-gateway%s loads no framework",
    { timeout: PROCESSES_MS },
    async (entry) => {
      const name = `good-gateway${entry}`;
      const imported = await printed(
        `import "${name}"; const require = createRequire(cwd); log(${LOADED});`,
      );
      const required = await printed(
        `const require = createRequire(cwd); require("${name}"); log(${LOADED});`,
      );
      expect([imported.value, required.value]).toEqual([[], []]);
    },
  );

  it("the check for frameworks sees one that is loaded", { timeout: PROCESSES_MS }, async () => {
    const { value } = await printed(
      `import "fastify"; const require = createRequire(cwd); log(${LOADED});`,
    );
    expect(value).not.toEqual([]);
  });
});

function pathOf(file: Dirent): string {
  return join(file.parentPath, file.name);
}

/** Runs a module in a process of its own, in this folder; it says its result with `log`. */
async function printed(
  body: string,
  flags: readonly string[] = [],
): Promise<{ value: readonly string[]; stderr: string }> {
  const prelude = [
    `import { createRequire } from "node:module";`,
    `const cwd = process.cwd() + "/";`,
    `const log = (value) => process.stdout.write(JSON.stringify(value));`,
  ];
  const program = [...prelude, body].join("\n");
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [...flags, "--input-type=module", "--eval", program],
    { timeout: PROCESSES_MS, env: { ...process.env, NODE_OPTIONS: "" } },
  );
  return { value: JSON.parse(stdout) as readonly string[], stderr };
}

/** The build says in a comment where each part comes from. */
function packagesIn(module: string): readonly string[] {
  const parts = module.matchAll(/^\/\/ (?:\.\.\/)*node_modules\/((?:@[^/]+\/)?[^/]+)\//gm);
  return [...parts].flatMap(([, name]) => name ?? []);
}

function sorted(names: readonly string[]): readonly string[] {
  return names.filter((name) => name !== "default" && name !== "__esModule").toSorted();
}
