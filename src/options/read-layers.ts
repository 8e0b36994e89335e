/**
 * Reads `layers`: which fields the layers of a call exchange.
 *
 * Guarantee: a name is a field name, in lower case, and not one that the wire needs for itself.
 */
import { FRAMING_FIELDS, HOP_BY_HOP, WRITTEN_FIELDS } from "../catalog/field-names.js";
import { LAYER_OPTIONS, type LayerOptions } from "../catalog/options/layers.js";
import { defaultsOf } from "../catalog/options/option.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { readOptions } from "./read-option.js";

/** What was written; a member that was not is absent. */
export type WrittenLayers = false | LayerOptions;

export function readLayers(
  findings: Findings,
  path: string,
  value: unknown,
): WrittenLayers | undefined {
  if (value === undefined || value === false) return value;
  if (!isRecord(value)) {
    const example = '{ sendDeadline: "always" }';
    findings.problem(path, `${shown(value)} is neither an object such as ${example} nor false`);
    return undefined;
  }
  checkNames(findings, path, "layers", value);
  const names = HEADERS.flatMap((name) => {
    const read = readName(findings, at(path, name), value[name]);
    return read === undefined ? [] : [[name, read] as const];
  });
  return { ...readOptions(findings, path, LAYER_OPTIONS, value), ...Object.fromEntries(names) };
}

const HEADERS = ["attemptHeader", "deadlineHeader", "priorityHeader"] as const;

/** What an upstream has of its own, over what all have. */
export function mergeLayers(
  shared: WrittenLayers | undefined,
  own: WrittenLayers | undefined,
): WrittenLayers | undefined {
  if (own === undefined) return shared;
  return own === false || !shared ? own : { ...shared, ...own };
}

export const LAYER_DEFAULTS: Required<LayerOptions> = defaultsOf(LAYER_OPTIONS);

export function fillLayers(written: WrittenLayers | undefined): false | Required<LayerOptions> {
  if (written === undefined || written === false) return written ?? LAYER_DEFAULTS;
  return { ...LAYER_DEFAULTS, ...written };
}

// RFC 9110 §5.1.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/;

function readName(findings: Findings, path: string, value: unknown): string | false | undefined {
  if (value === undefined || value === false) return value;
  const example = 'write the name of a field such as "x-request-attempt", or false for none';
  if (typeof value !== "string" || !TOKEN.test(value)) {
    findings.problem(path, `${shown(value)} is not the name of a field; ${example}`);
    return undefined;
  }
  const name = value.toLowerCase();
  if (HOP_BY_HOP.has(name) || FRAMING_FIELDS.has(name) || WRITTEN_FIELDS.has(name)) {
    findings.problem(path, `${shown(value)} is already used otherwise; ${example}`);
    return undefined;
  }
  return name;
}
