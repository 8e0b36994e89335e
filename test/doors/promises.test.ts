/**
 * Every promise at every door.
 */
import { describe, it } from "vitest";
import { DOORS } from "./all-doors.js";
import { PROMISES } from "./all-promises.js";

/** Real sockets on a machine that may be busy. */
const SLOW_MS = 60_000;

describe.each(DOORS.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  for (const [chapter, rows] of PROMISES) {
    const asked = rows.filter((row) => (row.cannot?.(door) ?? null) === null);
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
