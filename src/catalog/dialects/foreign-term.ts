/**
 * The shape of one row of the foreign dialects: another program's term for a failure.
 *
 * A row has the pattern of the term, its meaning in that program, and the failures of the catalog
 * that it may stand for, most likely first. Causes and remedies are those of the failures, unless
 * the row has more specific ones, such as settings of that program.
 */
import type { FailureCode } from "../failures.js";

/** One program's term for a failure. */
export interface ForeignTerm {
  /** The term as that program writes it, for display. */
  readonly term: string;
  /** A string is matched literally, ignoring case; of several expressions one must match. */
  readonly match: string | RegExp | readonly RegExp[];
  /** One sentence: what the program means by it. */
  readonly meaning: string;
  /** Most likely first; empty if it is not a failure of an upstream. */
  readonly failures: readonly FailureCode[];
  /** Causes specific to this program, most likely first. */
  readonly causes?: readonly string[];
  /** A root cause: in a log it is shown before the failures that follow from it. */
  readonly fatal?: true;
  /** It reports that something failed but not what; a code beside it says more. */
  readonly general?: true;
  /** What to check or change in that program. */
  readonly remedies?: readonly string[];
}

/** All terms of one program. */
export interface Dialect {
  /** The name of the program, for display. */
  readonly speaker: string;
  /**
   * Where its terms occur: within a log line, or as a separate word (a status, a flag) that would
   * match by accident in any text.
   */
  readonly spoken: "in_lines" | "as_a_word";
  /** Texts that many programs pass on: only used for a line that no other dialect knows. */
  readonly common?: true;
  /** Read from words that any program may use: after all that is known by its sentence. */
  readonly loose?: true;
  readonly terms: readonly ForeignTerm[];
}

/** Short form of a log term: the arguments after its failures are remedies. */
export type TermRow = readonly [
  term: string,
  match: RegExp | readonly RegExp[],
  meaning: string,
  failures: readonly FailureCode[],
  ...remedies: string[],
];

/** The terms of one program in its log lines. */
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
