/**
 * Reads one option of a section by its kind; undefined when it was not written, or is wrong.
 *
 * What is wrong is noted. A kind that is not here is read by the reader of its section.
 */
import type { NumberRule, Option } from "../catalog/options/option.js";
import { checkNumber } from "./check-number.js";
import type { Findings } from "./findings.js";
import { readBoolean } from "./read-boolean.js";
import { readCallers } from "./read-key.js";
import { readUnprocessed } from "./read-unprocessed.js";

type Reader = (findings: Findings, path: string, value: unknown, option: Option) => unknown;

const READERS: Readonly<Record<string, Reader>> = {
  number: (findings, path, value, rule) => checkNumber(findings, path, rule as NumberRule, value),
  flag: readBoolean,
  statuses: readUnprocessed,
  key: readCallers,
};

export function readOption(
  findings: Findings,
  path: string,
  option: Option,
  value: unknown,
): unknown {
  return value === undefined ? value : READERS[option.kind]?.(findings, path, value, option);
}
