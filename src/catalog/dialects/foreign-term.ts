/**
 * The shape of one row of the foreign dialects: what another program calls a failure.
 *
 * A row says how its term is recognised, what the other program means by it, and which failures of
 * the catalog that can be, most likely first. Causes and remedies are those of the failures, unless
 * the row knows better ones: those of a program's own settings.
 */
import type { FailureCode } from "../failures.js";

/** How one program says that something failed. */
export interface ForeignTerm {
  /** As that program writes it, for people to read. */
  readonly term: string;
  /** A string is looked for as it is, whatever its case; of several expressions one must fit. */
  readonly match: string | RegExp | readonly RegExp[];
  /** One sentence: what the program means by it. */
  readonly meaning: string;
  /** Most likely first; empty when it is no failure of an upstream. */
  readonly failures: readonly FailureCode[];
  /** Causes that belong to this program, most likely first. */
  readonly causes?: readonly string[];
  /** What ended everything: in a log it is told before the failures that follow from it. */
  readonly fatal?: true;
  /** It says that something failed and not what; a code beside it says more. */
  readonly general?: true;
  /** What to check or change there. */
  readonly remedies?: readonly string[];
}

/** Everything that one program says. */
export interface Dialect {
  /** The name of the program, as people write it. */
  readonly speaker: string;
  /**
   * Where its terms stand: inside a line of a log, or as a word of their own (a status, a flag)
   * that would be found by accident in any text.
   */
  readonly spoken: "in_lines" | "as_a_word";
  /** Words that many programs hand on: told only of a line that no other dialect knows. */
  readonly common?: true;
  readonly terms: readonly ForeignTerm[];
}

/** A term of a log in short: what follows its failures are remedies. */
export type TermRow = readonly [
  term: string,
  match: RegExp | readonly RegExp[],
  meaning: string,
  failures: readonly FailureCode[],
  ...remedies: string[],
];

/** What one program says in the lines of its log. */
export function dialectOfLines(
  speaker: string,
  ...rows: readonly (TermRow | ForeignTerm)[]
): Dialect {
  const terms = rows.map((row) => (isShort(row) ? termOf(row) : row));
  return { speaker, spoken: "in_lines", terms };
}

function isShort(row: TermRow | ForeignTerm): row is TermRow {
  return Array.isArray(row);
}

function termOf([term, match, meaning, failures, ...remedies]: TermRow): ForeignTerm {
  return { term, match, meaning, failures, remedies };
}
