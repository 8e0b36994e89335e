/**
 * The tables of options in docs/options.md, read from the source: names, defaults
 * and descriptions from the JSDoc of the option types, reasons from catalog/defaults.ts.
 */
import { readFileSync } from "node:fs";
import ts from "typescript";
import * as balanceDefaults from "../../src/catalog/balance-defaults.js";
import * as defaults from "../../src/catalog/defaults.js";
import * as frontDefaults from "../../src/catalog/front-defaults.js";
import * as healthDefaults from "../../src/catalog/health-defaults.js";
import * as overloadDefaults from "../../src/catalog/overload-defaults.js";
import { SECTIONS, type SectionName } from "../../src/options/option-rules.js";
import { table } from "./docs-pages.js";
import { nodesOf, parse, ROOT } from "./source-files.js";

export interface Option {
  readonly name: string;
  readonly type: string;
  /** What stands behind `@default`. */
  readonly initial: string | null;
  readonly text: string;
}

/** The options that an interface declares itself, in order. */
export function optionsOf(path: string, name: string): readonly Option[] {
  const { tree } = parse({ path, text: readFileSync(ROOT + path, "utf8") });
  const found = [...nodesOf(tree)].find(
    (node): node is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (found === undefined) throw new Error(`${path} has no interface ${name}`);
  return found.members.filter(ts.isPropertySignature).map((member) => {
    const comment = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc);
    const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === "default");
    return {
      name: member.name.getText(tree),
      type: (member.type?.getText(tree) ?? "").replace(/\s+/g, " ").replace(/^\| /, ""),
      initial: tag === undefined ? null : written(tag.comment),
      text: comment === undefined ? "" : written(comment.comment),
    };
  });
}

function written(comment: string | ts.NodeArray<ts.JSDocComment> | undefined): string {
  return (ts.getTextOfJSDocComment(comment) ?? "").replace(/\s+/g, " ").trim();
}

const OPTIONS = "src/options/options.ts";

/** Where the options of each section are declared. */
export const SECTION_TYPES = {
  timeouts: "TimeoutOptions",
  retry: "RetryOptions",
  breaker: "BreakerOptions",
  bulkhead: "BulkheadOptions",
  adaptiveLimit: "AdaptiveLimitOptions",
  throttle: "ThrottleOptions",
  hedge: "HedgeOptions",
  shed: "ShedOptions",
  limits: "LimitOptions",
  ejection: "EjectionOptions",
  slowStart: "SlowStartOptions",
  panic: "PanicOptions",
} as const satisfies Record<SectionName, string>;

/** Where the numbers of each section stand, with their reasons. */
const SECTION_TABLES: Readonly<Record<SectionName, readonly string[]>> = {
  timeouts: ["TIMEOUTS"],
  retry: ["RETRY"],
  breaker: ["BREAKER"],
  bulkhead: ["BULKHEAD"],
  adaptiveLimit: ["ADAPTIVE_LIMIT"],
  throttle: ["THROTTLE"],
  hedge: ["HEDGE"],
  shed: ["SHED"],
  limits: ["LIMITS", "POOL"],
  ejection: ["EJECTION"],
  slowStart: ["SLOW_START"],
  panic: ["PANIC"],
};

const TABLES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ...defaults,
  ...frontDefaults,
  ...balanceDefaults,
  ...healthDefaults,
  ...overloadDefaults,
};
const DEFAULTS = [
  "src/catalog/defaults.ts",
  "src/catalog/balance-defaults.ts",
  "src/catalog/front-defaults.ts",
  "src/catalog/health-defaults.ts",
  "src/catalog/overload-defaults.ts",
  "src/catalog/target-defaults.ts",
];

const SECTION_NAMES = Object.keys(SECTION_TYPES) as readonly SectionName[];

const FILES: Readonly<Record<string, string>> = {
  limits: "src/options/limit-options.ts",
  retry: "src/options/retry-options.ts",
  timeouts: "src/options/timeout-options.ts",
};
const OVERLOAD_OPTIONS = "src/options/overload-options.ts";
const OVERLOAD: ReadonlySet<string> = new Set([
  "bulkhead",
  "adaptiveLimit",
  "throttle",
  "hedge",
  "shed",
]);

/** The options of one section, wherever they are declared. */
export function sectionOptions(section: SectionName): readonly Option[] {
  const file = OVERLOAD.has(section) ? OVERLOAD_OPTIONS : OPTIONS;
  return optionsOf(FILES[section] ?? file, SECTION_TYPES[section]);
}

/** One section with the reasons for its defaults. */
export function sectionTable(section: SectionName): string {
  const reasons = new Map(SECTION_TABLES[section].flatMap((name) => reasonsOf(name)));
  const rows = sectionOptions(section).map((option) => [
    `\`${option.name}\``,
    initialOf(option),
    option.text,
    reasons.get(option.name)?.reason ?? "",
  ]);
  return table(["option", "default", "meaning", "why this number"], rows);
}

/** Options of any interface that are documented one by one. */
export function optionTable(path: string, name: string): string {
  const rows = optionsOf(path, name).map((option) => [
    `\`${option.name}\``,
    `\`${option.type}\``,
    initialOf(option),
    option.text,
  ]);
  return table(["option", "type", "default", "meaning"], rows);
}

/** Proxy options without their types, which are long. */
export function shortOptionTable(path: string, name: string): string {
  const rows = optionsOf(path, name).map((option) => [
    `\`${option.name}\``,
    initialOf(option),
    option.text,
  ]);
  return table(["option", "default", "meaning"], rows);
}

function initialOf({ initial }: Option): string {
  if (initial === null) return "–";
  return /\s/.test(initial) && !/^[{"[]/.test(initial) ? initial : `\`${grouped(initial)}\``;
}

/** `65536` as it would be written in code: `65_536`. */
function grouped(text: string): string {
  return /^\d+$/.test(text) ? numberText(Number(text)) : text;
}

function numberText(value: number): string {
  if (value < 10_000 && value >= 1_000) return `${Math.trunc(value / 1_000)}_${padded(value)}`;
  return Number.isInteger(value) ? value.toLocaleString("en").replaceAll(",", "_") : String(value);
}

function padded(value: number): string {
  return String(value % 1_000).padStart(3, "0");
}

interface Reason {
  readonly value: unknown;
  readonly reason: string;
}

/** In the order of the file; a namespace object has one of its own. */
function tablesOfDefaults(): readonly string[] {
  const text = DEFAULTS.map((path) => readFileSync(ROOT + path, "utf8")).join("");
  const names = [...text.matchAll(/^export const (\w+) = \{/gm)].map(([, name]) => name);
  return names as string[];
}

/** The members of one table of defaults.ts, with the comment above each. */
function reasonsOf(name: string): readonly (readonly [string, Reason])[] {
  const declared = DEFAULTS.flatMap((path) => {
    const { tree } = parse({ path, text: readFileSync(ROOT + path, "utf8") });
    return [...nodesOf(tree)].filter(
      (node): node is ts.VariableDeclaration =>
        ts.isVariableDeclaration(node) && node.name.getText(tree) === name,
    );
  })[0];
  if (declared === undefined) throw new Error(`no defaults are called ${name}`);
  const object = [...nodesOf(declared)].find(ts.isObjectLiteralExpression);
  const values: Readonly<Record<string, unknown>> = TABLES[name] ?? {};
  return (object?.properties ?? []).filter(ts.isPropertyAssignment).map((property) => {
    const key = (property.name as ts.Identifier).text;
    const comment = ts.getJSDocCommentsAndTags(property).find(ts.isJSDoc);
    return [key, { value: values[key], reason: written(comment?.comment) }] as const;
  });
}

/** Every number of defaults.ts that is not an option. */
export function fixedNumbers(): string {
  const options = new Set(SECTION_NAMES.flatMap((section) => Object.keys(SECTIONS[section])));
  const rows = tablesOfDefaults().flatMap((name) =>
    reasonsOf(name)
      .filter(([key]) => !options.has(key))
      .map(([key, { value, reason }]) => [
        `\`${name}.${key}\``,
        `\`${typeof value === "number" ? numberText(value) : String(value)}\``,
        reason,
      ]),
  );
  return table(["number", "value", "why"], rows);
}
