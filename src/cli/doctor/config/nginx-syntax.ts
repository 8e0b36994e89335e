/**
 * The syntax of nginx's configuration: directives, blocks, comments, quotes and includes, each with
 * the file and the line where it stands. It understands no directive but `include`.
 */
import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { expandGlob } from "./files.js";

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly file: string;
  readonly line: number;
  /** Null for a directive that ends with a semicolon. */
  readonly block: readonly Directive[] | null;
}

interface Token {
  readonly text: string;
  readonly line: number;
  /** `{`, `}` and `;` outside of quotes. */
  readonly sign: boolean;
}

/** Includes inside includes; more is a circle. */
const INCLUDE_DEPTH_MAX = 10;

/** Reads a file with everything that it includes. Rejects when the file itself cannot be read. */
export async function readNginx(file: string): Promise<readonly Directive[]> {
  return readInto(file, dirname(file), 0);
}

async function readInto(file: string, root: string, depth: number): Promise<readonly Directive[]> {
  const tokens = tokensOf(await readFile(file, "utf8"));
  const [directives] = parseBlock(tokens, 0, file);
  return withIncludes(directives, root, depth);
}

async function withIncludes(
  directives: readonly Directive[],
  root: string,
  depth: number,
): Promise<readonly Directive[]> {
  const parts = await Promise.all(
    directives.map(async (directive): Promise<readonly Directive[]> => {
      if (directive.name === "include" && depth < INCLUDE_DEPTH_MAX) {
        const [pattern = ""] = directive.args;
        // nginx: a relative path is looked for beside the main file.
        const files = await expandGlob(isAbsolute(pattern) ? pattern : join(root, pattern));
        const included = files.map((file) => readInto(file, root, depth + 1).catch(() => []));
        return (await Promise.all(included)).flat();
      }
      if (directive.block === null) return [directive];
      return [{ ...directive, block: await withIncludes(directive.block, root, depth) }];
    }),
  );
  return parts.flat();
}

const TOKEN =
  /#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:\$\{[^}]*\}|\\.|[^\s{};"'])+|\s/gs;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const [part] of text.matchAll(TOKEN)) {
    const lines = part.split("\n").length - 1;
    if (/^[^\s#]/.test(part)) {
      const quoted = /^["']/.test(part);
      const word = quoted ? part.slice(1, -1).replace(/\\(["'\\])/g, "$1") : part;
      tokens.push({ text: word, line, sign: !quoted && /^[{};]$/.test(part) });
    }
    line += lines;
  }
  return tokens;
}

/** The directives up to the end of the block, and where to go on. */
function parseBlock(
  tokens: readonly Token[],
  from: number,
  file: string,
): readonly [readonly Directive[], number] {
  const directives: Directive[] = [];
  let words: Token[] = [];
  let at = from;
  const add = (block: readonly Directive[] | null): void => {
    const [first, ...rest] = words;
    words = [];
    if (first === undefined) return;
    const args = rest.map(({ text }) => text);
    directives.push({ name: first.text, args, file, line: first.line, block });
  };
  while (at < tokens.length) {
    const token = tokens[at] as Token;
    at += 1;
    if (!token.sign) words.push(token);
    else if (token.text === ";") add(null);
    else if (token.text === "}") return [directives, at];
    else {
      const [block, next] = parseBlock(tokens, at, file);
      add(block);
      at = next;
    }
  }
  add(null);
  return [directives, at];
}

/** Every directive of a name, in this block and in those inside it. */
export function everywhere(directives: readonly Directive[], name: string): readonly Directive[] {
  return directives.flatMap((one) => [
    ...(one.name === name ? [one] : []),
    ...(one.block === null ? [] : everywhere(one.block, name)),
  ]);
}
