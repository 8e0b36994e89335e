/**
 * Reads an upstream or `defaults` except targets: values, and their paths.
 *
 * An option that is `undefined` counts as unset, as usual in JavaScript. No object of the caller
 * is kept.
 */

import type { Option, ReadOf } from "../catalog/options/option.js";
import type { ResponseLimit } from "./behind.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import { SECTION_NAMES, SECTIONS, type SectionName } from "./option-rules.js";
import { SHARED_OPTIONS } from "./options.js";
import { readAddresses } from "./read-addresses.js";
import { readBalance } from "./read-balance.js";
import { mergeLayers, readLayers } from "./read-layers.js";
import { readOption, readOptions } from "./read-option.js";
import { readPriorityRule } from "./read-priority.js";
import { readProbe } from "./read-probe.js";

/** A value that was written, and the path of it. */
export interface Setting<Value = unknown> {
  readonly value: Value;
  readonly path: string;
}

/** The settings of a section by name; false when it is switched off. */
export type WrittenSection = false | Readonly<Record<string, Setting>>;

/** What was written; an option that was not is absent. */
export interface Written {
  readonly sections: Readonly<Partial<Record<SectionName, WrittenSection>>>;
  readonly plain: Plain;
  /** The limit that the front sets for calls of all upstreams; null without one. */
  readonly limit: ResponseLimit | null;
}

export const NOTHING_WRITTEN: Written = { sections: {}, plain: {}, limit: null };

/** What is no section. */
type Plain = Readonly<
  Partial<
    Omit<ReadOf<typeof SHARED_OPTIONS>, SectionName | keyof typeof READERS> & {
      readonly [Name in keyof typeof READERS]: Exclude<
        ReturnType<(typeof READERS)[Name]>,
        undefined
      >;
    }
  >
>;

/** Of what no kind of option is read in the same way as another. */
const READERS = {
  /** Taken as a whole, not merged: what one way of balancing needs means nothing to another. */
  balance: readBalance,
  priority: readPriorityRule,
  addresses: readAddresses,
  probe: readProbe,
  layers: readLayers,
  allowH2: readAllowH2,
};

const PLAIN = Object.entries<Option>(SHARED_OPTIONS).filter(([, { kind }]) => kind !== "section");

export function readShared(
  findings: Findings,
  path: string,
  options: Readonly<Record<string, unknown>>,
): Written {
  const sections: Partial<Record<SectionName, WrittenSection>> = {};
  for (const section of SECTION_NAMES) {
    const written = readSection(findings, at(path, section), section, options[section]);
    if (written !== undefined) sections[section] = written;
  }
  const plain: Record<string, unknown> = {};
  for (const [name, option] of PLAIN) {
    const where = at(path, name);
    const read =
      READERS[name as keyof typeof READERS]?.(findings, where, options[name]) ??
      readOption(findings, where, option, options[name]);
    if (read !== undefined) plain[name] = read;
  }
  return { sections, plain, limit: null };
}

function readAllowH2(
  findings: Findings,
  path: string,
  value: unknown,
): boolean | "h2c" | undefined {
  if (value === undefined || typeof value === "boolean" || value === "h2c") return value;
  findings.problem(path, `${shown(value)} is not true, false or "h2c"`);
  return undefined;
}

/** What an upstream has of its own, over what all have. */
export function mergeWritten(shared: Written, own: Written): Written {
  const { sections, plain, limit } = shared;
  const layers = mergeLayers(plain.layers, own.plain.layers);
  return {
    sections: mergeSections(sections, own.sections),
    plain: { ...plain, ...own.plain, ...(layers === undefined ? {} : { layers }) },
    limit,
  };
}

/** The same object where an upstream writes nothing of its own. */
function mergeSections(shared: Written["sections"], own: Written["sections"]) {
  if (Object.keys(own).length === 0) return shared;
  const sections: Partial<Record<SectionName, WrittenSection>> = { ...shared };
  for (const section of SECTION_NAMES) {
    const written = own[section];
    if (written === undefined) continue;
    const below = sections[section];
    // Switched on again by the upstream; there is nothing below that could shine through.
    sections[section] = written === false || !below ? written : { ...below, ...written };
  }
  return sections;
}

export function readSection(
  findings: Findings,
  path: string,
  name: SectionName,
  value: unknown,
): WrittenSection | undefined {
  const { section, short } = SECTIONS[name];
  if (value === undefined) return value;
  if (typeof value === "boolean" && short.includes(value)) return value ? {} : value;
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} ${wrongShape(SECTIONS[name], value)}`);
    return undefined;
  }
  checkNames(findings, path, name, value);
  const settings = Object.entries(readOptions(findings, path, section, value));
  return Object.fromEntries(
    settings.map(([key, read]) => [key, { value: read, path: at(path, key) }]),
  );
}

type AnySection = (typeof SECTIONS)[SectionName];

function wrongShape({ bare, short }: AnySection, value: unknown): string {
  if (typeof value === "number") {
    return `is not an object; did you mean { ${bare}: ${shown(value)} }?`;
  }
  if (short.includes(true)) {
    return `is not a valid value; write true for the defaults, { ${bare}: … }, or false`;
  }
  if (short.includes(false)) {
    return (
      "is not a valid value; leave it out for the defaults, write " +
      `{ ${bare}: … } to configure it, or false to switch it off`
    );
  }
  const none = value === false ? "; write Infinity for each value without a limit" : "";
  return `is not an object such as { ${bare}: … }${none}`;
}
