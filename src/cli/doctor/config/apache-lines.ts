/**
 * The lines of an Apache configuration as Apache sees them: included files in their place,
 * variables replaced, conditions decided where they can be, and every line with the containers
 * around it.
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { expandGlob } from "./files.js";
import type { Problem } from "./front-config.js";
import { type ConfigLine, readLines } from "./words-of-lines.js";

/** `<VirtualHost *:80>`, `<Location /api>` and the like. */
export interface ApacheContainer {
  /** In lower case. */
  readonly name: string;
  readonly args: readonly string[];
  readonly file: string;
  readonly line: number;
}

export interface ApacheLine extends ConfigLine {
  /** The first word in lower case. */
  readonly name: string;
  /** Outermost first. */
  readonly inside: readonly ApacheContainer[];
}

interface Reading {
  readonly variables: Map<string, string>;
  readonly modules: Set<string>;
  readonly inside: ApacheContainer[];
  readonly found: ApacheLine[];
  readonly problems: Problem[];
  root: string;
  files: number;
}

/** Files that include each other end here. */
const FILES_MAX = 1_000;
/** Longer than any address or path; values that double each other would fill the memory. */
const VALUE_CHARACTERS_MAX = 8_192;
/** What decides whether its lines hold, and is no scope of its own. */
const CONDITIONS = new Set(["ifmodule", "ifdefine", "ifversion", "iffile", "if", "elseif", "else"]);

export interface ApacheText {
  readonly lines: readonly ApacheLine[];
  /** What Apache does not start with. */
  readonly problems: readonly Problem[];
}

/** All lines in order. Rejects when the file itself cannot be read. */
export async function readApache(file: string): Promise<ApacheText> {
  const reading: Reading = {
    variables: await environmentOf(dirname(file)),
    modules: new Set(),
    inside: [],
    found: [],
    problems: [],
    root: dirname(file),
    files: 0,
  };
  await readInto(file, reading, []);
  const [open] = reading.inside;
  if (open !== undefined) {
    report(reading, `<${open.name}> has no </${open.name}>`, open);
  }
  return { lines: reading.found, problems: reading.problems };
}

function report(
  { problems }: Reading,
  text: string,
  { file, line }: { readonly file: string; readonly line: number },
): void {
  if (!problems.some((one) => one.text === text)) problems.push({ text, where: { file, line } });
}

/** Debian keeps ${APACHE_LOG_DIR} and the like in a file beside the configuration. */
async function environmentOf(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, "envvars"), "utf8").catch(() => "");
  const found = text.matchAll(/^\s*(?:export\s+)?(\w+)=(\S*)$/gm);
  const plain = [...found].map(([, name = "", value = ""]) => [
    name,
    value.replace(/\$SUFFIX|\$\{SUFFIX\}|["']/g, ""),
  ]);
  return new Map(plain as [string, string][]);
}

async function readInto(file: string, reading: Reading, above: readonly string[]): Promise<void> {
  reading.files += 1;
  const chain = [...above, await realpath(file).catch(() => file)];
  const skipped: string[] = [];
  for (const line of await readLines(file)) {
    const words = line.words.map((word) => replaced(word, reading.variables));
    const [first = "", ...rest] = words;
    const opened = /^<(\w+)/.exec(first)?.[1]?.toLowerCase();
    const closed = /^<\/(\w+)/.exec(first)?.[1]?.toLowerCase();
    if (skipped.length > 0) {
      if (opened !== undefined) skipped.push(opened);
      if (closed !== undefined) skipped.pop();
    } else if (opened !== undefined) {
      const args = rest.map((word) => word.replace(/>$/, "")).filter((word) => word !== "");
      if (!holds(opened, args, reading)) skipped.push(opened);
      else reading.inside.push({ name: opened, args, file, line: line.line });
    } else if (closed !== undefined) {
      const open = reading.inside.pop();
      if (open?.name !== closed)
        report(reading, `</${closed}> without <${closed}> before it`, line);
    } else {
      await readLine({ ...line, words }, reading, chain);
    }
  }
}

async function readLine(
  line: ConfigLine,
  reading: Reading,
  chain: readonly string[],
): Promise<void> {
  const [first = "", second = "", third = ""] = line.words;
  const name = first.toLowerCase();
  if (name === "define" && third.length > VALUE_CHARACTERS_MAX) {
    report(reading, `Define ${second} is longer than ${VALUE_CHARACTERS_MAX} characters`, line);
  } else if (name === "define") reading.variables.set(second, third);
  if (name === "undefine") reading.variables.delete(second);
  if (name === "serverroot") reading.root = second;
  if (name === "loadmodule") reading.modules.add(second);
  if (!/^include(?:optional)?$/.test(name)) {
    const inside = reading.inside.filter((one) => !CONDITIONS.has(one.name));
    reading.found.push({ ...line, name, inside });
    return;
  }
  const files = await includedFiles(second, reading.root);
  // Apache: a pattern of IncludeOptional may fit nothing, a file of Include must be there.
  if (files.length === 0 && name === "include" && !/[*?[]/.test(second)) {
    report(reading, `Include ${second}: No such file or directory`, line);
  }
  for (const file of files) {
    const real = await realpath(file).catch(() => file);
    if (chain.includes(real)) report(reading, `${file} includes itself`, line);
    else if (reading.files >= FILES_MAX) {
      report(reading, `more than ${FILES_MAX} files are included: the rest was not read`, line);
    } else await readInto(file, reading, chain).catch(() => {});
  }
}

/** A folder stands for all files in it. */
async function includedFiles(pattern: string, root: string): Promise<readonly string[]> {
  const full = isAbsolute(pattern) ? pattern : join(root, pattern);
  const folder = (await stat(full).catch(() => null))?.isDirectory() === true;
  return expandGlob(folder ? join(full, "*") : full);
}

function replaced(word: string, variables: ReadonlyMap<string, string>): string {
  return word.replace(/\$\{(\w+)\}/g, (whole, name: string) => variables.get(name) ?? whole);
}

/** What cannot be decided from the text is taken to hold. */
function holds(name: string, [condition = ""]: readonly string[], reading: Reading): boolean {
  const no = condition.startsWith("!");
  const wanted = condition.replace(/^!/, "");
  if (name === "ifdefine") return reading.variables.has(wanted) !== no;
  // Without any LoadModule before it nothing is known of the modules.
  if (name !== "ifmodule" || reading.modules.size === 0) return !no;
  const module = wanted.replace(/^mod_(\w+)\.c$/, "$1_module");
  return (reading.modules.has(module) || BUILT_IN.has(module)) !== no;
}

/** In every build of Debian and most others. */
const BUILT_IN = new Set(["so_module", "core_module", "unixd_module", "log_config_module"]);

/** The line that holds at a place: of the innermost scope that has it, the last. */
export function settingAt(
  lines: readonly ApacheLine[],
  place: Pick<ApacheLine, "inside">,
  name: string,
): ApacheLine | null {
  const around = lines.filter(
    (line) => line.name === name && line.inside.every((one, at) => one === place.inside[at]),
  );
  const depth = Math.max(-1, ...around.map(({ inside }) => inside.length));
  return around.findLast(({ inside }) => inside.length === depth) ?? null;
}
