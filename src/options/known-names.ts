/**
 * Names that an object of options may have. For another one the message suggests the nearest of
 * them, or lists them all.
 */
import { at, type Findings } from "./findings.js";
import { nearest } from "./nearest.js";

export function checkNames(
  findings: Findings,
  path: string,
  known: readonly string[],
  options: object,
): void {
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    const advice = close === null ? `there are ${known.join(", ")}` : `did you mean "${close}"?`;
    findings.problem(at(path, name), `unknown option; ${advice}`);
  }
}
