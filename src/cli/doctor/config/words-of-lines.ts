/**
 * Lines of a configuration as words, for the formats that are made of lines (Apache, HAProxy):
 * comments and continued lines are understood, quotes keep blanks together.
 */
import { readFile } from "node:fs/promises";

export interface ConfigLine {
  readonly words: readonly string[];
  readonly file: string;
  readonly line: number;
}

export async function readLines(file: string): Promise<readonly ConfigLine[]> {
  const text = await readFile(file, "utf8");
  const lines: ConfigLine[] = [];
  let pending = "";
  let startedAt = 0;
  text.split("\n").forEach((raw, index) => {
    if (pending === "") startedAt = index + 1;
    if (raw.endsWith("\\")) {
      pending += `${raw.slice(0, -1)} `;
      return;
    }
    const words = wordsOf(pending + raw);
    pending = "";
    if (words.length > 0) lines.push({ words, file, line: startedAt });
  });
  return lines;
}

function wordsOf(line: string): readonly string[] {
  const words: string[] = [];
  for (const [, double, single, bare] of line.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)) {
    if (bare?.startsWith("#")) break;
    words.push(double ?? single ?? bare ?? "");
  }
  return words;
}
