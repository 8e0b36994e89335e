/**
 * docs/comparison.md: every "yes" names a test that exists, and whatever is missing has a reason.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./tools/source-files.js";

const page = readFileSync(`${ROOT}docs/comparison.md`, "utf8");
const rows = page.split("\n").flatMap((line) => {
  if (!line.startsWith("| ") || /^\| (?:feature|---) /.test(line)) return [];
  const [, feature = "", own = "", ...others] = line.split(" | ").join("|").split("|");
  return [{ feature: feature.trim(), own: own.trim(), others: others.slice(0, -1) }];
});
const verdictOf = (own: string): string => own.split(":", 1)[0] ?? "";

describe("the comparison", () => {
  it("has every feature once, beside fifteen systems, and counts its own words rightly", () => {
    expect(rows).toHaveLength(98);
    expect(new Set(rows.map(({ feature }) => feature)).size).toBe(98);
    for (const { feature, others } of rows) {
      expect(others, feature).toHaveLength(15);
      for (const word of others) expect(word.trim(), feature).toMatch(/^(?:yes|part|no|–|\?)\*?$/);
    }
    const count = (verdict: string) => rows.filter(({ own }) => verdictOf(own) === verdict).length;
    expect(count("yes") + count("part") + count("no")).toBe(98);
    expect(page).toContain(
      `This package: ${count("yes")} yes, ${count("part")} in part, ${count("no")} no.`,
    );
  });

  it.each(rows.filter(({ own }) => verdictOf(own) !== "no"))(
    "$feature: there is such a test",
    ({ own }) => {
      const [, title = "", path = ""] =
        /^(?:yes|part): \[(.+)\]\(\.\.\/(test\/.+)\)$/.exec(own) ?? [];
      expect(existsSync(ROOT + path), path).toBe(true);
      if (title !== basename(path)) expect(readFileSync(ROOT + path, "utf8")).toContain(title);
    },
  );

  it("gives a reason for what is missing, in part or as a whole", () => {
    for (const { feature, own } of rows) {
      const hasReason = page.includes(`\n- **${feature}**: `);
      expect(hasReason, feature).toBe(verdictOf(own) !== "yes");
    }
  });
});
