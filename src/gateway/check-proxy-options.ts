/**
 * Checks the options of a proxy when it is made, so that a typo is told at start and not by
 * silence.
 */
import { isAuthority } from "../wire/request-target.js";
import { nearest } from "./nearest.js";

const KINDS: Readonly<Record<string, (value: unknown) => string | null>> = {
  rewritePath: isFunction,
  requestHeaders: (value) =>
    typeof value === "function" || isRecord(value) ? null : "is neither a record nor a function",
  forwarded: (value) =>
    value === false || isRecord(value) ? null : "is neither false nor a record",
  host: (value) =>
    typeof value === "string" && isAuthority(value)
      ? null
      : 'is not "preserve", "target" or a value for Host',
  diagnostics: (value) =>
    typeof value === "function" || DIAGNOSTICS.includes(value as string)
      ? null
      : 'is not "none", "code", "full" or a function',
  admit: isFunction,
  onFailure: isFunction,
  answerOnlyIfCached: (value) => (typeof value === "boolean" ? null : "is not a boolean"),
};

const DIAGNOSTICS: readonly string[] = ["none", "code", "full"];

/** Throws a TypeError that names the option, the value and the nearest right thing. */
export function checkProxyOptions(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    const check = KINDS[name];
    if (check === undefined) throw new TypeError(unknownOption(name));
    const problem = value === undefined ? null : check(value);
    if (problem !== null) throw new TypeError(`${name}: ${shown(value)} ${problem}`);
  }
}

function unknownOption(name: string): string {
  const close = nearest(name, Object.keys(KINDS));
  const hint = close === null ? "" : `; did you mean "${close}"?`;
  return `${name}: unknown option of a proxy${hint}`;
}

function isFunction(value: unknown): string | null {
  return typeof value === "function" ? null : "is not a function";
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
