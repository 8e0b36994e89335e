/**
 * Every option of docs/options.md is shown at work at every door that documents it, or the row says
 * why that door cannot.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DOORS } from "./all-doors.js";
import { BELOW, documentedOptions, isTold, optionsPage, shownAt } from "./options.js";

const { options, unknown } = documentedOptions(optionsPage());
const below = new Set(Object.values(BELOW).flat());

describe("the options of docs/options.md", () => {
  it("every list of the page is known", () => {
    expect(unknown).toEqual([]);
    expect(options.length).toBeGreaterThan(120);
  });

  it.each(options.map((option) => [option.id, option] as const))("%s", (id, option) => {
    if (below.has(id)) return;
    const doors = DOORS.filter(option.documentedAt);
    expect(shownAt(id, doors), "a row that shows it").not.toEqual([]);
    const silent = doors.filter((door) => !isTold(id, door));
    expect(silent.map(({ name }) => name)).toEqual([]);
  });

  it.each(Object.entries(BELOW))("what lies below the doors is shown in %s", (file, ids) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    const known = new Set(options.map(({ id }) => id));
    for (const id of ids) {
      expect(known, id).toContain(id);
      expect(text).toContain(id.split(".")[1]);
    }
  });
});
