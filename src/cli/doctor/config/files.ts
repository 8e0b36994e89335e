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
        const fits = matcher(part);
        return names.filter((name) => fits.test(name)).map((name) => join(folder, name));
      }),
    );
    found = next.flat().slice(0, FILES_MAX);
  }
  const files = await Promise.all(
    found.map(async (path) => ((await stat(path).catch(() => null))?.isFile() ? path : null)),
  );
  return files.filter((path) => path !== null).sort();
}

function matcher(part: string): RegExp {
  const escaped = part.replace(/[.+^${}()|\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}$`);
}
