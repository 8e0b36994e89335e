/** What tests of the doctor begin with: a built package, and a folder that others may read. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";

const BUILD_MS = 120_000;

/** Sets both up for a test file; the folder is known once its tests run, and removed after them. */
export function doctorFolder(name: string): () => string {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), `gg-${name}-`));
    chmodSync(folder, 0o755);
    if (process.env["GOOD_GATEWAY_BUILT"] === "1") return;
    const { buildQuick } = await import("../../tools/build-quick.mjs");
    await buildQuick();
  }, BUILD_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}
