/**
 * Files that a configuration names by a pattern: `*` and `?` in any part of a path, in the order of
 * the alphabet, as every front includes them.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

const FILES_MAX = 1_000;

/** The files that a pattern names; a path without a pattern is given back, if it exists. */
export async function expandGlob(pattern: string): Promise<readonly string[]> {
  let found: readonly string[] = [pattern.startsWith("/") ? "/" : "."];
  for (const part of pattern.split("/").filter(Boolean)) {
    const next = await Promise.all(
      found.map(async (folder) => {
        if (!/[*?[]/.test(part)) return [join(folder, part)];
        const names = await readdir(folder).catch(() => []);
        const tokens = tokensOf(part);
        return names.filter((name) => fits(name, tokens)).map((name) => join(folder, name));
      }),
    );
    found = next.flat().slice(0, FILES_MAX);
  }
  const files = await Promise.all(
    found.map(async (path) => ((await stat(path).catch(() => null))?.isFile() ? path : null)),
  );
  return files.filter((path) => path !== null).sort();
}

/** A part of a pattern: what one character must be, or null for any number of them. */
type Token = RegExp | null;

function tokensOf(part: string): readonly Token[] {
  const texts = part.match(/\*|\?|\[!?[^\]\\]+\]|./gs) ?? [];
  return texts.map((text) => {
    if (text === "*") return null;
    if (text === "?") return /./s;
    if (text.length > 1) return new RegExp(text.replace(/^\[!/, "[^"));
    return new RegExp(text.replace(/[.+^${}()|\\[\]]/, "\\$&"));
  });
}

/** Goes back to the last star alone, so that many stars take no longer than one. */
function fits(name: string, tokens: readonly Token[]): boolean {
  let [at, token, star, from] = [0, 0, -1, 0];
  while (at < name.length) {
    const one = tokens[token];
    if (one === null) {
      [star, from] = [token, at];
      token += 1;
    } else if (one?.test(name.charAt(at)) === true) {
      at += 1;
      token += 1;
    } else {
      if (star === -1) return false;
      from += 1;
      [at, token] = [from, star + 1];
    }
  }
  return tokens.slice(token).every((one) => one === null);
}
