/**
 * The tables of docs/diagnosis.md, read from the source: what a pattern of failures consists of,
 * when connections are closed and by whom, and what is looked at before the first request.
 */
import { FINGERPRINTS } from "../../src/catalog/fingerprints.js";
import { START_CHECKS } from "../../src/catalog/start-checks.js";
import { STANDINGS } from "../../src/catalog/words.js";
import { optionsOf } from "./docs-options.js";
import { table } from "./docs-pages.js";

/** The members of a pattern. */
export function patternTable(): string {
  const rows = optionsOf("src/diagnosis/diagnosis-pattern.ts", "FailurePattern").map((member) => [
    `\`${member.name}\``,
    `\`${member.type}\``,
    member.text,
  ]);
  return table(["member", "type", "meaning"], rows);
}

/** Who closes connections, by the time for which they had rested. */
export function fingerprintTable(): string {
  const rows = FINGERPRINTS.map(({ ageMs, closedBy }) => [`${ageMs / 1_000} s`, closedBy]);
  return table(["at rest for", "closed by"], rows);
}

/** The words for a target. */
export function standingTable(): string {
  const rows = Object.entries(STANDINGS).map(([word, meaning]) => [`\`${word}\``, meaning]);
  return table(["word", "meaning"], rows);
}

/** What the start checks find, and what they say to it. */
export function startCheckTable(): string {
  const rows = Object.entries(START_CHECKS).map(([code, { level, wrong, fix }]) => [
    `\`${code}\`${level === "note" ? " (note)" : ""}`,
    wrong,
    fix,
  ]);
  return table(["check", "what is wrong", "the fix"], rows);
}
