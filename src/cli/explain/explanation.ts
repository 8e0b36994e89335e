/**
 * What `explain` finds out about a text: what it was taken for, what that means, and which failures
 * of the catalog can be behind it.
 */
import { FAILURES, type FailureCode } from "../../catalog/failures.js";

/** One thing that was recognised in a text. */
export interface Explanation {
  /** What it was taken for, such as `HAProxy termination state SH--`. */
  readonly recognised: string;
  /** One sentence or a few. */
  readonly meaning: string;
  /** Most likely first; empty when it is no failure of an upstream. */
  readonly failures: readonly FailureCode[];
  /** Known here beside the causes of the failures, most likely first. */
  readonly causes: readonly string[];
  /** Known here beside the remedies of the failures. */
  readonly remedies: readonly string[];
}

/** The answer to one text. */
export interface Explained {
  /** Most telling first. Empty when nothing was recognised. */
  readonly explanations: readonly Explanation[];
  /** What was perhaps meant, nearest first; only when nothing was recognised. */
  readonly guesses: readonly string[];
}

export function explanation(
  recognised: string,
  meaning: string,
  failures: readonly FailureCode[],
  more: { readonly causes?: readonly string[]; readonly remedies?: readonly string[] } = {},
): Explanation {
  const { causes = [], remedies = [] } = more;
  return { recognised, meaning, failures, causes, remedies };
}

/** A failure of the catalog, explained by its row. */
export function explainFailure(code: FailureCode, recognised: string = code): Explanation {
  return explanation(recognised, FAILURES[code].summary, [code]);
}
