/**
 * A real PM2, in cluster mode, reloads its two instances under load: no request is lost.
 *
 * PM2 is large, and only this test needs it, so it is installed into a folder of the test's own.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { lostTotal, startLoad } from "./tools/load.js";
import {
  endProcesses,
  freePort,
  listening,
  type Process,
  startProcess,
} from "./tools/processes.js";
import { programPath } from "./tools/programs.js";

const VERSION = "7.0.3";
const EXAMPLE = new URL("../../examples/drain.mjs", import.meta.url).pathname;
/** An installation and a dozen processes take their time on a busy machine. */
const LONG_MS = 180_000;
const RELOADS = 4;

let folder = "";
let installed = false;

beforeAll(async () => {
  await buildQuick();
  folder = await mkdtemp(join(tmpdir(), "good-gateway-pm2-"));
  await writeFile(join(folder, "package.json"), "{}");
  const npm = startProcess(
    programPath("npm") as string,
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", `pm2@${VERSION}`],
    { cwd: folder },
  );
  installed = (await npm.ended) === 0;
  if (!installed && process.env["CI"] === "true") throw new Error(npm.lines.join("\n"));
}, LONG_MS);

afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
afterEach(endProcesses);

function pm2(...args: string[]): Process {
  const env = { PM2_HOME: join(folder, "home"), PM2_DISABLE_VERSION_CHECK: "true" };
  const program = join(folder, "node_modules/pm2/bin/pm2");
  return startProcess(process.execPath, [program, ...args], { cwd: folder, env });
}

async function pids(): Promise<readonly number[]> {
  const list = pm2("jlist");
  await list.ended;
  const json = list.lines.find((line) => line.startsWith("[{")) ?? "[]";
  return (JSON.parse(json) as { readonly pid: number }[]).map(({ pid }) => pid);
}

describe("PM2", { timeout: LONG_MS }, () => {
  it("reloads under constant load without a lost request", async ({ skip }) => {
    if (!installed) skip("PM2 could not be installed");
    const port = await freePort();
    const app = {
      name: "drain",
      script: EXAMPLE,
      exec_mode: "cluster",
      instances: 2,
      wait_ready: true,
      listen_timeout: 20_000,
      kill_timeout: 12_000,
      env: { PORT: String(port) },
    };
    await writeFile(
      join(folder, "ecosystem.config.cjs"),
      `module.exports = ${JSON.stringify({ apps: [app] })}`,
    );
    try {
      expect(await pm2("start", "ecosystem.config.cjs").ended).toBe(0);
      await listening(port);
      const seen = new Set(await pids());
      const load = startLoad({ ports: [port], workers: 8, pauseMs: 2 });
      for (let turn = 0; turn < RELOADS; turn += 1) {
        expect(await pm2("reload", "drain").ended).toBe(0);
        for (const pid of await pids()) seen.add(pid);
      }
      const losses = await load.stop();
      expect(Object.fromEntries(losses.lost)).toEqual({});
      expect(lostTotal(losses)).toBe(0);
      expect(losses.sent).toBeGreaterThan(500);
      expect(seen.size).toBe(2 * (RELOADS + 1));
      // PM2 writes the last exit down after its reload has ended.
      const log = await vi.waitFor(async () => {
        const text = await readFile(join(folder, "home/pm2.log"), "utf8");
        const exits = text.match(/exited with code \[0\]/g)?.length;
        expect(exits).toBeGreaterThanOrEqual(2 * RELOADS);
        return text;
      }, 10_000);
      expect(log).not.toMatch(/SIGKILL/);
    } finally {
      await pm2("kill").ended;
    }
  });
});
