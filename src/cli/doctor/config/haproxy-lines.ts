/**
 * The sections of a HAProxy configuration, with their lines, and the settings that hold in each by
 * the `defaults` before it.
 */
import { timeMs } from "./units.js";
import { type ConfigLine, readLines } from "./words-of-lines.js";

/** A section: `backend app`, with its lines. */
export interface HaproxySection {
  readonly kind: string;
  readonly name: string;
  readonly head: ConfigLine;
  readonly lines: readonly ConfigLine[];
  /** The `defaults` section that came before it. */
  readonly defaults: readonly ConfigLine[];
}

const SECTION = new Set([
  "global",
  "defaults",
  "frontend",
  "backend",
  "listen",
  "peers",
  "resolvers",
  "userlist",
  "cache",
  "program",
  "ring",
  "mailers",
]);

export async function readSections(file: string): Promise<readonly HaproxySection[]> {
  const sections: {
    kind: string;
    name: string;
    head: ConfigLine;
    lines: ConfigLine[];
    defaults: readonly ConfigLine[];
  }[] = [];
  let defaults: readonly ConfigLine[] = [];
  for (const line of await readLines(file)) {
    const [kind = "", name = ""] = line.words;
    if (SECTION.has(kind)) {
      const section = { kind, name, head: line, lines: [], defaults };
      sections.push(section);
      if (kind === "defaults") defaults = section.lines;
    } else {
      sections.at(-1)?.lines.push(line);
    }
  }
  return sections;
}

/** The sections that have servers. */
export function backendsOf(sections: readonly HaproxySection[]): readonly HaproxySection[] {
  return sections.filter(({ kind }) => kind === "backend" || kind === "listen");
}

/** The servers, each with the words of `default-server` behind its own. */
export function serversOf({ lines, defaults }: HaproxySection): readonly ConfigLine[] {
  const common = [...lines, ...defaults]
    .filter(({ words }) => words[0] === "default-server")
    .flatMap(({ words }) => words.slice(1));
  return lines.flatMap(serverLine).map((line) => ({ ...line, words: [...line.words, ...common] }));
}

/** `server-template PREFIX COUNT ADDRESS` makes as many servers of one address as it says. */
function serverLine(line: ConfigLine): readonly ConfigLine[] {
  const [first = "", name = "", count = "", ...rest] = line.words;
  if (first === "server") return [line];
  if (first !== "server-template") return [];
  return [{ ...line, words: ["server", `${name}${count}`, ...rest] }];
}

/** Taken out by hand; it gets no calls. */
export function isDisabled(server: ConfigLine): boolean {
  return server.words.includes("disabled", 3) || optionOf(server, "weight") === "0";
}

/** The line that begins with these words, in the section or in its defaults. */
export function settingOf(
  { lines, defaults }: HaproxySection,
  ...begin: readonly string[]
): ConfigLine | null {
  const fits = ({ words }: ConfigLine): boolean =>
    begin.every((word, index) => words[index] === word);
  return lines.find(fits) ?? defaults.find(fits) ?? null;
}

export function timeoutOf(section: HaproxySection, name: string): number | null {
  return timeMs(settingOf(section, "timeout", name)?.words[2] ?? "", "ms");
}

/** What a server line says after its address. */
export function optionOf({ words }: ConfigLine, name: string): string | true | null {
  const at = words.indexOf(name, 3);
  if (at < 0) return null;
  return words[at + 1] ?? true;
}
