/**
 * Checks the options of a proxy when it is created, so that a typo is reported at start and not
 * silently ignored.
 */
import { type FieldUse, fieldInfo } from "../wire/field-info.js";
import { WRITTEN } from "../wire/forwarding.js";
import { isAuthority } from "../wire/request-target.js";
import { trustProblem } from "../wire/trust.js";
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
  overrides: isFunction,
  onFailure: isFunction,
  upgrades: (value) =>
    Array.isArray(value) && value.every((name) => typeof name === "string" && PROTOCOL.test(name))
      ? null
      : "is not a list of protocol names",
  answerOnlyIfCached: (value) => (typeof value === "boolean" ? null : "is not a boolean"),
};

const FORWARDED_KINDS: typeof KINDS = {
  trust: trustProblem,
  fields: (value) =>
    FIELDS.includes(value as string) ? null : 'is not "x-forwarded", "forwarded" or "both"',
  keep: keepProblem,
};

function keepProblem(value: unknown): string | null {
  const names: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!Array.isArray(value) || !names.every((name) => typeof name === "string")) {
    return 'is no list of field names, such as ["cf-ipcountry"]';
  }
  const ours = names.find((name) => isOurs(String(name).toLowerCase()));
  return ours === undefined
    ? null
    : `has ${JSON.stringify(ours)}, which the gateway writes itself; name trusted proxies in trust`;
}

const KEEPABLE: ReadonlySet<FieldUse> = new Set(["forwarding", "alias", "pass", "single"] as const);

function isOurs(name: string): boolean {
  const { use } = fieldInfo(name);
  return WRITTEN.has(name) || !KEEPABLE.has(use);
}

/** RFC 9110 §7.8: a name, and a version if need be. */
const PROTOCOL = /^[!#$%&'*+.^_`|~0-9a-z-]+(?:\/[!#$%&'*+.^_`|~0-9a-z-]+)?$/i;
const FIELDS: readonly string[] = ["x-forwarded", "forwarded", "both"];
const DIAGNOSTICS: readonly string[] = ["none", "code", "full"];

const { upgrades: _none, ...WITHOUT_UPGRADES } = KINDS;
/** A handler of Requests has no connection, so the caller passes the client's address. */
const WEB_KINDS: typeof KINDS = { ...WITHOUT_UPGRADES, client: isFunction };

/** Throws a TypeError that names the option, the value and the nearest valid one. */
export function checkProxyOptions(options: object): void {
  checkOptions(options, KINDS);
}

/** The same for the options of a proxy of Requests. */
export function checkWebProxyOptions(options: object): void {
  checkOptions(options, WEB_KINDS);
}

function checkOptions(options: object, kinds: typeof KINDS): void {
  checkAll(options, kinds, "");
  const { forwarded } = options as { readonly forwarded?: unknown };
  if (isRecord(forwarded)) checkAll(forwarded as object, FORWARDED_KINDS, "forwarded.");
}

function checkAll(options: object, kinds: typeof KINDS, path: string): void {
  for (const [name, value] of Object.entries(options)) {
    const check = kinds[name];
    if (check === undefined) throw new TypeError(unknownOption(name, kinds, path));
    const problem = value === undefined ? null : check(value);
    if (problem !== null) throw new TypeError(`${path}${name}: ${shown(value)} ${problem}`);
  }
}

function unknownOption(name: string, kinds: typeof KINDS, path: string): string {
  const close = nearest(name, Object.keys(kinds));
  const hint = close === null ? "" : `; did you mean "${close}"?`;
  return `${path}${name}: unknown option of a proxy${hint}`;
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
