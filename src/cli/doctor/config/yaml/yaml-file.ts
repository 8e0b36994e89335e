/**
 * YAML, and JSON as a part of it, with the line in which each value stands. The reader of a format
 * walks nodes and needs no knowledge of YAML.
 */
import type { Document, LineCounter } from "yaml";
import type { Problem, Where } from "../front-config.js";

/** A value and its place. What is not there is a node, too, with the value `undefined`. */
export interface Node {
  readonly value: unknown;
  readonly where: Where;
  /** Keys are found in any case and with or without `_`, as Traefik and Envoy take them. */
  at(...path: readonly string[]): Node;
  /** The items of a list; none for anything else. */
  list(): readonly Node[];
  /** The pairs of a map; none for anything else. */
  entries(): readonly (readonly [string, Node])[];
  /** A text, number or boolean as text, null for anything else. */
  text(): string | null;
  /** Whether something stands here. */
  exists(): boolean;
  /** Whether it stands instead of what files before it say: `!override` of compose. */
  readonly overrides: boolean;
  /** The keys below it of which nothing is left: `!reset` of compose. */
  readonly resets: readonly string[];
}

export interface YamlFile {
  /** One for each document that is not empty. */
  readonly documents: readonly Node[];
  readonly problems: readonly Problem[];
}

/** What is put in place of `${NAME}`; the text itself where a format has no such thing. */
export type Interpolate = (text: string) => string;

/** The library is loaded only where a file of this kind is read. */
export async function readYaml(
  file: string,
  text: string,
  interpolate: Interpolate = (one) => one,
): Promise<YamlFile> {
  const yaml = await import("yaml");
  const counter = new yaml.LineCounter();
  const parsed = yaml.parseAllDocuments(text, { lineCounter: counter, merge: true });
  const problems: Problem[] = [];
  const documents: Node[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    for (const { message, pos } of document.errors) {
      const where = { file, line: counter.linePos(pos[0]).line };
      problems.push({ text: message.split(/ at line |\n/)[0] ?? message, where });
    }
    try {
      const tags = takeTags(yaml, document);
      // Aliases that multiply without end are refused here.
      const value: unknown = document.toJS();
      const lineOf = (path: Path): number => lineAt(yaml, document, counter, path);
      const root = new Value(value, [], { file, lineOf, interpolate, ...tags });
      if (value !== null && value !== undefined) documents.push(root);
    } catch (error) {
      problems.push({ text: (error as Error).message, where: { file, line: 1 } });
    }
  }
  return { documents, problems };
}

type Path = readonly string[];

interface Source {
  readonly file: string;
  readonly lineOf: (path: Path) => number;
  readonly interpolate: Interpolate;
  readonly overridden: ReadonlySet<string>;
  readonly reset: ReadonlyMap<string, readonly string[]>;
}

class Value implements Node {
  readonly value: unknown;
  readonly #path: Path;
  readonly #source: Source;

  constructor(value: unknown, path: Path, source: Source) {
    this.value = value;
    this.#path = path;
    this.#source = source;
  }

  get where(): Where {
    return { file: this.#source.file, line: this.#source.lineOf(this.#path) };
  }

  at(...path: readonly string[]): Node {
    return path.reduce<Node>((node, key) => (node as Value).#child(key), this);
  }

  #child(key: string): Node {
    const map = isMap(this.value) ? this.value : {};
    const found = Object.hasOwn(map, key)
      ? key
      : Object.keys(map).find((one) => loosely(one) === loosely(key));
    return this.#inner(found ?? key, found === undefined ? undefined : map[found]);
  }

  #inner(key: string, value: unknown): Node {
    return new Value(value, [...this.#path, key], this.#source);
  }

  list(): readonly Node[] {
    const { value } = this;
    return Array.isArray(value) ? value.map((one, index) => this.#inner(String(index), one)) : [];
  }

  entries(): readonly (readonly [string, Node])[] {
    if (!isMap(this.value)) return [];
    return Object.entries(this.value).map(([key, one]) => [key, this.#inner(key, one)] as const);
  }

  text(): string | null {
    const { value } = this;
    const isScalar = ["string", "number", "boolean", "bigint"].includes(typeof value);
    return isScalar ? this.#source.interpolate(String(value)) : null;
  }

  exists(): boolean {
    return this.value !== undefined;
  }

  get overrides(): boolean {
    return this.#source.overridden.has(keyOf(this.#path));
  }

  get resets(): readonly string[] {
    return this.#source.reset.get(keyOf(this.#path)) ?? [];
  }
}

function keyOf(path: Path): string {
  return path.join("\0");
}

/** Where the tags of compose stand. What one of them resets is taken out of the document. */
function takeTags(
  yaml: typeof import("yaml"),
  document: Document,
): Pick<Source, "overridden" | "reset"> {
  const overridden = new Set<string>();
  const reset = new Map<string, string[]>();
  yaml.visit(document, {
    Pair(_, { key, value }, around) {
      const tag = yaml.isNode(value) ? value.tag : undefined;
      if (tag !== "!override" && tag !== "!reset") return undefined;
      const above = keyOf(around.flatMap((one) => (yaml.isPair(one) ? [String(one.key)] : [])));
      const name = String(key);
      if (tag === "!override") {
        overridden.add(above === "" ? name : `${above}\0${name}`);
        return undefined;
      }
      reset.set(above, [...(reset.get(above) ?? []), name]);
      return yaml.visit.REMOVE;
    },
  });
  return { overridden, reset };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function loosely(key: string): string {
  return key.replaceAll("_", "").toLowerCase();
}

/** The line of a key or an item; that of what is around it where it came by a merge. */
function lineAt(
  yaml: typeof import("yaml"),
  document: Document,
  counter: LineCounter,
  path: Path,
): number {
  let node: unknown = document.contents;
  let offset = yaml.isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const step of path) {
    if (yaml.isAlias(node)) node = node.resolve(document);
    const pair = yaml.isMap(node)
      ? node.items.find(({ key }) => String(yaml.isScalar(key) ? key.value : key) === step)
      : undefined;
    const item = yaml.isSeq(node) ? node.items[Number(step)] : undefined;
    const place = pair?.key ?? item;
    if (!yaml.isNode(place)) break;
    offset = place.range?.[0] ?? offset;
    node = pair === undefined ? item : pair.value;
  }
  return counter.linePos(offset).line;
}
