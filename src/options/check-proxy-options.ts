/**
 * Checks the options of a proxy when it is created, so that a typo is reported at start and not
 * silently ignored.
 */
import { type CheckedRule, code, type Section } from "../catalog/options/option.js";
import { FORWARDED_OPTIONS } from "../wire/forwarded-options.js";
import { ANSWER_SECTIONS } from "./answer-options.js";
import { isRecord } from "./findings.js";
import { nearest } from "./nearest.js";
import { homeOf } from "./option-names.js";
import { ALL_PROXY_OPTIONS } from "./proxy-options.js";
import { PROXY_SYNONYMS } from "./proxy-synonyms.js";

const { upgrades: _upgrades, onStatus: _onStatus, ...OF_REQUESTS } = ALL_PROXY_OPTIONS;
/** A handler of Requests has no connection, so the caller passes the client's address. */
const WEB_OPTIONS = { ...OF_REQUESTS, client: code() };
const SECTIONS: Readonly<Record<string, Section>> = {
  forwarded: FORWARDED_OPTIONS,
  ...ANSWER_SECTIONS,
};

/** Throws a TypeError that names the option, the value and the nearest valid one. */
export function checkProxyOptions(options: object): void {
  checkOptions(options, ALL_PROXY_OPTIONS);
}

/** The same for the options of a proxy of Requests. */
export function checkWebProxyOptions(options: object): void {
  checkOptions(options, WEB_OPTIONS);
}

function checkOptions(options: object, known: Section): void {
  checkAll(options, known, "");
  for (const [name, section] of Object.entries(SECTIONS)) {
    const written = (options as Readonly<Record<string, unknown>>)[name];
    if (isRecord(written)) checkAll(written, section, `${name}.`);
  }
}

function checkAll(options: object, known: Section, path: string): void {
  for (const [name, value] of Object.entries(options)) {
    const option = Object.hasOwn(known, name) ? (known[name] as CheckedRule) : undefined;
    if (option === undefined) throw new TypeError(unknownOption(name, known, path));
    const problem = value === undefined ? null : option.problemOf(value);
    if (problem !== null) throw new TypeError(`${path}${name}: ${shown(value)} ${problem}`);
  }
}

function unknownOption(name: string, known: Section, path: string): string {
  return `${path}${name}: unknown option of a proxy${hintFor(name, known, path)}`;
}

function hintFor(name: string, known: Section, path: string): string {
  const close = nearest(name, Object.keys(known));
  const synonym = Object.hasOwn(PROXY_SYNONYMS, name) ? PROXY_SYNONYMS[name] : undefined;
  if (path === "" && synonym !== undefined) return `; ${synonym}`;
  if (close !== null) return `; did you mean "${close}"?`;
  const home = homeOf(name);
  return home === null ? "" : `; ${home}`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
