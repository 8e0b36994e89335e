/**
 * Reads an upstream or `defaults` except targets: values, and their paths.
 *
 * An option that is `undefined` counts as unset, as usual in JavaScript. No object of the caller
 * is kept.
 */

import type { Option } from "../catalog/options/option.js";
import type { PriorityRule } from "../policies/priority.js";
import type { AddressRules } from "../targets/address-guard.js";
import type { NormalisedBalance } from "./balance-options.js";
import type { ResponseLimit } from "./behind.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { checkNames } from "./option-names.js";
import {
  MEANT_BY_NUMBER,
  OPT_IN,
  SECTION_NAMES,
  SECTIONS,
  type SectionName,
  SWITCHABLE,
} from "./option-rules.js";
import type { NormalisedProbe } from "./probe-options.js";
import { readAddresses } from "./read-addresses.js";
import { readBoolean } from "./read-boolean.js";
import { mergeLayers, readLayers, type WrittenLayers } from "./read-layers.js";
import { readOption } from "./read-option.js";
import { readPriorityRule } from "./read-priority.js";
import { readProbe } from "./read-probe.js";

/** A value that was written, and the path of it. */
export interface Setting<Value = unknown> {
  readonly value: Value;
  readonly path: string;
}

/** The settings of a section by name; false when it is switched off. */
export type WrittenSection = false | Readonly<Record<string, Setting>>;

/** What was written; a section that was not is absent. */
export interface Written {
  readonly sections: Readonly<Partial<Record<SectionName, WrittenSection>>>;
  readonly layers: WrittenLayers | undefined;
  readonly addresses: false | AddressRules | undefined;
  readonly priority: false | PriorityRule | undefined;
  readonly trustProxyStatus: boolean | undefined;
  readonly allowH2: boolean | "h2c" | undefined;
  readonly allowBareLineFeeds: boolean | undefined;
  /** The limit that the front sets for calls of all upstreams; null without one. */
  readonly limit: ResponseLimit | null;
  readonly required: boolean | undefined;
  readonly probe: NormalisedProbe | undefined;
  /** Taken as a whole, not merged: what one way of balancing needs means nothing to another. */
  readonly balance: NormalisedBalance | undefined;
}

export function readShared(
  findings: Findings,
  path: string,
  options: Readonly<Record<string, unknown>>,
): Omit<Written, "balance"> {
  const sections: Partial<Record<SectionName, WrittenSection>> = {};
  for (const section of SECTION_NAMES) {
    const written = readSection(findings, at(path, section), section, options[section]);
    if (written !== undefined) sections[section] = written;
  }
  const flag = (name: string): boolean | undefined =>
    readBoolean(findings, at(path, name), options[name]);
  return {
    sections,
    layers: readLayers(findings, at(path, "layers"), options["layers"]),
    addresses: readAddresses(findings, at(path, "addresses"), options["addresses"]),
    priority: readPriorityRule(findings, at(path, "priority"), options["priority"]),
    trustProxyStatus: flag("trustProxyStatus"),
    allowH2: readAllowH2(findings, at(path, "allowH2"), options["allowH2"]),
    allowBareLineFeeds: flag("allowBareLineFeeds"),
    required: flag("required"),
    probe: readProbe(findings, at(path, "probe"), options["probe"]),
    limit: null,
  };
}

function readAllowH2(findings: Findings, path: string, value: unknown): Written["allowH2"] {
  if (value === undefined || typeof value === "boolean" || value === "h2c") return value;
  findings.problem(path, `${shown(value)} is not true, false or "h2c"`);
  return undefined;
}

/** What an upstream has of its own, over what all have. */
export function mergeWritten(shared: Written, own: Written): Written {
  return {
    sections: mergeSections(shared.sections, own.sections),
    layers: mergeLayers(shared.layers, own.layers),
    addresses: own.addresses ?? shared.addresses,
    priority: own.priority ?? shared.priority,
    trustProxyStatus: own.trustProxyStatus ?? shared.trustProxyStatus,
    allowH2: own.allowH2 ?? shared.allowH2,
    allowBareLineFeeds: own.allowBareLineFeeds ?? shared.allowBareLineFeeds,
    required: own.required ?? shared.required,
    probe: own.probe ?? shared.probe,
    balance: own.balance ?? shared.balance,
    limit: shared.limit,
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
  section: SectionName,
  value: unknown,
): WrittenSection | undefined {
  const optIn = OPT_IN.has(section);
  if (value === undefined) return value;
  if (value === false && (optIn || SWITCHABLE.has(section))) return value;
  if (value === true && optIn) return {};
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} ${wrongShape(section, value)}`);
    return undefined;
  }
  checkNames(findings, path, section, value);
  const settings: Record<string, Setting> = {};
  for (const [name, option] of Object.entries<Option>(SECTIONS[section])) {
    const read = readOption(findings, at(path, name), option, value[name]);
    if (read !== undefined) settings[name] = { value: read, path: at(path, name) };
  }
  return settings;
}

function wrongShape(section: SectionName, value: unknown): string {
  const name = MEANT_BY_NUMBER[section];
  if (typeof value === "number") {
    return `is not an object; did you mean { ${name}: ${shown(value)} }?`;
  }
  if (OPT_IN.has(section)) {
    return `is not a valid value; write true for the defaults, { ${name}: … }, or false`;
  }
  if (SWITCHABLE.has(section)) {
    return (
      "is not a valid value; leave it out for the defaults, write " +
      `{ ${name}: … } to configure it, or false to switch it off`
    );
  }
  const off = value === false ? "; write Infinity for each value without a limit" : "";
  return `is not an object such as { ${name}: … }${off}`;
}
