/**
 * Bodies of every kind and size, both ways, at every door.
 */
import { describe, expect, it } from "vitest";
import { DOORS } from "./all-doors.js";
import { downloads, earlyAnswers, takes, uploads, type Way, waysOf } from "./bodies.js";
import { BODY_KINDS } from "./body-kinds.js";
import { ONCE, takesTurn } from "./turns.js";

/** Megabytes on a busy machine. */
const SLOW_MS = 120_000;
const doors = DOORS.filter(({ kind }) => kind !== "upgrade");

describe.each(doors.map((door) => [door.name, door] as const))("%s", (_name, door) => {
  const test = it.skipIf(door.absent !== undefined);

  for (const [index, kind] of BODY_KINDS.entries()) {
    if (!takes(kind, door)) continue;
    if (!takesTurn(door, index, (other) => takes(kind, other))) continue;
    const all = waysOf(door);
    const ways = ONCE ? [all[index % all.length] as Way] : all;
    const row = `an upload of ${kind.name}`;
    test(`${row} arrives once, and as it was given`, { timeout: SLOW_MS }, async () => {
      for (const way of ways) expect(await uploads(door, kind, way)).toEqual([]);
    });
    if (kind.length === true) continue;
    test(`${row} that is answered early is sent once`, { timeout: SLOW_MS }, async () => {
      for (const way of ways) expect(await earlyAnswers(door, kind, way)).toEqual([]);
    });
  }

  test("an answer arrives as it was sent", { timeout: SLOW_MS }, async () => {
    for (const way of waysOf(door)) expect(await downloads(door, way)).toEqual([]);
  });
});
