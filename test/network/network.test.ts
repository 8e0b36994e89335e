/**
 * Names and routes that do not work, in namespaces of their own: what a client gets, the name and
 * the blame, and how often the targets that are well have executed what was asked.
 * `npm run docs:network` writes the table of docs/network.md anew.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../tools/source-files.js";
import type { Row } from "./row.js";

const PAGE = `${ROOT}docs/network.md`;
const TABLE = /(<!-- seen in test\/network -->\n)[\s\S]*?(<!-- \/seen -->)/;

function inNamespace(...command: readonly string[]) {
  const map = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const flags = [...map, "--net", "--mount", ...command];
  return spawnSync("unshare", flags, { encoding: "utf8", timeout: 100_000 });
}

const tried = inNamespace("ip", "link", "set", "lo", "up");
/** Why the lab cannot be set up here; empty where it can. */
const reason = tried.status === 0 ? "" : `no namespace: ${tried.error ?? tried.stderr}`.trim();

let rows: readonly Row[] = [];

function tableOf(all: readonly Row[]): string {
  const lines = [...new Set(all.map(({ scenario }) => scenario))].map((scenario) => {
    const of = all.filter((row) => row.scenario === scenario);
    const [alone] = of;
    const others = of.filter(({ targets }) => targets === 3);
    const well = others.map(({ statuses, executed, calls, method }) => {
      const isWell = statuses.join() === "200";
      return `${method} ${isWell ? calls : "some"} of ${calls}, executed ${executed}`;
    });
    const name = `[\`${alone?.code}\`](errors/${alone?.code}.md)`;
    const cells = [scenario, alone?.statuses.join(", "), name, alone?.blame, well.join("; ")];
    return `| ${cells.join(" | ")} |`;
  });
  const head =
    "| what is wrong with a target | alone | name | at fault | beside two that are well |";
  return `${[head, "| --- | --- | --- | --- | --- |", ...lines].join("\n")}\n`;
}

describe.skipIf(reason !== "")(`names and routes that do not work ${reason}`, () => {
  beforeAll(() => {
    const lab = fileURLToPath(new URL("lab.ts", import.meta.url));
    const { stdout, stderr } = inNamespace(process.execPath, "--import", "tsx", lab);
    expect(stdout, stderr).not.toBe("");
    rows = JSON.parse(stdout);
  }, 120_000);

  it("have the names that fit, whatever the method, and one target of three costs no call", () => {
    for (const row of rows) {
      const { scenario, targets, method, calls, attempts, executed, statuses } = row;
      const what = `${scenario}, ${targets}, ${method}: ${JSON.stringify(row)}`;
      if (targets === 1) {
        expect(statuses, what).toHaveLength(1);
        expect(statuses[0], what).toBeGreaterThanOrEqual(502);
        expect(executed, what).toBe(0);
        continue;
      }
      expect(statuses, what).toEqual([200]);
      expect(executed, what).toBe(calls);
      expect(attempts, what).toBeLessThanOrEqual(calls + 5);
    }
  });

  it("are in the docs as they were seen", () => {
    const page = readFileSync(PAGE, "utf8");
    const written = page.replace(TABLE, `$1${tableOf(rows)}$2`);
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(PAGE, written);
    expect(process.env["UPDATE_DOCS"] === "1" ? written : page, "npm run docs:network").toBe(
      written,
    );
  });
});
