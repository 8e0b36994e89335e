/**
 * The command `good-gateway reference`: writes the error reference as a static site, with the box
 * that explains what is pasted. It writes into a folder that is empty or its own, and nowhere else.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { type CommandWorld, EXIT, usageError } from "../terminal/command.js";
import { printable } from "../terminal/printable.js";
import { siteFiles } from "./site.js";

export const REFERENCE_USAGE = `\
good-gateway reference --out DIR   the error reference as a static site, with a box that explains

  a folder of plain files: no server, no network requests
`;

/** Built beside this bundle, compressed: most of it is text that the command has, too. */
const ENGINE = new URL("./browser/engine.js.gz", import.meta.url);

export async function runReference(
  args: readonly string[],
  world: CommandWorld,
  engine: URL = ENGINE,
): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { out: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
    if (values.help === true) {
      world.stdout.write(REFERENCE_USAGE);
      return EXIT.well;
    }
    const { out = "" } = values;
    if (out === "") throw new TypeError("reference needs a folder: --out DIR");
    const files = siteFiles(gunzipSync(await readFile(engine)).toString());
    await mkdir(out, { recursive: true });
    await refuseForeign(out, new Set(files.map(({ name }) => name)));
    for (const { name, text } of files) await writeFile(join(out, name), text);
    world.stdout.write(`${files.length} pages in ${printable(out)}; begin with index.html\n`);
    return EXIT.well;
  } catch (error) {
    return usageError(world, (error as Error).message, "reference");
  }
}

/** A page of another program is not overwritten. */
async function refuseForeign(folder: string, own: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!own.has(name)) continue;
    const text = await readFile(join(folder, name), "utf8");
    if (!text.includes("Made by good-gateway reference.")) {
      throw new TypeError(`${join(folder, name)} is not of this command, and is left as it is`);
    }
  }
}
