/**
 * Reads `mirror`: where copies of calls go, and which. Whether the upstream exists that it names is
 * asked when all of them are known.
 */
import {
  MIRROR_METHODS,
  MIRROR_OPTIONS,
  MIRRORED_METHODS,
  type ReadMirror,
} from "../catalog/options/mirror.js";
import { defaultsOf } from "../catalog/options/option.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { checkNames } from "./option-names.js";
import { readOptions } from "./read-option.js";

export function readMirror(findings: Findings, path: string, value: unknown): false | ReadMirror {
  if (value === undefined || value === false) return false;
  if (!isRecord(value)) {
    const name = typeof value === "string" ? shown(value) : '"shadow"';
    findings.problem(path, `${shown(value)} is not an object; write { to: ${name} } or false`);
    return false;
  }
  checkNames(findings, path, "mirror", value);
  const { to, methods } = value;
  if (typeof to !== "string" || to === "") {
    findings.problem(at(path, "to"), `${shown(to)} is not the name of an upstream`);
    return false;
  }
  const numbers = readOptions(findings, path, MIRROR_OPTIONS, value);
  const read =
    methods === undefined
      ? { methods: MIRRORED_METHODS }
      : readMethods(findings, at(path, "methods"), methods);
  return { ...defaultsOf(MIRROR_OPTIONS), ...numbers, ...read, to };
}

function readMethods(findings: Findings, path: string, value: unknown) {
  const methods: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (methods.length === 0) findings.problem(path, "is empty; write mirror: false for none");
  for (const one of methods) {
    if (MIRROR_METHODS.some((known) => known === one)) continue;
    const close = typeof one === "string" ? nearest(one.toUpperCase(), MIRROR_METHODS) : null;
    const advice =
      close === null ? `write one of ${MIRROR_METHODS.join(", ")}` : `did you mean "${close}"?`;
    findings.problem(path, `${shown(one)} is no method; ${advice}`);
  }
  return { methods: methods.map(String) };
}
