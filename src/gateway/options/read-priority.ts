/**
 * Reads how calls get their priority: a function, the name of a field, or not at all.
 *
 * Guarantee: no field is believed whose name was not written. A bare name is answered with the
 * shape that says what it is.
 */
import type { PriorityRule } from "../../policies/priority.js";
import { at, type Findings, isRecord, shown } from "./findings.js";

/** RFC 9110 §5.1: the name of a field is a token. */
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const SHAPES = '{ header: "x-priority" }, a function of the request, or false';

export function readPriorityRule(
  findings: Findings,
  path: string,
  value: unknown,
): false | PriorityRule | undefined {
  if (value === undefined || value === false) return value;
  if (typeof value === "function") return value as PriorityRule;
  if (!isRecord(value)) {
    const meant = typeof value === "string" && FIELD_NAME.test(value);
    const advice = meant ? `did you mean { header: ${shown(value)} }?` : `write ${SHAPES}`;
    findings.problem(path, `${shown(value)} is no rule; ${advice}`);
    return undefined;
  }
  const { header, ...others } = value;
  for (const name of Object.keys(others)) {
    findings.problem(at(path, name), `unknown option; write ${SHAPES}`);
  }
  if (typeof header === "string" && FIELD_NAME.test(header)) return { header };
  findings.problem(at(path, "header"), `${shown(header)} is not the name of a field`);
  return undefined;
}
