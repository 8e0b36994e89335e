/**
 * The engine of `explain` for a page: the same answers as data, with the summary and the advice of
 * each failure, so that a script only has to write them down as text.
 *
 * It is built as one file for browsers, makes no requests, and keeps nothing.
 */
import { FAILURES, type FailureCode } from "../../catalog/failures.js";
import { explain } from "../explain/explain.js";

interface ShownFailure {
  readonly code: FailureCode;
  readonly blame: string;
  readonly summary: string;
}

interface Shown {
  readonly recognised: string;
  readonly meaning: string;
  readonly failures: readonly ShownFailure[];
  readonly causes: readonly string[];
  readonly remedies: readonly string[];
}

/** More is no answer, and a page is no file. */
const TEXT_CHARACTERS_MAX = 200_000;
const SHOWN_MAX = 4;
const FAILURES_MAX = 8;

export function explainForPage(given: string): {
  readonly found: readonly Shown[];
  readonly guesses: readonly string[];
} {
  const { explanations, guesses } = explain(given.slice(0, TEXT_CHARACTERS_MAX));
  const found = explanations.slice(0, SHOWN_MAX).map((one): Shown => {
    const [first] = one.failures;
    const row = first === undefined ? null : FAILURES[first];
    const failures = one.failures.slice(0, FAILURES_MAX).map((code) => {
      const { blame, summary } = FAILURES[code];
      return { code, blame, summary };
    });
    return {
      recognised: one.recognised,
      meaning: one.meaning,
      failures,
      causes: one.causes.length > 0 ? one.causes : (row?.causes ?? []),
      remedies: [...one.remedies, ...(row?.remedies ?? [])],
    };
  });
  return { found, guesses };
}

Object.assign(globalThis, { explainForPage });
