/**
 * Builds dist without type declarations, and only when a source is newer than the last build.
 *
 * `npm start` and the tests that run the built package call it, several at once if need be: a
 * lock directory lets one build and the others wait. Nothing in dist is removed, so that a
 * process that runs from it is not disturbed; `npm run build` makes a clean one.
 */
import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { mkdir, readdir, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { buildCode } from "../../build/build.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** Names the checkout, so that two checkouts do not wait for each other. */
const LOCK = join(tmpdir(), `good-gateway-${createHash("sha256").update(ROOT).digest("hex")}`);
/** Far above the second or two that a build takes: a lock this old was left by a killed process. */
const LOCK_STALE_MS = 60_000;
const LOCK_POLL_MS = 50;
/** Written last, beside what it is translated from. */
const LAST = ["index.js", "index.cjs", "web.code.cjs", "cli.js", "browser/engine.js.gz"];

export async function buildQuick() {
  await takeLock();
  try {
    if (await isStale()) await buildCode();
  } finally {
    await rmdir(LOCK).catch(() => {});
  }
}

async function takeLock() {
  for (;;) {
    try {
      return await mkdir(LOCK);
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    const heldSince = (await stat(LOCK).catch(() => null))?.mtimeMs ?? Date.now();
    if (Date.now() - heldSince > LOCK_STALE_MS) await rmdir(LOCK).catch(() => {});
    await sleep(LOCK_POLL_MS);
  }
}

async function isStale() {
  const outputs = LAST.map((name) => join(ROOT, "dist", name));
  const builtAt = await Promise.all(outputs.map((path) => changedAt(path)));
  const settings = ["package.json", "tsconfig.json", "tsconfig.build.json"];
  const sources = (await Promise.all(["build", "src"].map(filesIn))).flat();
  const changed = await Promise.all(
    [...settings, ...sources].map((path) => changedAt(join(ROOT, path))),
  );
  return Math.max(...changed) >= Math.min(...builtAt);
}

async function filesIn(folder) {
  const names = await readdir(join(ROOT, folder), { recursive: true });
  return names.map((name) => join(folder, name));
}

/** Modification time, or 0 for a file that is not there. */
async function changedAt(path) {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}

const script = process.argv[1];
if (script && realpathSync(script) === fileURLToPath(import.meta.url)) await buildQuick();
