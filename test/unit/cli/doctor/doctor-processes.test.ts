import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { processFacts } from "../../../../src/cli/doctor/local/processes.js";
import type { DoctorWorld } from "../../../../src/cli/doctor/world/world.js";

const PID = 4711;
let root: string | null = null;

afterEach(async () => {
  if (root !== null) await rm(root, { recursive: true });
  root = null;
});

/** A /proc of one process, which something happens to while it is watched. */
async function worldOf(meanwhile: (folder: string) => Promise<void>): Promise<DoctorWorld> {
  root = await mkdtemp(join(tmpdir(), "good-gateway-proc-"));
  const folder = join(root, "proc", String(PID));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "stat"), stat("S"));
  const clock = { now: () => 0, wallNow: () => 0, sleep: () => meanwhile(folder) };
  return { root, clock } as unknown as DoctorWorld;
}

/** proc(5): state, parent, …, user and system ticks, …, start. */
function stat(state: string): string {
  return `${PID} (node) ${state} 1 ${"0 ".repeat(17)}500 0\n`;
}

describe("a process that is watched", () => {
  it("is there while it lives", async () => {
    const world = await worldOf(async () => {});
    expect(await processFacts(world, PID)).toMatchObject({ pid: PID, state: "S" });
  });

  it("is gone when it ends meanwhile", async () => {
    const world = await worldOf((folder) => rm(folder, { recursive: true }));
    expect(await processFacts(world, PID)).toBeNull();
  });

  it("is gone when nobody has taken leave of it yet", async () => {
    const world = await worldOf((folder) => writeFile(join(folder, "stat"), stat("Z")));
    expect(await processFacts(world, PID)).toBeNull();
  });
});
