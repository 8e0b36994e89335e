/**
 * Networks and machines that do not work, played in namespaces: what clients get, the name and the
 * blame, how often something was executed, and what HAProxy and nginx lose in the same place.
 * `npm run docs:network` writes the tables of docs/network.md anew.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../tools/source-files.js";
import { judge } from "./judge.js";
import type { Row } from "./row.js";
import { SCENARIOS, titleOf } from "./scenarios.js";
import { aloneTable, besideTable, steadyPart } from "./table.js";

const PAGE = `${ROOT}docs/network.md`;
const ALONE = /(<!-- seen alone -->\n)[\s\S]*?(<!-- \/seen -->)/;
const BESIDE = /(<!-- seen beside -->\n)[\s\S]*?(<!-- \/seen -->)/;
const LAB_MS_MAX = 900_000;
const STARVED_MS = 200;

/** Kinds that are played side by side, in namespaces of their own. */
const STAGES = [
  ["routes", "firewalls", "links"],
  ["silence", "families", "windows and halves", "machines that die"],
  ["names", "processes"],
  ["the gateway's own machine"],
] as const;

const NAMESPACE = ["--net", "--mount"] as const;
const PROBE = "ip tuntap add dev lab mode tun && mount -t cgroup2 none /mnt && python3 --version";

/** Why the lab cannot be set up here; empty where it can. */
const reason = (() => {
  const tried = spawnSync("unshare", [...NAMESPACE, "sh", "-c", PROBE], { encoding: "utf8" });
  return tried.status === 0 ? "" : `needs root, TUN and cgroups: ${tried.error ?? tried.stderr}`;
})().trim();

async function playStage(wanted: readonly string[], atOnce = 3): Promise<readonly Row[]> {
  const lab = fileURLToPath(new URL("lab.ts", import.meta.url));
  const command = [...NAMESPACE, process.execPath, "--import", "tsx", lab, ...wanted];
  const child = spawn("unshare", command, {
    env: { ...process.env, LAB_AT_ONCE: `${atOnce}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, error] = [text(child.stdout), text(child.stderr)];
  await once(child, "exit");
  const rows = await out;
  expect(rows, await error).not.toBe("");
  return JSON.parse(rows);
}

function wrongIn(rows: readonly Row[]): readonly (readonly [Row, string])[] {
  return rows.flatMap((row) => judge(row, rows).map((what) => [row, what] as const));
}

/**
 * Scenarios that a busy machine has spoiled are played once more, one by one: where this process
 * itself did not run for as long, limits of a few seconds say nothing.
 */
async function playAgain(rows: readonly Row[]): Promise<readonly Row[]> {
  const title = ({ kind, scenario }: Row) => `${kind}: ${scenario}`;
  const spoiled = wrongIn(rows).filter(([{ starvedMs }]) => starvedMs >= STARVED_MS);
  const again = new Set(spoiled.map(([row]) => title(row)));
  if (again.size === 0) return rows;
  const played = await playStage([...again], 1);
  return [...rows.filter((row) => !again.has(title(row))), ...played];
}

function tablesIn(page: string, rows: readonly Row[]): string {
  return page.replace(ALONE, `$1${aloneTable(rows)}$2`).replace(BESIDE, `$1${besideTable(rows)}$2`);
}

describe.skipIf(reason !== "")(`networks and machines that do not work ${reason}`, () => {
  let rows: readonly Row[] = [];

  beforeAll(async () => {
    const played = await Promise.all(STAGES.map((kinds) => playStage(kinds)));
    rows = await playAgain(played.flat());
    const file = process.env["LAB_ROWS"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(rows));
  }, LAB_MS_MAX);

  it("are all played", () => {
    const played = new Set(rows.map(({ kind, scenario }) => `${kind}: ${scenario}`));
    expect([...played].sort()).toEqual(SCENARIOS.map(titleOf).sort());
  });

  it("have the right name and blame, lose no more than HAProxy and nginx, and act once", () => {
    const wrong = wrongIn(rows).map(
      ([{ scenario, door, targets, method }, what]) =>
        `${scenario}, ${door}, ${method}, ${targets} targets: ${what}`,
    );
    expect(wrong).toEqual([]);
  });

  it("are in the docs as they were seen", () => {
    const page = readFileSync(PAGE, "utf8");
    const written = tablesIn(page, rows);
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PAGE, written);
    else expect(steadyPart(page), "npm run docs:network").toBe(steadyPart(written));
  });
});
