/**
 * The packed package in the tools that users load it with: jest in both module systems, ts-jest,
 * esbuild and webpack. Each runs the same program, which makes calls by proxy and by fetch.
 *
 * The tools are installed on demand, so these tests run with GOOD_GATEWAY_BUILT=1 only.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, WANTED } from "./program.mjs";
import { entriesOfPackage, INSTALL_MS, newProject, type Project, TOOL_MS } from "./toolbox.js";

const PROGRAM = readFileSync(new URL("./program.mjs", import.meta.url), "utf8");
const TYPESCRIPT = { typescript: "5.9.3", "@types/node": "20.19.43" };
const TS_JEST = { "ts-jest": "29.4.15", ...TYPESCRIPT };

it("the program does what it says", async () => {
  expect(await run()).toEqual(WANTED);
});

describe.each([
  ["jest 29", { jest: "29.7.0", "@types/jest": "29.5.14", ...TS_JEST }],
  ["jest 30", { jest: "30.5.2", "@types/jest": "30.0.0", ...TS_JEST }],
])("%s", (_, tools) => {
  let project: Project;
  beforeAll(async () => {
    project = await newProject(tools);
  }, INSTALL_MS);
  afterAll(() => project.remove());

  const jest = (config: object, options = ""): Promise<string> => {
    const args = ["node_modules/jest/bin/jest.js", "--ci", "--config", JSON.stringify(config)];
    return project.node(args, options);
  };

  it("loads every entry with require, and runs the program", { timeout: TOOL_MS }, async () => {
    project.write("required/program.js", asCommonJs(PROGRAM));
    const needs = `const { run, WANTED } = require("./program.js");`;
    project.write("required/all.test.js", testOf(needs, "require"));
    await jest({ rootDir: "required" });
  });

  it("loads every entry with import, and runs the program", { timeout: TOOL_MS }, async () => {
    project.write("imported/program.mjs", PROGRAM);
    const needs = `import { run, WANTED } from "./program.mjs";`;
    project.write("imported/all.test.mjs", testOf(needs, "import"));
    const config = { rootDir: "imported", testMatch: ["**/*.test.mjs"], transform: {} };
    await jest(config, "--experimental-vm-modules");
  });

  it("finds the types by ts-jest, and calls through it", { timeout: TOOL_MS }, async () => {
    project.write("typed/all.test.ts", TYPED_TEST);
    const compiler = {
      strict: true,
      target: "es2022",
      module: "commonjs",
      types: ["node", "jest"],
    };
    const transform = {
      "\\.ts$": ["ts-jest", { tsconfig: { ...compiler, esModuleInterop: true } }],
    };
    await jest({ rootDir: "typed", transform });
  });
});

describe("bundlers", () => {
  let project: Project;
  beforeAll(async () => {
    project = await newProject({ esbuild: "0.28.2", webpack: "5.113.0" });
    project.write("program.mjs", PROGRAM);
    const prints = `run().then((got) => process.stdout.write(JSON.stringify(got)));`;
    project.write("main.mjs", `import { run } from "./program.mjs";\n${prints}\n`);
  }, INSTALL_MS);
  afterAll(() => project.remove());

  it.each([
    ["esm", "main.out.mjs"],
    ["cjs", "main.out.cjs"],
  ])("esbuild makes one %s file that runs by itself", { timeout: TOOL_MS }, async (format, out) => {
    // What a bundle of CommonJS modules needs in an ES module, says esbuild: a `require`.
    const needs = [
      `import { createRequire } from "node:module";`,
      "const require = createRequire(import.meta.url);",
    ].join("");
    const banner = format === "esm" ? { js: needs } : {};
    const asked = { bundle: true, platform: "node", format, banner, outfile: `alone/${out}` };
    const options = JSON.stringify({ ...asked, entryPoints: ["main.mjs"] });
    await project.node(["--eval", `require("esbuild").buildSync(${options})`]);
    expect(JSON.parse(await project.node([`alone/${out}`]))).toEqual(WANTED);
  });

  it("webpack makes a bundle that runs", { timeout: TOOL_MS }, async () => {
    project.write("pack.cjs", WEBPACK);
    expect(await project.node(["pack.cjs"])).toBe("");
    expect(JSON.parse(await project.node([join("packed", "main.js")]))).toEqual(WANTED);
  });
});

/** A test file for jest: every entry offers names, and the program does what it says. */
function testOf(needs: string, by: "require" | "import"): string {
  const load = by === "require" ? "require(entry)" : "await import(entry)";
  return `${needs}
test.each(${JSON.stringify(entriesOfPackage())})("%s", async (entry) => {
  expect(Object.keys(${load})).not.toEqual([]);
});
test("the program", async () => {
  expect(await run()).toEqual(WANTED);
});
`;
}

function asCommonJs(text: string): string {
  const required = text
    .replace(/^import (\{.*\}) from (".*");$/gm, "const $1 = require($2);")
    .replace(/^export (?=async function|const)/gm, "");
  return `${required}\nmodule.exports = { run, WANTED };\n`;
}

const TYPED_TEST = `
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createGateway, type FailureCode, type Gateway } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";

test("a connection that is closed unanswered has its name", async () => {
  const wanted: FailureCode = "connection_terminated";
  // @ts-expect-error No failure has this name: the types are those of the package.
  const wrong: FailureCode = "no_such_failure";
  const server = createServer((request) => void request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const targets = "http://127.0.0.1:" + (server.address() as AddressInfo).port;
  const gateway: Gateway = createGateway({ upstreams: { api: { targets } } });
  const asked = gatewayFetch(gateway.upstream("api"))("/", { method: "POST" });
  const error = await asked.catch((thrown: unknown) => thrown);
  gateway.close();
  server.close();
  expect((error as { code: string }).code).toBe(wanted);
  expect(wrong).not.toBe(wanted);
});
`;

const WEBPACK = `
const webpack = require("webpack");
const output = { path: __dirname + "/packed", filename: "main.js" };
// To make it small takes minutes on a busy machine, and is another tool's work.
const optimization = { minimize: false };
const options = { mode: "production", target: "node", entry: "./main.mjs", output, optimization };
webpack({ ...options, performance: false }, (error, stats) => {
  if (error) throw error;
  if (!stats.hasErrors() && !stats.hasWarnings()) return;
  process.stderr.write(stats.toString());
  process.exitCode = 1;
});
`;
