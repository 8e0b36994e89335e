/**
 * The lab as tests: every kind of attack at every door where it can be made. HOSTILE_LONG=1 tries
 * all of them at all doors and prints the table; the short form leaves out doors that differ from
 * others in their server alone, taking turns.
 */
import { describe, it } from "vitest";
import type { HostileKind } from "./kind.js";
import { cellsOf, labOf, printTable } from "./lab.js";

const long = process.env["HOSTILE_LONG"] === "1";
/** A limit against hanging. */
const CELL_MS = 90_000;

/** Two files share the kinds, so that two processes can. */
export function tryKinds(title: string, kinds: readonly HostileKind[]): void {
  const cells = cellsOf(kinds, long);
  const lab = labOf(cells);
  describe(title, () => {
    it.each(cells.map((cell) => [cell.kind.name, cell.door.name, cell] as const))(
      "%s: %s",
      { timeout: CELL_MS },
      async (_kind, _door, cell) => {
        const error = await lab.outcomeOf(cell);
        if (error !== undefined) throw error;
      },
    );

    if (long) it("the table", () => printTable(kinds, lab.outcomes));
  });
}
