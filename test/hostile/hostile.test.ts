/**
 * The lab of hostile clients and upstreams: every kind of attack at every door where it can be
 * made. HOSTILE_LONG=1 tries all of them at all doors and prints the table; the short form leaves
 * out doors that differ from others in their server alone, taking turns.
 */
import { describe, expect, it } from "vitest";
import { DOORS } from "../doors/all-doors.js";
import { KINDS } from "./all-kinds.js";
import { doorsOf, noteCell, printTable } from "./lab.js";

const long = process.env["HOSTILE_LONG"] === "1";

describe("hostile clients and upstreams", () => {
  it("there are many kinds, each with a name of its own, tried somewhere", () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(30);
    expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
    expect(KINDS.filter((kind) => !DOORS.some((door) => kind.at(door)))).toEqual([]);
  });

  for (const [at, kind] of KINDS.entries()) {
    describe(kind.name, () => {
      for (const door of doorsOf(kind, at, long)) {
        it.concurrent(door.name, { timeout: 40_000 }, async () => {
          await noteCell(kind, door, kind.attempt(door));
        });
      }
    });
  }

  if (long) it("the table", () => printTable(KINDS));
});
