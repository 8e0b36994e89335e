/**
 * Writes the package.json of a project that tests the packed package: `node built-manifest.mjs
 * <tarball>`, in a folder that holds a copy of ours.
 *
 * The project depends on the tarball and on what the tests themselves import. The dependencies of
 * the package are chosen by npm, which takes the newest that the ranges allow.
 */
import { readFileSync, writeFileSync } from "node:fs";

const TEST_PACKAGES = ["express", "express4", "fast-check", "fastify", "vitest"];

const { devDependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const dependencies = Object.fromEntries(TEST_PACKAGES.map((name) => [name, devDependencies[name]]));
const manifest = {
  name: "good-gateway-built-tests",
  private: true,
  type: "module",
  dependencies: { ...dependencies, "good-gateway": `file:${process.argv[2]}` },
};
writeFileSync("package.json", `${JSON.stringify(manifest, null, 2)}\n`);
