/**
 * The version of this package, from its package.json.
 *
 * The file is looked for upwards from here, since the build puts this code elsewhere.
 */
import { readFileSync } from "node:fs";

const NAME = "good-gateway";
/** Folders between this file and package.json, at most. */
const FOLDERS_MAX = 4;

export function packageVersion(): string {
  let folder = new URL(".", import.meta.url);
  for (let up = 0; up < FOLDERS_MAX; up += 1) {
    const version = versionIn(new URL("package.json", folder));
    if (version !== null) return version;
    folder = new URL("..", folder);
  }
  throw new Error(`no package.json of ${NAME} is near ${import.meta.url}`);
}

function versionIn(file: URL): string | null {
  try {
    const { name, version } = JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
    return name === NAME && version !== undefined ? version : null;
  } catch {
    return null;
  }
}
