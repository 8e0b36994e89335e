/**
 * The lines of an Apache configuration as Apache sees them: included files in their place,
 * variables replaced, conditions decided where they can be, and every line with the containers
 * around it.
 */
import { readFile, stat } from "node:fs/promises";
import { dirname, isAbsolute, join } from "node:path";
import { expandGlob } from "./files.js";
import { type Line, readLines } from "./words-of-lines.js";

/** `<VirtualHost *:80>`, `<Location /api>` and the like. */
export interface Container {
  /** In lower case. */
  readonly name: string;
  readonly args: readonly string[];
  readonly file: string;
  readonly line: number;
}

export interface ApacheLine extends Line {
  /** The first word in lower case. */
  readonly name: string;
  /** Outermost first. */
  readonly inside: readonly Container[];
}

interface Reading {
  readonly variables: Map<string, string>;
  readonly modules: Set<string>;
  readonly inside: Container[];
  readonly found: ApacheLine[];
  root: string;
}

const INCLUDE_DEPTH_MAX = 10;
/** What decides whether its lines hold, and is no scope of its own. */
const CONDITIONS = new Set(["ifmodule", "ifdefine", "ifversion", "iffile", "if", "elseif", "else"]);

/** All lines in order. Rejects when the file itself cannot be read. */
export async function readApache(file: string): Promise<readonly ApacheLine[]> {
  const reading: Reading = {
    variables: await environmentOf(dirname(file)),
    modules: new Set(),
    inside: [],
    found: [],
    root: dirname(file),
  };
  await readInto(file, reading, 0);
  return reading.found;
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

async function readInto(file: string, reading: Reading, depth: number): Promise<void> {
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
      reading.inside.pop();
    } else {
      await readLine({ ...line, words }, reading, depth);
    }
  }
}

async function readLine(line: Line, reading: Reading, depth: number): Promise<void> {
  const [first = "", second = "", third = ""] = line.words;
  const name = first.toLowerCase();
  if (name === "define") reading.variables.set(second, third);
  if (name === "undefine") reading.variables.delete(second);
  if (name === "serverroot") reading.root = second;
  if (name === "loadmodule") reading.modules.add(second);
  if (!/^include(?:optional)?$/.test(name) || depth >= INCLUDE_DEPTH_MAX) {
    const inside = reading.inside.filter((one) => !CONDITIONS.has(one.name));
    reading.found.push({ ...line, name, inside });
    return;
  }
  for (const file of await includedFiles(second, reading.root)) {
    await readInto(file, reading, depth + 1).catch(() => {});
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
