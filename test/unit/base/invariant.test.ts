import { describe, expect, it } from "vitest";
import { InvariantError, invariant } from "../../../src/base/invariant.js";

describe("invariant", () => {
  it("lets a condition that holds pass", () => {
    expect(() => invariant(1, "never seen")).not.toThrow();
  });

  it("throws an InvariantError with the message when the condition does not hold", () => {
    expect(() => invariant(false, "two and two are four")).toThrow(InvariantError);
    expect(() => invariant(0, "two and two are four")).toThrow("two and two are four");
  });
});
