/**
 * The short form of `npm run soak`: half a minute of mixed faults, and the minute after it in which
 * everything has to come to rest. Its verdicts are counts, so a busy machine changes none.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";

beforeAll(buildQuick, 120_000);

it("a short soak leaves nothing behind, and answers what can be answered", async () => {
  const script = fileURLToPath(new URL("run.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, "--short"], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, error] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, "exit");
  const lines = await out;
  expect(lines, await error).toContain("the process ended by itself");
  expect(lines).not.toContain("FAILED");
  expect(code, lines).toBe(0);
}, 300_000);
