/**
 * Reads `layers`: which fields the layers of a call exchange.
 *
 * Guarantee: a name is a field name, in lower case, and not one that the wire needs for itself.
 */
import { FRAMING_FIELDS, HOP_BY_HOP, LAYER_FIELD, WRITTEN_FIELDS } from "../catalog/field-names.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { checkNames } from "./option-names.js";
import type { LayerOptions } from "./options.js";

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
  const { attemptHeader, deadlineHeader, sendDeadline, markAnswers } = value;
  return {
    ...maybe("attemptHeader", readName(findings, at(path, "attemptHeader"), attemptHeader)),
    ...maybe("deadlineHeader", readName(findings, at(path, "deadlineHeader"), deadlineHeader)),
    ...maybe("sendDeadline", readSending(findings, at(path, "sendDeadline"), sendDeadline)),
    ...maybe("markAnswers", readMark(findings, at(path, "markAnswers"), markAnswers)),
  };
}

/** What an upstream has of its own, over what all have. */
export function mergeLayers(
  shared: WrittenLayers | undefined,
  own: WrittenLayers | undefined,
): WrittenLayers | undefined {
  if (own === undefined) return shared;
  return own === false || !shared ? own : { ...shared, ...own };
}

export const LAYER_DEFAULTS: Required<LayerOptions> = {
  attemptHeader: LAYER_FIELD.attempt,
  deadlineHeader: LAYER_FIELD.deadline,
  // Without a caller's deadline to pass on, our own need not be sent with every request.
  sendDeadline: "received",
  // A layer in front cannot know that this one has repeated already, or that repeating is unsafe.
  markAnswers: true,
};

export function fillLayers(written: WrittenLayers | undefined): false | Required<LayerOptions> {
  if (written === undefined || written === false) return written ?? LAYER_DEFAULTS;
  return { ...LAYER_DEFAULTS, ...written };
}

function maybe<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, Value>>;
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

const SENDINGS = ["received", "always"] as const;

function readSending(
  findings: Findings,
  path: string,
  value: unknown,
): (typeof SENDINGS)[number] | undefined {
  const known = SENDINGS.find((one) => one === value);
  if (value === undefined || known !== undefined) return known;
  const close = typeof value === "string" ? nearest(value, SENDINGS) : null;
  const advice =
    close === null
      ? 'write "received" or "always", or deadlineHeader: false to send none'
      : `did you mean "${close}"?`;
  findings.problem(path, `${shown(value)} is not known; ${advice}`);
  return undefined;
}

function readMark(findings: Findings, path: string, value: unknown): boolean | undefined {
  if (value === undefined || typeof value === "boolean") return value;
  findings.problem(path, `${shown(value)} is not true or false`);
  return undefined;
}
