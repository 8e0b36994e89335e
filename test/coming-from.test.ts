/** Each line of docs/coming-from.md has a test that is there. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { COMING_FROM } from "./tools/docs-coming-from.js";
import { ROOT } from "./tools/source-files.js";

const rows = Object.values(COMING_FROM).flat();

it.each(rows)("%s is %s: %s in %s", (_there, _here, title, file) => {
  expect(readFileSync(ROOT + file, "utf8")).toContain(`"${title}"`);
});
