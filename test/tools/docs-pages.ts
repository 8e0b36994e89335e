/**
 * The pages of the documentation, and the parts of them that are generated.
 *
 * A generated part stands between `<!-- generated:name -->` and `<!-- /generated:name -->`. The
 * rest of a page is written by hand and is left alone.
 */
import { readdirSync, readFileSync } from "node:fs";
import { ROOT } from "./source-files.js";

export interface Page {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** The pages at the root and everything in docs/. */
export function readPages(): readonly Page[] {
  const docs = readdirSync(`${ROOT}docs`, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .sort();
  const paths = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    ...docs.filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
  ];
  return paths.map((path) => ({ path, text: readFileSync(ROOT + path, "utf8") }));
}

const PART = /<!-- generated:([\w-]+) -->\n([\s\S]*?)<!-- \/generated:\1 -->/g;

/** The names of the generated parts of a page, with what stands in them. */
export function partsOf(text: string): ReadonlyMap<string, string> {
  return new Map([...text.matchAll(PART)].map(([, name = "", part = ""]) => [name, part]));
}

/** The page with these parts in place of what stood in them. */
export function withParts(text: string, parts: ReadonlyMap<string, string>): string {
  return text.replace(PART, (whole, name: string) => {
    const part = parts.get(name);
    return part === undefined
      ? whole
      : `<!-- generated:${name} -->\n${part}\n<!-- /generated:${name} -->`;
  });
}

/** Rows of cells as a table; a cell is kept on its line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

/** How a heading is linked to, as the usual hosts of Markdown do it. */
export function anchorOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replace(/<[^>]*>/g, "")
    .replace(/[^\p{Letter}\p{Number}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

/** The text without its fenced blocks, whose lines are no headings or links of the page. */
export function withoutFences(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}
