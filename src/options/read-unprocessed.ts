/**
 * Reads `retry.unprocessedStatuses`: what an application promises about its rejections.
 *
 * Only statuses that count as failures are repeated, so no other is accepted. Whether the promise
 * is kept cannot be checked here; if the status itself speaks against it, there is a warning.
 */
import { classifyResponse } from "../core/classify.js";
import { at, type Findings, shown } from "./findings.js";

/** Only an application can promise that it rejects a request before it has acted on it. */
export function readUnprocessed(
  findings: Findings,
  path: string,
  value: unknown,
): readonly number[] | undefined {
  if (!Array.isArray(value)) {
    const meant = typeof value === "number" ? `; did you mean [${value}]?` : " such as [503]";
    findings.problem(path, `${shown(value)} is not a list of statuses${meant}`);
    return undefined;
  }
  return [...new Set(value.flatMap((one: unknown, index) => read(findings, path, index, one)))];
}

function read(findings: Findings, path: string, index: number, one: unknown): readonly number[] {
  const where = at(path, index);
  if (typeof one !== "number" || !isFailure(one)) {
    const advice = "write 503, 429 or another 5xx (501 and 505 do not count as failures)";
    findings.problem(where, `${shown(one)} is not a status that is ever repeated; ${advice}`);
    return [];
  }
  if (one === 502 || one === 504) {
    const text = "also comes from gateways, which cannot know whether the application has acted";
    findings.warning(where, `${one} ${text}; such a request may be executed twice`);
  }
  return [one];
}

function isFailure(status: number): boolean {
  if (!Number.isInteger(status) || status < 400 || status > 599) return false;
  return classifyResponse(status, false) !== null;
}
