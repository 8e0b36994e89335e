/**
 * Prints what `explain` found: for people, or as JSON for programs.
 *
 * One failure is explained in full; several are a list, the likeliest first, with the causes of the
 * first. What to do comes last, since that is where a reader stops.
 */

import { equivalents } from "../../catalog/dialects/equivalents.js";
import { FAILURES, type FailureCode, type FailureRow } from "../../catalog/failures.js";
import { repeatInWords } from "../../catalog/words.js";
import { printableJson } from "../terminal/printable.js";
import type { Terminal } from "../terminal/terminal.js";
import type { Explained, Explanation } from "./explanation.js";

/** A text with several things in it is explained in full for the first ones. */
const EXPLANATIONS_MAX = 4;
/** Of many failures behind one status the first are explained, the rest is named. */
const LISTED_MAX = 12;

export function printExplained({ explanations, guesses }: Explained, to: Terminal): void {
  if (explanations.length === 0) {
    printGuesses(guesses, to);
    return;
  }
  explanations.slice(0, EXPLANATIONS_MAX).forEach((one, index) => {
    if (index > 0) to.line();
    printExplanation(one, to);
  });
  const rest = explanations.slice(EXPLANATIONS_MAX);
  if (rest.length === 0) return;
  to.line();
  to.paragraph(`Also in it: ${rest.map(({ recognised }) => recognised).join("; ")}`);
}

function printGuesses(guesses: readonly string[], to: Terminal): void {
  to.line("Nothing in this input is known.");
  if (guesses.length === 0) {
    to.paragraph(
      "Give a status (502), a name (connection_refused), an error code (ECONNRESET), a flag of " +
        "HAProxy or Envoy (SH--, UC), a line of a log, or the head of an answer (curl -sI URL).",
    );
    return;
  }
  to.line("Did you mean:");
  for (const guess of guesses) {
    to.line(`  good-gateway explain ${/[\s"]/.test(guess) ? `'${guess}'` : guess}`);
  }
}

function printExplanation(one: Explanation, to: Terminal): void {
  const { recognised, meaning, failures } = one;
  const [first, second] = failures;
  to.paragraph(to.bold(recognised));
  to.paragraph(meaning);
  if (first === undefined) {
    printAdvice("Likely causes", one.causes, one.remedies, to);
    return;
  }
  if (second === undefined) printFacts(first, to);
  else printFailures(failures, to);
  const row: FailureRow = FAILURES[first];
  const known = one.causes.length > 0;
  const title = known || second === undefined ? "Likely causes" : `Likely causes of ${first}`;
  const remedies = [...one.remedies, ...row.remedies];
  printAdvice(title, known ? one.causes : row.causes, remedies, to);
  if (second === undefined) return;
  to.line();
  to.paragraph(to.dim(`More of each: good-gateway explain ${second}`));
}

function printFacts(code: FailureCode, to: Terminal): void {
  const row: FailureRow = FAILURES[code];
  to.line();
  const facts: readonly (readonly [string, string])[] = [
    ["name", code],
    ["status", row.status === "received" ? "as the upstream sent it" : String(row.status)],
    ["at fault", row.blame],
    ["repeat", repeatInWords(row)],
    ...(row.proxyError === null ? [] : [["Proxy-Status", `error=${row.proxyError}`] as const]),
    ...equivalents(code),
  ];
  for (const [name, value] of facts) {
    to.paragraph(value, `  ${to.dim(name.padEnd(LABEL))}`, " ".repeat(LABEL + 2));
  }
}

/** The longest label and two blanks. */
const LABEL = "Proxy-Status".length + 2;

/** Columns of a listed failure beside its name: blanks and the blame. */
const BESIDE = 14;

function printFailures(failures: readonly FailureCode[], to: Terminal): void {
  const shown = failures.length > LISTED_MAX + 1 ? failures.slice(0, LISTED_MAX) : failures;
  const rest = failures.slice(shown.length);
  to.line();
  to.line("Failures behind it, the most likely first");
  const width = Math.max(...shown.map((code) => code.length));
  for (const code of shown) {
    const { blame, summary } = FAILURES[code];
    const label = `  ${to.cyan(code.padEnd(width))}  ${to.yellow(blame.padEnd(8))}`;
    if (width + BESIDE <= to.columns / 2) {
      to.paragraph(summary, `${label}  `, " ".repeat(width + BESIDE));
      continue;
    }
    to.line(label.trimEnd());
    to.paragraph(to.dim(summary), "    ");
  }
  if (rest.length > 0) to.paragraph(`and, less often: ${rest.join(", ")}`, "  ");
}

function printAdvice(
  title: string,
  causes: readonly string[],
  remedies: readonly string[],
  to: Terminal,
): void {
  if (causes.length > 0) {
    to.line();
    to.line(title);
    causes.forEach((cause, index) => {
      to.paragraph(cause, `  ${index + 1}. `, "     ");
    });
  }
  if (remedies.length === 0) return;
  to.line();
  to.line("What to do");
  for (const remedy of remedies) to.paragraph(remedy, "  - ", "    ");
}

/** The same as data, with the rows of the catalog beside the names. */
export function explainedAsJson({ explanations, guesses }: Explained): string {
  const found = explanations.map(({ failures, ...rest }) => ({
    ...rest,
    failures: failures.map((code) => ({ code, ...(FAILURES[code] as FailureRow) })),
  }));
  return `${printableJson({ explanations: found, guesses }, 2)}\n`;
}
