/**
 * Reads how calls get their priority: by a function, by a field, or not at all.
 *
 * Guarantee: no field is trusted unless it is named. For a bare name the message shows the shape
 * to write.
 */
import {
  readPriority as heldFor,
  isPriority,
  PRIORITIES,
  type Priority,
} from "../catalog/priorities.js";
import type { PriorityRule } from "../policies/priority.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";

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
    findings.problem(path, `${shown(value)} is not a rule; ${advice}`);
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

/** The name of a priority, for what is one call or one route. */
export function readPriority(
  findings: Findings,
  path: string,
  value: unknown,
): Priority | undefined {
  if (value === undefined || isPriority(value)) return value;
  const meant = typeof value === "string" ? heldFor(value) : null;
  const close = meant ?? (typeof value === "string" ? nearest(value, PRIORITIES) : null);
  const advice =
    close === null ? `write one of ${PRIORITIES.join(", ")}` : `did you mean "${close}"?`;
  findings.problem(path, `${shown(value)} is not a priority; ${advice}`);
  return undefined;
}
