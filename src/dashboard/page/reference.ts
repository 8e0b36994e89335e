/**
 * The reference of all failures as plain data, from the catalog and the foreign dialects: what the
 * page shows and searches, and `reference.json` answers.
 */
import { equivalents } from "../../catalog/dialects/equivalents.js";
import { CODE_MEANINGS } from "../../catalog/error-codes.js";
import {
  type Blame,
  FAILURE_CODES,
  FAILURES,
  type FailureCode,
  type FailureRow,
  type Phase,
} from "../../catalog/failures.js";
import { BLAMES, repeatInWords } from "../../catalog/words.js";

export interface ReferenceEntry {
  readonly code: FailureCode;
  /** The status of the answer; null where the upstream's own is passed on. */
  readonly status: number | null;
  /** The `error` of Proxy-Status. */
  readonly proxyError: string | null;
  readonly phase: Phase | "any";
  readonly blame: Blame;
  /** Who that is, in a sentence. */
  readonly blameMeaning: string;
  /** Whether it may be sent again, in words. */
  readonly repeat: string;
  readonly summary: string;
  readonly causes: readonly string[];
  readonly remedies: readonly string[];
  /** What Node, nginx, HAProxy, Envoy and others call it: pairs of a program and what it says. */
  readonly equivalents: readonly (readonly [program: string, says: string])[];
}

/** All of them, by name. */
export function errorReference(): readonly ReferenceEntry[] {
  return [...FAILURE_CODES].sort().map(entryOf);
}

function entryOf(code: FailureCode): ReferenceEntry {
  const row: FailureRow = FAILURES[code];
  const { proxyError, phase, blame, summary, causes, remedies } = row;
  return {
    code,
    status: row.status === "received" ? null : row.status,
    ...{ proxyError, phase, blame },
    blameMeaning: BLAMES[blame],
    repeat: repeatInWords(row),
    ...{ summary, causes, remedies },
    equivalents: [...codesOfNode(code), ...equivalents(code)],
  };
}

function codesOfNode(code: FailureCode): readonly (readonly [string, string])[] {
  const codes = Object.keys(CODE_MEANINGS).filter((name) =>
    Object.values(CODE_MEANINGS[name] ?? {}).includes(code),
  );
  return codes.length === 0 ? [] : [["Node", codes.join(" · ")]];
}
