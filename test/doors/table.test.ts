/**
 * The table of promises itself: it leaves out no failure of the catalog, and its rows say what the
 * catalog says.
 */
import { FAILURES, type FailureCode, type FailureRow } from "good-gateway";
import { describe, expect, it } from "vitest";
import { DOORS } from "./all-doors.js";
import { cannot, GALLERY } from "./gallery.js";

describe("the gallery", () => {
  it("shows every failure of the catalog, and nothing twice", () => {
    const codes = GALLERY.map(({ code }) => code);
    const all = Object.keys(FAILURES) as FailureCode[];
    expect(all.filter((code) => !codes.includes(code))).toEqual([]);
    expect(codes.length).toBe(new Set(codes).size);
  });

  it.each(GALLERY.map((row) => [row.code, row] as const))(
    "%s is answered as the catalog says, and met at a door",
    (code, row) => {
      const { status, proxyError } = FAILURES[code] as FailureRow;
      if (typeof row.answer === "number" && status !== "received") expect(row.answer).toBe(status);
      if (row.error !== null) expect(row.error).toBe(proxyError);
      expect(DOORS.filter((door) => cannot(row, door) === null)).not.toEqual([]);
    },
  );

  it("a door is named once, and says in one word what it cannot", () => {
    expect(DOORS.length).toBe(new Set(DOORS.map(({ name }) => name)).size);
    const words = DOORS.flatMap((door) => GALLERY.map((row) => cannot(row, door) ?? "runs"));
    expect(words.filter((word) => /\s/.test(word))).toEqual([]);
  });
});
