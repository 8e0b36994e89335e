/**
 * Findings of a check of options, and how options and values appear in messages.
 *
 * Guarantee: no message shows credentials in an address or the content of a key.
 */

/** Problems prevent the creation of the gateway; warnings are emitted once. */
export interface Findings {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  problem(path: string, text: string): void;
  warning(path: string, text: string): void;
}

export function createFindings(): Findings {
  // Sets, since a finding in `defaults` occurs once for every upstream.
  const problems = new Set<string>();
  const warnings = new Set<string>();
  return {
    get problems() {
      return [...problems];
    },
    get warnings() {
      return [...warnings];
    },
    problem: (path, text) => void problems.add(`${path}: ${text}`),
    warning: (path, text) => void warnings.add(`${path}: ${text}`),
  };
}

/** The path of a member, as it would be written in code. */
export function at(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === "" ? key : `${path}.${key}`;
}

/** Longer texts are shortened in messages. */
const TEXT_SHOWN_MAX = 80;

/** A value as a person would recognise it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return shownText(value);
  if (typeof value === "number") return literal(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "symbol") return "a symbol";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function shownText(text: string): string {
  const safe = text.replace(/\/\/[^/?#\s]*@/g, "//");
  return JSON.stringify(safe.length > TEXT_SHOWN_MAX ? `${safe.slice(0, TEXT_SHOWN_MAX)}…` : safe);
}

/** A number as it is written in code, thousands apart. */
export function literal(value: number): string {
  const text = String(value);
  return /^-?\d{4,}$/.test(text) ? text.replace(/\B(?=(\d{3})+$)/g, "_") : text;
}

/** Whether a value has named members: an object that is no list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
