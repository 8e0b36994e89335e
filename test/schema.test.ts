/**
 * options.schema.json is what the options say now, and its verdict is that of `createGateway`: on
 * the examples of the documentation, on each of them with one name or value made wrong, and on
 * numbers around every bound.
 *
 * `UPDATE_DOCS=1 npx vitest run test/schema.test.ts` writes the file anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { Ajv } from "ajv";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import type { Option, Section } from "../src/catalog/options/option.js";
import { normaliseGateway } from "../src/options/normalise.js";
import { GATEWAY_OPTIONS, SHARED_OPTIONS } from "../src/options/options.js";
import { readPages } from "./tools/docs-pages.js";
import { snippetsOf } from "./tools/docs-snippets.js";
import { literals, optionsSchema } from "./tools/options-schema.js";
import { nodesOf, ROOT } from "./tools/source-files.js";

const FILE = `${ROOT}options.schema.json`;

type Data = Readonly<Record<string, unknown>>;

const LITERALS = await literals();
const schema = JSON.parse(JSON.stringify(optionsSchema(LITERALS))) as object;
const accepts = new Ajv({ strict: true }).compile(schema);

/** Whether a gateway could be created. */
function isTaken(options: Data): boolean {
  try {
    normaliseGateway(options as object);
    return true;
  } catch {
    return false;
  }
}

it("the file is what the options say now", () => {
  const text = `${JSON.stringify(schema, null, 2)}\n`;
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(FILE, text);
  expect(readFileSync(FILE, "utf8"), "run `npm run docs`").toBe(text);
});

it("the default that editors show is that of the literal", () => {
  const different = LITERALS.filter(({ option: { initial }, shown }) => {
    if (initial === undefined || shown.initial === null) return false;
    return shown.initial !== (typeof initial === "number" ? `${initial}` : JSON.stringify(initial));
  });
  expect(different.map(({ name }) => name)).toEqual([]);
  const silent = LITERALS.filter(({ option, shown }) => {
    return option.initial !== undefined && shown.initial === null;
  });
  expect(silent.map(({ name }) => name)).toEqual([]);
  expect(LITERALS.length).toBeGreaterThan(130);
});

it("every option is described", () => {
  const silent: string[] = [];
  const look = (path: string, value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { properties = {} } = value as { readonly properties?: Data };
    for (const [name, one] of Object.entries(properties)) {
      const { description, $ref } = one as {
        readonly description?: string;
        readonly $ref?: string;
      };
      if (description === undefined && $ref === undefined) silent.push(`${path}.${name}`);
    }
    for (const [name, one] of Object.entries(value)) look(`${path}.${name}`, one);
  };
  look("", schema);
  // A key by which calls are grouped, and what names itself.
  expect(
    silent.filter((path) => !/\.(?:key|by|priority)\.|\.(?:url|front|file|\$schema)$/.test(path)),
  ).toEqual([]);
});

describe("the examples of the documentation", () => {
  const examples = readPages().flatMap((page) =>
    snippetsOf(page)
      .filter(({ language }) => language === "ts")
      .flatMap(({ place, code }) => gatewaysIn(code).map((options) => ({ place, options }))),
  );

  it("are many, and data for the most part", () => {
    expect(examples.length).toBeGreaterThan(20);
    const names = new Set(
      examples.flatMap(({ options }) => pathsIn(options).map((path) => path.at(-1))),
    );
    expect(names.size).toBeGreaterThan(30);
  });

  it.each(examples)("$place is valid", ({ options }) => {
    expect(accepts(options), JSON.stringify(accepts.errors)).toBe(true);
    expect(isTaken(withTargets(options))).toBe(true);
  });

  it("with one name mistyped they are refused, as by createGateway", () => {
    let wrong = 0;
    for (const { place, options } of examples) {
      for (const path of pathsIn(options).filter(isOption)) {
        const broken = changed(options, path, "renamed");
        const message = `${place}: ${path.join(".")}`;
        expect(accepts(broken), message).toBe(false);
        expect(isTaken(withTargets(broken)), message).toBe(false);
        wrong += 1;
      }
    }
    expect(wrong).toBeGreaterThan(100);
  });

  it("with one value of another type they are refused, as by createGateway", () => {
    let wrong = 0;
    for (const { place, options } of examples) {
      for (const path of pathsIn(options).filter(isOption)) {
        const broken = changed(options, path, null);
        const message = `${place}: ${path.join(".")}: null`;
        expect(accepts(broken), message).toBe(false);
        expect(isTaken(withTargets(broken)), message).toBe(false);
        wrong += 1;
      }
    }
    expect(wrong).toBeGreaterThan(100);
  });
});

describe("numbers, flags and names of sections", () => {
  const sections = Object.entries<Option>({ ...SHARED_OPTIONS, shed: GATEWAY_OPTIONS.shed });
  const simple = /^(?:number|flag|choice|text)$/;
  const options = sections.flatMap(([section, option]): (readonly [string, string | null])[] => {
    if (simple.test(option.kind)) return [[section, null]];
    const inside = Object.entries((option as Partial<Nested>).section ?? {});
    return inside.filter(([, { kind }]) => simple.test(kind)).map(([name]) => [section, name]);
  });

  it("are more than sixty", () => expect(options.length).toBeGreaterThan(60));

  it.each(options)("%s.%s: the verdict is that of createGateway", (section, name) => {
    const least = leastOf(section, name);
    const around = [least - 1, least, least + 0.5, least + 1, 0.5, 0.995, 1, 6, 1e9];
    for (const value of [...around, "2s", "", true, "true", [], {}]) {
      const inside = name === null ? value : { ...needed(section, name), [name]: value };
      const options: Data =
        section === "shed"
          ? { shed: inside }
          : { upstreams: { orders: { targets: "http://a", [section]: inside } } };
      expect(accepts(options), `${JSON.stringify(value)}`).toBe(isTaken(options));
    }
  });
});

interface Nested extends Option {
  readonly section: Section;
}

/** What a section must have besides. */
function needed(section: string, name: string): Data {
  if (section === "probe" && name === "agent") return { port: 9_999 };
  return section === "probe" && name !== "tcp" ? { path: "/healthz" } : {};
}

function leastOf(section: string, name: string | null): number {
  const { section: own } = { ...SHARED_OPTIONS, ...GATEWAY_OPTIONS }[
    section as keyof typeof SHARED_OPTIONS
  ] as Partial<Nested>;
  const { least = 0 } = (own?.[name ?? ""] ?? {}) as { readonly least?: number };
  return least;
}

/** Sources of targets are code, and so left out above. */
function withTargets(options: Data): Data {
  const { upstreams } = options as { readonly upstreams?: Readonly<Record<string, Data>> };
  if (typeof upstreams !== "object" || upstreams === null) return options;
  const given = Object.entries(upstreams).map(([name, one]) => [
    name,
    typeof one !== "object" || one === null ? one : { targets: "http://10.0.0.1", ...one },
  ]);
  return { ...options, upstreams: Object.fromEntries(given) };
}

/** Names that are free: of upstreams, checks, fields and cookies, and patterns of routes. */
function isOption(path: readonly string[]): boolean {
  return !["upstreams", "routes", "checks", "header", "cookie", "headers"].includes(
    path.at(-2) ?? "",
  );
}

/** Every member of an object, and of the objects in it. */
function pathsIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) => {
    const here = [...path, name];
    const isItem = Array.isArray(value);
    return [...(isItem ? [] : [here]), ...pathsIn(one, here)];
  });
}

function changed(value: unknown, path: readonly string[], to: "renamed" | null): Data {
  const [name = "", ...rest] = path;
  const copy: Record<string, unknown> = Array.isArray(value)
    ? ([...value] as unknown as Record<string, unknown>)
    : { ...(value as Data) };
  if (rest.length > 0) copy[name] = changed(copy[name], rest, to);
  else if (to === null) copy[name] = null;
  else {
    copy[`${name}Qqq`] = copy[name];
    delete copy[name];
  }
  return copy;
}

/** The data in the options of every `createGateway` of a snippet. */
function gatewaysIn(code: string): readonly Data[] {
  const tree = ts.createSourceFile("snippet.ts", code, ts.ScriptTarget.Latest, true);
  return [...nodesOf(tree)].flatMap((node) => {
    if (!ts.isCallExpression(node) || node.expression.getText() !== "createGateway") return [];
    const [options] = node.arguments;
    const data = options === undefined ? CODE : dataOf(options);
    return data === CODE ? [] : [data as Data];
  });
}

const CODE = Symbol("code");

/** Without what is code, and without the list or object around a part that is. */
function dataOf(node: ts.Expression): unknown {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll("_", ""));
  if (node.kind === ts.SyntaxKind.TrueKeyword) return true;
  if (node.kind === ts.SyntaxKind.FalseKeyword) return false;
  if (ts.isArrayLiteralExpression(node)) {
    const items = node.elements.map(dataOf);
    return items.includes(CODE) ? CODE : items;
  }
  if (!ts.isObjectLiteralExpression(node)) return CODE;
  const members = node.properties.flatMap((member) => {
    if (!ts.isPropertyAssignment(member)) return [];
    const { name } = member;
    const value = dataOf(member.initializer);
    const key = ts.isIdentifier(name) || ts.isStringLiteralLike(name) ? name.text : "";
    return value === CODE ? [] : [[key, value] as const];
  });
  return Object.fromEntries(members);
}
