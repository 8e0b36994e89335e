/**
 * The tables of options in docs/options.md, read from the source: names, defaults, descriptions and
 * reasons from the JSDoc of the options, other numbers from catalog/defaults.ts and its siblings.
 */
import { readFileSync } from "node:fs";
import ts from "typescript";
import { ENTRIES } from "../../build/entries.mjs";
import * as balanceDefaults from "../../src/catalog/balance-defaults.js";
import * as defaults from "../../src/catalog/defaults.js";
import * as frontDefaults from "../../src/catalog/front-defaults.js";
import * as healthDefaults from "../../src/catalog/health-defaults.js";
import * as overloadDefaults from "../../src/catalog/overload-defaults.js";
import type { SectionName } from "../../src/options/option-rules.js";
import { table } from "./docs-pages.js";
import { nodesOf, parse, ROOT } from "./source-files.js";

export interface Option {
  readonly name: string;
  readonly type: string;
  /** What stands behind `@default`. */
  readonly initial: string | null;
  readonly text: string;
  /** What stands behind `@remarks`: why the default is what it is. */
  readonly why: string;
}

let program: ts.Program | undefined;

/** The whole source, for the types of options that are derived from literals. */
function sources(): ts.Program {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  program ??= ts.createProgram(
    Object.values(ENTRIES).map((path) => ROOT + path),
    options,
  );
  return program;
}

/** The options of an interface, in the order of their declaration. */
export function optionsOf(path: string, name: string): readonly Option[] {
  const checker = sources().getTypeChecker();
  const tree = sources().getSourceFile(ROOT + path);
  const found = [...(tree?.statements ?? [])].find(
    (node): node is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  if (found === undefined) throw new Error(`${path} has no interface ${name}`);
  const inherited = new Set(
    (found.heritageClauses ?? [])
      .flatMap(({ types }) => types.map((one) => checker.getTypeAtLocation(one)))
      // Another interface is documented by itself; a derived type is a part of this one.
      .filter((base) => base.isClassOrInterface())
      .flatMap((base) => base.getProperties().map((member) => member.name)),
  );
  const members = checker.getTypeAtLocation(found).getProperties();
  return members
    .filter((member) => !inherited.has(member.name))
    .map((member) => optionOf(checker, member));
}

function optionOf(checker: ts.TypeChecker, member: ts.Symbol): Option {
  const tags = new Map(
    member.getJsDocTags(checker).map(({ name, text }) => [name, written(text)] as const),
  );
  return {
    name: member.name,
    type: typeText(checker, member),
    initial: tags.get("default") ?? null,
    text: written(member.getDocumentationComment(checker)),
    why: tags.get("remarks") ?? "",
  };
}

/** The options of every section that a file declares, by the name of its literal. */
export function literalsOf(path: string): ReadonlyMap<string, readonly Option[]> {
  const checker = sources().getTypeChecker();
  const statements = sources().getSourceFile(ROOT + path)?.statements ?? [];
  const declared = statements
    .flatMap((node) => (ts.isVariableStatement(node) ? [...node.declarationList.declarations] : []))
    .filter(({ name }) => /_(?:OPTIONS|NUMBERS)$/.test(name.getText()));
  return new Map(
    declared.map((node) => [
      node.name.getText(),
      checker
        .getTypeAtLocation(node.name)
        .getProperties()
        .map((one) => optionOf(checker, one)),
    ]),
  );
}

/** As it was written, or derived from a literal. */
function typeText(checker: ts.TypeChecker, member: ts.Symbol): string {
  const [place] = member.declarations ?? [];
  const declared = place === undefined ? undefined : writtenType(place)?.getText();
  const derived = () =>
    checker.typeToString(
      checker.getNonNullableType(checker.getTypeOfSymbol(member)),
      undefined,
      ts.TypeFormatFlags.NoTruncation,
    );
  return (declared ?? derived()).replace(/\s+/g, " ").replace(/^\| /, "");
}

/** Of an interface, or of a literal such as `own<FrontName>(…)`. */
function writtenType(place: ts.Declaration): ts.TypeNode | undefined {
  if (ts.isPropertySignature(place)) return place.type;
  if (!ts.isPropertyAssignment(place) || !ts.isCallExpression(place.initializer)) return undefined;
  const { expression, typeArguments } = place.initializer;
  return /^(?:own|nested|checked|code|predicate)$/.test(expression.getText())
    ? typeArguments?.[0]
    : undefined;
}

function written(parts: readonly ts.SymbolDisplayPart[] | undefined): string {
  return ts
    .displayPartsToString(parts as ts.SymbolDisplayPart[])
    .replace(/\s+/g, " ")
    .trim();
}

/** Where the options of each section are declared. */
const SECTION_TYPES: Readonly<Record<SectionName, readonly [path: string, name: string]>> = {
  timeouts: ["timeouts", "TimeoutOptions"],
  retry: ["retry", "RetryOptions"],
  breaker: ["breaker", "BreakerOptions"],
  bulkhead: ["overload", "BulkheadOptions"],
  adaptiveLimit: ["overload", "AdaptiveLimitOptions"],
  pace: ["overload", "PaceOptions"],
  cache: ["cache", "CacheOptions"],
  chaos: ["chaos", "ChaosOptions"],
  throttle: ["overload", "ThrottleOptions"],
  hedge: ["overload", "HedgeOptions"],
  shed: ["overload", "ShedOptions"],
  limits: ["limits", "LimitOptions"],
  ejection: ["health", "EjectionOptions"],
  slowStart: ["health", "SlowStartOptions"],
  panic: ["health", "PanicOptions"],
};

export function sectionOptions(section: SectionName): readonly Option[] {
  const [file, name] = SECTION_TYPES[section];
  return optionsOf(`src/catalog/options/${file}.ts`, name);
}

/** One section with the reasons for its defaults. */
export function sectionTable(section: SectionName): string {
  const rows = sectionOptions(section).map((option) => [
    `\`${option.name}\``,
    initialOf(option),
    option.text,
    option.why,
  ]);
  return table(["option", "default", "meaning", "why this number"], rows);
}

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

/** Options of any interface that are documented one by one. */
export function optionTable(path: string, name: string): string {
  const rows = optionsOf(path, name).map((option) => [
    `\`${option.name}\``,
    `\`${option.type}\``,
    initialOf(option),
    `${option.text} ${option.why}`.trim(),
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
    const reason = (ts.getTextOfJSDocComment(comment?.comment) ?? "").replace(/\s+/g, " ");
    return [key, { value: values[key], reason }] as const;
  });
}

/** Every number of the catalog that is no option. */
export function fixedNumbers(): string {
  const rows = tablesOfDefaults().flatMap((name) =>
    reasonsOf(name).map(([key, { value, reason }]) => [
      `\`${name}.${key}\``,
      `\`${typeof value === "number" ? numberText(value) : String(value)}\``,
      reason,
    ]),
  );
  return table(["number", "value", "why"], rows);
}
