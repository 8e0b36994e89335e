/**
 * The binary of the package, as a shell starts it: it answers, reads a pipe, and ends with a code.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";

const PROCESSES_MS = 60_000;

beforeAll(async () => {
  if (process.env["GOOD_GATEWAY_BUILT"] === "1") return;
  const { buildQuick } = await import("../tools/build-quick.mjs");
  await buildQuick();
}, PROCESSES_MS);

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
}

function run(args: readonly string[], input = ""): Promise<Ended> {
  const manifest = createRequire(`${process.cwd()}/`).resolve("good-gateway/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
  const path = join(dirname(manifest), bin["good-gateway"] ?? "");
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [path, ...args], (_, stdout) =>
      resolve({ code: child.exitCode, stdout }),
    );
    child.stdin?.end(input);
  });
}

describe("the binary", () => {
  it("explains its argument", { timeout: PROCESSES_MS }, async () => {
    const { code, stdout } = await run(["explain", "UND_ERR_SOCKET"]);
    expect(code).toBe(0);
    expect(stdout).toContain("connection_terminated");
  });

  it("explains what comes through a pipe", { timeout: PROCESSES_MS }, async () => {
    const { code, stdout } = await run(["explain"], "HTTP/1.1 502\r\nServer: awselb/2.0\r\n");
    expect(code).toBe(0);
    expect(stdout).toContain("AWS ALB");
  });

  it("ends with 1 for what is not known, and with 2 for a wrong command", async () => {
    expect((await run(["explain", "frobnicate"])).code).toBe(1);
    expect((await run(["frobnicate"])).code).toBe(2);
  });
});
