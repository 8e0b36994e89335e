/**
 * Reads `retry.unprocessedStatuses`: what an application promises about its refusals.
 *
 * Only what the gateway takes for a failure can be repeated, so nothing else is accepted. Whether
 * the promise is kept nobody can check here; where the status itself speaks against it, it is said.
 */
import { classifyResponse } from "../../core/classify.js";
import { at, type Findings, isRecord, shown } from "./findings.js";

/** Only an application can promise that a refusal of its own comes before it has acted. */
export const NONE_PROMISED: readonly number[] = [];

/** Undefined when nothing was written. */
export function readUnprocessed(
  findings: Findings,
  path: string,
  retry: unknown,
): readonly number[] | undefined {
  if (!isRecord(retry)) return undefined;
  const { unprocessedStatuses: value } = retry;
  if (value === undefined) return undefined;
  const where = at(path, "unprocessedStatuses");
  if (!Array.isArray(value)) {
    const meant = typeof value === "number" ? `; did you mean [${value}]?` : " such as [503]";
    findings.problem(where, `${shown(value)} is not a list of statuses${meant}`);
    return undefined;
  }
  return [...new Set(value.flatMap((one: unknown, index) => read(findings, where, index, one)))];
}

function read(findings: Findings, path: string, index: number, one: unknown): readonly number[] {
  const where = at(path, index);
  if (typeof one !== "number" || !isFailure(one)) {
    const advice = "write one that refuses: 503, 429 or another 5xx (501 and 505 are no failures)";
    findings.problem(where, `${shown(one)} is not a status that is ever repeated; ${advice}`);
    return [];
  }
  if (one === 502 || one === 504) {
    const text = "is what gateways answer, and they cannot know whether the application has acted";
    findings.warning(where, `${one} ${text}; such a request may be executed twice`);
  }
  return [one];
}

function isFailure(status: number): boolean {
  if (!Number.isInteger(status) || status < 400 || status > 599) return false;
  return classifyResponse(status, false) !== null;
}
