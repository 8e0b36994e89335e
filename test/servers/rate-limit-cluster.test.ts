/** Workers of node:cluster share a limit in the memory of their primary process. */
import { fileURLToPath } from "node:url";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { buildQuick } from "../tools/build-quick.mjs";
import { endProcesses, startProcess } from "./tools/processes.js";

const PRIMARY = fileURLToPath(new URL("./rate-limit-primary.mjs", import.meta.url));
const LONG_MS = 120_000;

afterEach(endProcesses);
beforeAll(buildQuick, LONG_MS);

async function run(mode: string): Promise<readonly { passed: number; up: string }[]> {
  const primary = startProcess(process.execPath, [PRIMARY, mode, "30"]);
  await primary.line("over");
  expect(await primary.ended).toBe(0);
  return primary.lines.flatMap((line) => {
    const [, passed, up = ""] = /^passed (\d+), up (\w+)$/.exec(line) ?? [];
    return passed === undefined ? [] : [{ passed: Number(passed), up }];
  });
}

describe("a limit of four workers", { timeout: LONG_MS }, () => {
  it.each(["exact", "leased"])("%s, is one limit", async (mode) => {
    const workers = await run(mode);
    expect(workers.map(({ up }) => up)).toEqual(Array(4).fill("true"));
    expect(workers.reduce((sum, { passed }) => sum + passed, 0)).toBe(40);
  });

  it("is divided where the primary process does not count", async () => {
    const workers = await run("without");
    expect(workers).toEqual(Array(4).fill({ passed: 10, up: "false" }));
  });
});
