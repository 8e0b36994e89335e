/**
 * Every promise at every door; `npm test` lets the doors take turns.
 */
import { describe, it } from "vitest";
import { DOORS } from "./all-doors.js";
import { PROMISES } from "./all-promises.js";
import type { Door } from "./door.js";
import type { DoorPromise } from "./promise.js";
import { takesTurn } from "./turns.js";

/** Real sockets on a machine that may be busy. */
const SLOW_MS = 60_000;

describe.each(DOORS.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  for (const [chapter, rows] of PROMISES) {
    const can = (row: DoorPromise, other: Door) => (row.cannot?.(other) ?? null) === null;
    const asked = rows.filter(
      (row, index) =>
        can(row, door) &&
        (door.absent !== undefined || takesTurn(door, index, (other) => can(row, other))),
    );
    if (asked.length === 0) continue;
    describe(chapter, () => {
      for (const row of asked) {
        it.skipIf(door.absent !== undefined).concurrent(row.name, { timeout: SLOW_MS }, () =>
          row.show(door),
        );
      }
    });
  }
});
