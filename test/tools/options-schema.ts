/**
 * The JSON Schema of what is data in `createGateway(options)`, for editors and configuration files:
 * shapes and defaults from the literals of the options, descriptions from their JSDoc. What is code
 * (functions, balancers) is left out.
 */
import { readdirSync } from "node:fs";
import type {
  ChoiceRule,
  NumberRule,
  Option,
  Section,
  TextRule,
} from "../../src/catalog/options/option.js";
import { GATEWAY_OPTIONS, SHARED_OPTIONS, UPSTREAM_OPTIONS } from "../../src/options/options.js";
import { literalsOf, type Option as Shown } from "./docs-options.js";
import { ROOT } from "./source-files.js";

type Json = Readonly<Record<string, unknown>>;

const FOLDERS = ["src/catalog/options/", "src/options/", "src/targets/", "src/wire/"];

/** What is known of each option besides its literal. */
type Texts = ReadonlyMap<unknown, string>;

export interface Literal {
  /** Such as `RETRY_OPTIONS.attemptsMax`. */
  readonly name: string;
  readonly option: Option;
  /** What editors show of it. */
  readonly shown: Shown;
}

/** Every option that is declared by a literal. */
export async function literals(): Promise<readonly Literal[]> {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(ROOT + folder)
      .filter((name) => name.endsWith(".ts"))
      .map((name) => folder + name),
  );
  const found: Literal[] = [];
  for (const path of files) {
    const shown = literalsOf(path);
    if (shown.size === 0) continue;
    const module = (await import(/* @vite-ignore */ ROOT + path)) as Record<string, Section>;
    for (const [section, options] of shown) {
      for (const one of options) {
        const option = module[section]?.[one.name];
        if (option !== undefined)
          found.push({ name: `${section}.${one.name}`, option, shown: one });
      }
    }
  }
  return found;
}

function textsOf(all: readonly Literal[]): Texts {
  const told = all.filter(({ shown }) => shown.text !== "");
  return new Map(told.map(({ option, shown }) => [option, shown.text]));
}

export function optionsSchema(all: readonly Literal[]): Json {
  const texts = textsOf(all);
  const shared = Object.keys(SHARED_OPTIONS).map((name) => [name, ref(name)] as const);
  const common = Object.fromEntries(shared);
  const upstream = { ...objectOf(texts, UPSTREAM_OPTIONS).properties, ...common };
  const gateway = objectOf(texts, GATEWAY_OPTIONS).properties;
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Options of good-gateway's createGateway, as far as they are data",
    ...closed({
      $schema: { type: "string" },
      ...gateway,
      defaults: {
        description: "Settings for all upstreams that do not have their own.",
        ...closed(common),
      },
      upstreams: {
        description: "The services behind the gateway, by name.",
        type: "object",
        additionalProperties: closed(upstream),
      },
    }),
    definitions: objectOf(texts, SHARED_OPTIONS).properties,
  };
}

function ref(name: string): Json {
  return { $ref: `#/definitions/${name}` };
}

function closed(properties: Json): { readonly properties: Json } {
  return { ...{ type: "object", additionalProperties: false }, properties };
}

function objectOf(texts: Texts, section: Section, also: Json = {}) {
  const known = Object.entries(section).flatMap(([name, option]) => {
    const shape = shapeOf(texts, option);
    return shape === null ? [] : [[name, { ...described(texts, option), ...shape }] as const];
  });
  const required = Object.keys(also);
  return {
    ...closed({ ...also, ...Object.fromEntries(known) }),
    ...(required.length === 0 ? {} : { required }),
  };
}

function described(texts: Texts, option: Option): Json {
  const description = texts.get(option);
  const { initial } = option;
  const isData = initial !== undefined && initial !== Number.POSITIVE_INFINITY;
  return {
    ...(description === undefined ? {} : { description }),
    ...(isData ? { default: initial } : {}),
  };
}

/** Null for code. */
function shapeOf(texts: Texts, option: Option): Json | null {
  if (option.kind === "number") return numberShape(option as NumberRule);
  if (option.kind === "flag") return { type: "boolean" };
  if (option.kind === "choice") return { enum: (option as ChoiceRule).of };
  if (option.kind === "text") return textShape(option as TextRule);
  if (option.kind === "statuses") return { type: "array", items: STATUS };
  const { section, short = [], json } = option as Partial<Nested>;
  if (section === undefined) {
    if (json === undefined) throw new Error(`no shape for options of kind ${option.kind}`);
    return json === null ? null : (resolved(texts, json) as Json);
  }
  const object = objectOf(texts, section);
  return short.length === 0 ? object : { anyOf: [{ enum: short }, object] };
}

interface Nested {
  readonly section: Section;
  readonly short: readonly boolean[];
  readonly json: Json | null;
}

const STATUS = { type: "integer", minimum: 400, maximum: 599 };

function numberShape({ whole, above, least, most }: NumberRule): Json {
  return {
    type: whole === true ? "integer" : "number",
    [above === true ? "exclusiveMinimum" : "minimum"]: least,
    ...(most < Number.MAX_VALUE ? { maximum: most } : {}),
  };
}

function textShape({ pattern }: TextRule): Json {
  if (pattern.flags !== "") throw new Error(`${pattern} has flags, which JSON Schema has not`);
  return { type: "string", pattern: pattern.source };
}

/** `{ options, also }` stands for an object with these options, and these required members. */
function resolved(texts: Texts, json: unknown): unknown {
  if (Array.isArray(json)) return json.map((one) => resolved(texts, one));
  if (typeof json !== "object" || json === null) return json;
  const { options, also } = json as { readonly options?: Section; readonly also?: Json };
  if (options !== undefined) return objectOf(texts, options, also);
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => [name, resolved(texts, value)]),
  );
}
