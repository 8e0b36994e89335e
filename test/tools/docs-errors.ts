/**
 * docs/errors: one page for each failure, and their index, all written from the catalog and the
 * foreign dialects. A person who has a name in hand finds everything about it on one page.
 */

import { equivalents } from "../../src/catalog/dialects/equivalents.js";
import {
  CLIENT_CODE_MEANINGS,
  CODE_MEANINGS,
  CODE_REFINEMENTS,
} from "../../src/catalog/error-codes.js";
import type { FailureRow } from "../../src/catalog/failure-row.js";
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../src/catalog/failures.js";
import { repeatInWords } from "../../src/catalog/words.js";
import { allFailures } from "./docs-failures.js";
import { table } from "./docs-pages.js";

const FOLDER = "docs/errors/";

/** Every page by its path from the root. */
export function errorPages(): ReadonlyMap<string, string> {
  return new Map([
    [`${FOLDER}README.md`, indexPage()],
    ...FAILURE_CODES.map((code) => [`${FOLDER}${code}.md`, pageOf(code)] as const),
  ]);
}

function indexPage(): string {
  return [
    "# Errors",
    "One page for every failure that good-gateway can name: what it means, its causes, the most " +
      "likely first, what to do, and what other programs call it. The same in a terminal:",
    "```sh\nnpx good-gateway explain connection_refused\n```",
    "How to read the columns stands in [failures.md](../failures.md).",
    allFailures(""),
    "",
  ].join("\n\n");
}

function pageOf(code: FailureCode): string {
  const row: FailureRow = FAILURES[code];
  const facts = [
    ["status", row.status === "received" ? "as the upstream sent it" : String(row.status)],
    ["`error=` in Proxy-Status", row.proxyError === null ? "none" : `\`${row.proxyError}\``],
    ["at fault", row.blame],
    ["where", row.phase === "any" ? "anywhere" : `phase ${row.phase}`],
    ["repeat", repeatInWords(row)],
    ["counts against the target", counts(row) ? "yes" : "no"],
  ];
  return [
    `# ${code}`,
    row.summary,
    table(["", ""], facts),
    "## Causes, the most likely first",
    row.causes.map((cause, index) => `${index + 1}. ${escaped(cause)}`).join("\n"),
    "## What to do",
    row.remedies.map((remedy) => `- ${escaped(remedy)}`).join("\n"),
    ...others(code),
    ...codes(code),
    "[All failures](README.md)\n",
  ].join("\n\n");
}

function counts({ blame }: FailureRow): boolean {
  return blame === "upstream" || blame === "overload" || blame === "network";
}

function others(code: FailureCode): readonly string[] {
  const rows = equivalents(code).map(([speaker, terms]) => [speaker, escaped(terms)]);
  return rows.length === 0 ? [] : ["## What others call it", table(["program", "says"], rows)];
}

/** Error codes that can end in this name. */
function codes(code: FailureCode): readonly string[] {
  const plain = Object.entries(CODE_MEANINGS).filter(([, meaning]) =>
    Object.values(meaning).includes(code),
  );
  const refined = CODE_REFINEMENTS.filter(({ meaning }) => Object.values(meaning).includes(code));
  const door = Object.entries(CLIENT_CODE_MEANINGS).filter(([, meaning]) => meaning === code);
  const names = [...plain.map(([name]) => name), ...refined.map((one) => one.code)];
  const all = [...new Set([...names, ...door.map(([name]) => name)])].sort();
  if (all.length === 0) return [];
  return [
    "## Error codes that it can come from",
    `${all.map((name) => `\`${name}\``).join(", ")}. A code alone rarely is the whole name: ` +
      "how far the exchange had got decides, too.",
  ];
}

/** Placeholders such as `<name>` are text and no tags. */
export function escaped(text: string): string {
  return text.replace(/[<>]/g, (character) => (character === "<" ? "&lt;" : "&gt;"));
}
