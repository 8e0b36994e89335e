/**
 * The lab of hostile clients and upstreams: every kind of attack at every door where it can be
 * made. HOSTILE_LONG=1 tries all of them at all doors and prints the table; the short form leaves
 * out doors that differ from others in their server alone, taking turns.
 */
import { describe, expect, it } from "vitest";
import { DOORS } from "../doors/all-doors.js";
import { KINDS } from "./all-kinds.js";
import { cellsOf, labOf, printTable } from "./lab.js";

const long = process.env["HOSTILE_LONG"] === "1";
/** A limit against hanging. */
const CELL_MS = 90_000;
const cells = cellsOf(KINDS, long);
const lab = labOf(cells);

describe("hostile clients and upstreams", () => {
  it("there are at least seventy kinds, each with a name of its own, tried somewhere", () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(70);
    expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
    expect(KINDS.filter((kind) => !DOORS.some((door) => kind.at(door)))).toEqual([]);
  });

  it.each(cells.map((cell) => [cell.kind.name, cell.door.name, cell] as const))(
    "%s: %s",
    { timeout: CELL_MS },
    async (_kind, _door, cell) => {
      const error = await lab.outcomeOf(cell);
      if (error !== undefined) throw error;
    },
  );

  if (long) it("the table", () => printTable(KINDS, lab.outcomes));
});
