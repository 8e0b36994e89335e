/**
 * The public surface is a file in the repository, so that every change of it is seen in a review.
 *
 * `npm run surface` writes test/surface.txt anew, and the entries in package.json; the difference
 * belongs into the same commit and, where a name went away or changed its kind, into the changelog.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ENTRIES, manifestParts } from "../build/entries.mjs";
import manifest from "../package.json" with { type: "json" };
import { publicSurface } from "./tools/public-surface.js";
import { ROOT } from "./tools/source-files.js";

const SURFACE = `${ROOT}test/surface.txt`;
/** A program of the type checker over the whole source takes seconds on a busy machine. */
const CHECKER_MS = 60_000;

describe("public surface", () => {
  it("the exported names of every entry are those of surface.txt", { timeout: CHECKER_MS }, () => {
    const surface = `${publicSurface(ENTRIES).join("\n")}\n`;
    if (process.env["UPDATE_SURFACE"] === "1") writeFileSync(SURFACE, surface);
    const promised = readFileSync(SURFACE, "utf8");
    expect(surface, "run `npm run surface` if the change is meant").toBe(promised);
  });

  it("no export is of an unknown kind, and every entry exports something", () => {
    const promised = readFileSync(SURFACE, "utf8").trimEnd().split("\n");
    const entries = new Set(promised.map((line) => line.slice(0, line.indexOf(":"))));
    expect([...entries].sort()).toEqual(Object.keys(ENTRIES).sort());
    expect(promised.filter((line) => line.endsWith(" unknown"))).toEqual([]);
  });

  it("the binary is the command line that is built", () => {
    expect(manifest.bin).toEqual({ "good-gateway": "./dist/cli.js" });
  });

  it("package.json exports what is built, in both module systems", () => {
    const { exports, typesVersions } = manifestParts();
    if (process.env["UPDATE_SURFACE"] === "1") {
      const written = { ...manifest, exports, typesVersions };
      writeFileSync(`${ROOT}package.json`, `${JSON.stringify(written, null, 2)}\n`);
    }
    const hint = "run `npm run surface` if the change is meant";
    expect(manifest.exports, hint).toEqual(exports);
    expect(manifest.typesVersions, hint).toEqual(typesVersions);
  });
});
