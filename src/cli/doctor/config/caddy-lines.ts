/**
 * The lines of a Caddyfile as Caddy sees them: variables of the environment replaced, snippets and
 * other files in the place of their `import`, with its arguments.
 *
 * Guarantee: it ends; an import of itself is reported as a problem.
 */
import { dirname, isAbsolute, join } from "node:path";
import { expandGlob } from "./files.js";
import type { Problem } from "./front-config.js";
import { type ConfigLine, readLines } from "./words-of-lines.js";

export interface CaddyText {
  readonly lines: readonly ConfigLine[];
  readonly problems: readonly Problem[];
}

interface Reading {
  readonly snippets: Map<string, readonly ConfigLine[]>;
  readonly problems: Problem[];
  lines: number;
}

const IMPORT_DEPTH_MAX = 10;
const LINES_MAX = 100_000;

export async function readCaddyLines(file: string): Promise<CaddyText> {
  const reading: Reading = { snippets: new Map(), problems: [], lines: 0 };
  const all = (await readLines(file)).map(withEnvironment);
  const lines = await withImports(withoutSnippets(all, reading), reading, 0);
  return { lines, problems: [...reading.problems, ...unbalanced(lines)] };
}

/** `{$NAME}` and `{$NAME:default}`: replaced before anything else is read. */
function withEnvironment(line: ConfigLine): ConfigLine {
  const words = line.words.flatMap((word) => {
    const whole = word.replace(/\{\$([^}:]+)(?::([^}]*))?\}/g, (_, name: string, usual = "") => {
      return process.env[name] ?? String(usual);
    });
    return whole === word ? [word] : whole.split(/\s+/).filter(Boolean);
  });
  return { ...line, words };
}

/** `(name) {` … `}` at the outermost level is kept apart for its imports. */
function withoutSnippets(
  lines: readonly ConfigLine[],
  { snippets }: Reading,
): readonly ConfigLine[] {
  const rest: ConfigLine[] = [];
  let depth = 0;
  let snippet: ConfigLine[] | null = null;
  for (const line of lines) {
    const [first = ""] = line.words;
    const opens = line.words.at(-1) === "{";
    if (depth === 0 && opens && /^\(.+\)$/.test(first)) {
      snippet = [];
      snippets.set(first.slice(1, -1), snippet);
    } else if (first === "}" && depth === 1 && snippet !== null) {
      snippet = null;
    } else (snippet ?? rest).push(line);
    if (first === "}") depth -= 1;
    if (opens) depth += 1;
  }
  return rest;
}

async function withImports(
  lines: readonly ConfigLine[],
  reading: Reading,
  depth: number,
): Promise<readonly ConfigLine[]> {
  const found: ConfigLine[] = [];
  for (const line of lines) {
    const [name, target = "", ...args] = line.words;
    if (name !== "import") found.push(line);
    else if (depth >= IMPORT_DEPTH_MAX || reading.lines > LINES_MAX) {
      report(
        reading,
        line,
        `import ${target} goes deeper than ${IMPORT_DEPTH_MAX}: it imports itself`,
      );
    } else found.push(...(await imported(line, target, args, reading, depth)));
  }
  reading.lines += found.length;
  return found;
}

async function imported(
  line: ConfigLine,
  target: string,
  args: readonly string[],
  reading: Reading,
  depth: number,
): Promise<readonly ConfigLine[]> {
  const snippet = reading.snippets.get(target);
  const inner = snippet ?? (await linesOfFiles(line, target, reading));
  const given = inner.map((one) => ({ ...one, words: one.words.map((w) => argued(w, args)) }));
  return withImports(given, reading, depth + 1);
}

async function linesOfFiles(
  line: ConfigLine,
  target: string,
  reading: Reading,
): Promise<readonly ConfigLine[]> {
  const path = isAbsolute(target) ? target : join(dirname(line.file), target);
  const files = await expandGlob(path);
  if (files.length === 0 && !target.includes("*")) {
    report(reading, line, `import ${target}: there is no such snippet or file`);
  }
  const parts = await Promise.all(files.map((file) => readLines(file).catch(() => [])));
  return withoutSnippets(parts.flat().map(withEnvironment), reading);
}

/** `{args[0]}`, `{args.0}` and `{args[:]}`. */
function argued(word: string, args: readonly string[]): string {
  return word
    .replace(/\{args(?:\[(\d+)\]|\.(\d+))\}/g, (whole, one, other) => {
      return args[Number(one ?? other)] ?? whole;
    })
    .replace(/\{args\[:\]\}/g, args.join(" "));
}

function report({ problems }: Reading, { file, line }: ConfigLine, text: string): void {
  if (!problems.some((one) => one.text === text)) problems.push({ text, where: { file, line } });
}

function unbalanced(lines: readonly ConfigLine[]): readonly Problem[] {
  let depth = 0;
  for (const { words, file, line } of lines) {
    if (words[0] === "}") depth -= 1;
    if (words.at(-1) === "{") depth += 1;
    if (depth < 0) return [{ text: 'unexpected "}"', where: { file, line } }];
  }
  const last = lines.at(-1);
  if (depth <= 0 || last === undefined) return [];
  return [{ text: 'a "{" has no "}"', where: { file: last.file, line: last.line } }];
}
