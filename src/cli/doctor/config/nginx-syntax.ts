/**
 * The syntax of nginx's configuration: directives, blocks, comments, quotes and includes, each with
 * the file and the line where it stands. It understands no directive but `include`.
 *
 * Guarantee: it ends. Files that include each other, and more includes than the limit, are
 * reported as problems and not read any further.
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { expandGlob } from "./files.js";
import type { Problem } from "./front-config.js";
import { type NginxToken, nginxTokens } from "./nginx-tokens.js";

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly file: string;
  readonly line: number;
  /** Null for a directive that ends with a semicolon. */
  readonly block: readonly Directive[] | null;
}

export interface NginxText {
  readonly directives: readonly Directive[];
  /** What nginx does not start with. */
  readonly problems: readonly Problem[];
  /** Patterns of includes that no file fits: allowed, and seldom meant. */
  readonly emptyIncludes: readonly Problem[];
}

/** All files of the largest installations that are known, several times. */
const FILES_MAX = 1_000;

interface Reading {
  readonly root: string;
  readonly problems: Problem[];
  readonly emptyIncludes: Problem[];
  files: number;
}

/** Reads a file with everything that it includes. Rejects when the file itself cannot be read. */
export async function readNginx(file: string): Promise<NginxText> {
  const main = await mainFileAbove(file);
  const root = dirname(main ?? file);
  const reading: Reading = { root, problems: [], emptyIncludes: [], files: 0 };
  const directives = await readInto(file, reading, []);
  return { directives, ...reading };
}

/** The nginx.conf that a file of a site belongs to; null when it stands alone, or is one itself. */
export async function mainFileAbove(file: string): Promise<string | null> {
  const own = resolve(file);
  for (const folder of [dirname(own), dirname(dirname(own))]) {
    const main = join(folder, "nginx.conf");
    if (main === own) return null;
    if ((await stat(main).catch(() => null))?.isFile() === true) return main;
  }
  return null;
}

async function readInto(
  file: string,
  reading: Reading,
  above: readonly string[],
): Promise<readonly Directive[]> {
  reading.files += 1;
  const tokens = nginxTokens(await readFile(file, "utf8"));
  const [directives] = new Parser(tokens, file, reading.problems).block(0, 0);
  const real = await realpath(file).catch(() => file);
  return withIncludes(directives, reading, [...above, real]);
}

async function withIncludes(
  directives: readonly Directive[],
  reading: Reading,
  above: readonly string[],
): Promise<readonly Directive[]> {
  const found: Directive[] = [];
  // One after the other: the count of files holds for all of them.
  for (const one of directives) {
    if (one.name === "include") found.push(...(await included(one, reading, above)));
    else if (one.block === null) found.push(one);
    else found.push({ ...one, block: await withIncludes(one.block, reading, above) });
  }
  return found;
}

/** What a file that is included has in it; the directive itself where that cannot be read. */
async function included(
  directive: Directive,
  reading: Reading,
  above: readonly string[],
): Promise<readonly Directive[]> {
  const { problems } = reading;
  const { file: from, line } = directive;
  const [pattern = ""] = directive.args;
  const where = { file: from, line };
  const problem = (text: string): readonly Directive[] => {
    if (!problems.some((one) => one.text === text)) problems.push({ text, where });
    return [directive];
  };
  // nginx: a relative path is looked for beside the main file.
  const path = isAbsolute(pattern) ? pattern : join(reading.root, pattern);
  const files = await expandGlob(path);
  if (files.length === 0) {
    if (/[*?[]/.test(pattern)) reading.emptyIncludes.push({ text: path, where });
    else return problem(`open() "${path}" failed (2: No such file or directory)`);
  }
  const found: Directive[] = [];
  for (const file of files) {
    const real = await realpath(file).catch(() => file);
    if (above.includes(real)) return problem(`${file} includes itself: nginx reads it without end`);
    if (reading.files >= FILES_MAX) {
      return problem(`more than ${FILES_MAX} files are included: the rest was not read`);
    }
    const inner = await readInto(file, reading, above).catch((error: NodeJS.ErrnoException) =>
      problem(`open() "${file}" failed (${error.code ?? error.message})`),
    );
    found.push(...inner);
  }
  return found;
}

/** Directives that end with a semicolon, and are met so often that a missing one shows. */
const SIMPLE = new RegExp(
  "^(?:listen|server_name|root|index|alias|try_files|return|rewrite|set|add_header|resolver|" +
    "include|user|pid|sendfile|default_type|internal|deny|allow|expires|keepalive|" +
    "keepalive_timeout|error_page|(?:proxy|fastcgi|uwsgi|scgi|grpc|ssl|client|gzip|worker|" +
    "access|error|send|large_client)_[a-z0-9_]+)$",
);

/** Blocks have names of their own in modules of others; these are nginx's. */
const DEPTH_MAX = 64;

class Parser {
  private readonly tokens: readonly NginxToken[];
  private readonly file: string;
  private readonly problems: Problem[];

  constructor(tokens: readonly NginxToken[], file: string, problems: Problem[]) {
    this.tokens = tokens;
    this.file = file;
    this.problems = problems;
  }

  /** The directives up to the end of the block, and where to go on. */
  block(from: number, depth: number): readonly [readonly Directive[], number] {
    const directives: Directive[] = [];
    let words: NginxToken[] = [];
    let at = from;
    const add = (block: readonly Directive[] | null): void => {
      const [first, ...rest] = words;
      words = [];
      if (first === undefined) return;
      this.checkEnd(first, rest, block !== null);
      const args = rest.map(({ text }) => text);
      directives.push({ name: first.text, args, file: this.file, line: first.line, block });
    };
    while (at < this.tokens.length) {
      const token = this.tokens[at] as NginxToken;
      at += 1;
      if (!token.sign) words.push(token);
      else if (token.text === ";") add(null);
      else if (token.text === "}") {
        if (words[0] !== undefined) this.notEnded(words[0]);
        add(null);
        if (depth > 0) return [directives, at];
        this.report('unexpected "}"', token.line);
      } else if (depth < DEPTH_MAX) {
        const [block, next] = this.block(at, depth + 1);
        add(block);
        at = next;
      }
    }
    if (words[0] !== undefined) this.notEnded(words[0]);
    add(null);
    if (depth > 0) this.report('unexpected end of file, expecting "}"', this.lastLine);
    return [directives, at];
  }

  private get lastLine(): number {
    return this.tokens.at(-1)?.line ?? 1;
  }

  /** A directive's name at the begin of a line ends up as an argument of the one before. */
  private checkEnd(first: NginxToken, rest: readonly NginxToken[], block: boolean): void {
    if (!SIMPLE.test(first.text) && !(first.text === "server" && rest.length > 0)) return;
    const next = rest.find(
      ({ text, line, first: begins }) =>
        begins && line > first.line && (SIMPLE.test(text) || /^(?:location|server)$/.test(text)),
    );
    if (next !== undefined || (block && SIMPLE.test(first.text))) this.notEnded(first);
  }

  private notEnded({ text, line }: NginxToken): void {
    this.report(`directive "${text}" is not terminated by ";"`, line);
  }

  private report(text: string, line: number): void {
    this.problems.push({ text, where: { file: this.file, line } });
  }
}

/** Every directive of a name, in this block and in those inside it. */
export function everywhere(directives: readonly Directive[], name: string): readonly Directive[] {
  return directives.flatMap((one) => [
    ...(one.name === name ? [one] : []),
    ...(one.block === null ? [] : everywhere(one.block, name)),
  ]);
}
