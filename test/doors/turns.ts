/**
 * `npm test` shows each promise once for each kind of door over each engine; the doors of a group
 * take turns, so that every door is opened and every row is shown. Without TESTS_ONCE=1, as in
 * `npm run test:all`, every row is shown at every door.
 */
import { DOORS } from "./all-doors.js";
import type { Door } from "./door.js";

export const ONCE = process.env["TESTS_ONCE"] === "1";

/** Whether this door shows row number `row`, of those doors that can. */
export function takesTurn(door: Door, row: number, can: (other: Door) => boolean): boolean {
  if (!ONCE) return true;
  const able = DOORS.filter(
    (other) =>
      other.kind === door.kind &&
      other.engine === door.engine &&
      other.bodies === door.bodies &&
      other.absent === undefined &&
      can(other),
  );
  return able[row % able.length] === door;
}
