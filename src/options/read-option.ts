/**
 * Reads options by their kinds; undefined for one that was not written, or is wrong.
 *
 * What is wrong is noted. A kind that is not here is read by the reader of its section.
 */
import type {
  ChoiceRule,
  NumberRule,
  Option,
  Section,
  TextRule,
} from "../catalog/options/option.js";
import { checkNumber } from "./check-number.js";
import { at, type Findings, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { readBoolean } from "./read-boolean.js";
import { readCallers } from "./read-key.js";
import { readUnprocessed } from "./read-unprocessed.js";

type Reader = (findings: Findings, path: string, value: unknown, option: Option) => unknown;

const READERS: Readonly<Record<string, Reader>> = {
  number: (findings, path, value, rule) => checkNumber(findings, path, rule as NumberRule, value),
  flag: readBoolean,
  choice: (findings, path, value, rule) => readChoice(findings, path, value, rule as ChoiceRule),
  text: (findings, path, value, rule) => readText(findings, path, value, rule as TextRule),
  statuses: readUnprocessed,
  key: readCallers,
  predicate: readPredicate,
};

export function readOption(
  findings: Findings,
  path: string,
  option: Option,
  value: unknown,
): unknown {
  return value === undefined ? value : READERS[option.kind]?.(findings, path, value, option);
}

/** What was written of a section, by name. */
export function readOptions(
  findings: Findings,
  path: string,
  section: Section,
  options: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const read: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(section)) {
    const value = readOption(findings, at(path, name), option, options[name]);
    if (value !== undefined) read[name] = value;
  }
  return read;
}

function readChoice(findings: Findings, path: string, value: unknown, rule: ChoiceRule): unknown {
  const known = rule.of.find((one) => one === value);
  if (known !== undefined) return known;
  const close = typeof value === "string" ? nearest(value, rule.of) : null;
  const names = rule.of.map((name) => `"${name}"`);
  const all = `write ${names.slice(0, -1).join(", ")} or ${names.at(-1)}${rule.besides}`;
  const advice = close === null ? all : `did you mean "${close}"?`;
  findings.problem(path, `${shown(value)} is not known; ${advice}`);
  return undefined;
}

function readPredicate(findings: Findings, path: string, value: unknown): unknown {
  if (value === false || typeof value === "function") return value;
  findings.problem(path, `${shown(value)} is neither a function nor false`);
  return undefined;
}

function readText(findings: Findings, path: string, value: unknown, rule: TextRule): unknown {
  if (typeof value === "string" && rule.pattern.test(value)) return value;
  findings.problem(path, `${rule.secret ? "this" : shown(value)} is not ${rule.wanted}`);
  return undefined;
}
