/**
 * Reads an option that is true or false. One that is `undefined` counts as not written; a text is
 * answered with the value that was meant.
 */
import { type Findings, shown } from "./findings.js";

export function readBoolean(findings: Findings, path: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  const advice = value === "true" || value === "false" ? `; did you mean ${value}?` : "";
  findings.problem(path, `${shown(value)} is not true or false${advice}`);
  return undefined;
}
