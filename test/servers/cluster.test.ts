/** node:cluster: workers that are replaced under load lose no request, and end by themselves. */
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { startLoad } from "./tools/load.js";
import { endProcesses, freePort, startProcess } from "./tools/processes.js";

const PRIMARY = fileURLToPath(new URL("./cluster-primary.mjs", import.meta.url));
const LONG_MS = 120_000;
const TURNS = 4;

afterEach(endProcesses);
beforeAll(buildQuick, LONG_MS);

describe("node:cluster", { timeout: LONG_MS }, () => {
  it("replaces its workers under constant load without a lost request", async () => {
    const port = await freePort();
    const primary = startProcess(process.execPath, [PRIMARY, String(TURNS)], {
      env: { PORT: String(port) },
    });
    await primary.line("ready");
    const load = startLoad({ ports: [port], workers: 8, pauseMs: 2 });
    primary.child.kill("SIGUSR2");
    await primary.line("replaced");
    const losses = await load.stop();
    expect(Object.fromEntries(losses.lost)).toEqual({});
    expect(losses.sent).toBeGreaterThan(100);
    expect(await primary.stop()).toBe(0);
    const ends = primary.lines.filter((line) => line.startsWith("worker "));
    expect(ends.filter((line) => line.endsWith("ended with 0"))).toHaveLength(2 * TURNS + 2);
  });
});
