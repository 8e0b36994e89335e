/** The `Priority` field, as RFC 9218 and the Dictionary of RFC 8941 have it. */
import { describe, expect, it } from "vitest";
import { priorityOfField } from "../../../src/policies/urgency.js";

describe("the Priority field", () => {
  it.each([
    ["u=0", "CRITICAL_PLUS"],
    ["u=1, i", "CRITICAL"],
    ["u=2,i", "CRITICAL"],
    ["i, u=3", "CRITICAL"],
    ["u=4", "SHEDDABLE_PLUS"],
    ["u=5 , i=?0", "SHEDDABLE_PLUS"],
    ["  u=6;x=1;y  ", "SHEDDABLE_PLUS"],
    ["u=7", "SHEDDABLE"],
    ["u=007", "SHEDDABLE"],
    // The last one counts, whatever it is.
    ["u=1, u=7", "SHEDDABLE"],
    ["u=7, u=9", null],
    // Other members say nothing, whatever they are.
    ['a="u=7, \\" )", b=(1 "x";p=2 t), c=:aGk=:, d=1.5, e=tok/en;u=1, u=5', "SHEDDABLE_PLUS"],
    ["i", null],
    ["i=?1", null],
    ["", null],
    // Of another type, or out of range: as if it were absent.
    ["u", null],
    ["u=8", null],
    ["u=-1", null],
    ["u=1.0", null],
    ['u="7"', null],
    ["u=(7)", null],
    ["u=?1", null],
    // No Dictionary.
    ["U=7", null],
    ["u=7,", null],
    ["u=7;;", null],
    ["u=7 i", null],
    ["u =7", null],
    ["u=7, é", null],
    [`u=7, a="${"x".repeat(300)}"`, null],
  ] as const)("%j asks for %s", (value, priority) => {
    expect(priorityOfField(value)).toBe(priority);
  });

  it("takes no longer for a value that is made to take long", () => {
    const parts = ["(", "a ", ";a", "a=(", "1 ", ",", " "];
    for (const part of parts) {
      const value = `u=7, x=(${part.repeat(240)}`.slice(0, 256);
      expect(priorityOfField(value), value).toBeNull();
    }
  });
});
