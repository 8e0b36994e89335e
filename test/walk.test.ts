/**
 * The walk of one call in ARCHITECTURE.md names files that such a call really passes.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** A process of its own, which compiles the source. */
const WALK_MS = 60_000;
/** Of a call that fails first; the walk counts one that succeeds. */
const ON_FAILURE = ["src/core/classify.ts"];

it("the walk of one call passes the files that it names", { timeout: WALK_MS }, async () => {
  const page = readFileSync(`${ROOT}ARCHITECTURE.md`, "utf8");
  const [, section = ""] = /^## The walk of one call\n([\s\S]*?)^## /m.exec(page) ?? [];
  const named = [...section.matchAll(/`(src\/[\w/-]+\.ts)`/g)].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(15);
  const args = ["--import", "tsx", "test/tools/walk.ts", "--list", "nodeProxy"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT });
  const passed = new Set(
    [...stdout.matchAll(/^([\w/-]+\.ts): /gm)].map(([, path]) => `src/${path}`),
  );
  expect(named.filter((path) => !passed.has(path) && !ON_FAILURE.includes(path))).toEqual([]);
});
