// The nearest known word to a mistyped one.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/options/nearest.js";

const NAMES = ["connectMs", "responseMs", "idleMs", "totalMs", "attemptsMax", "retry", "targets"];

describe("nearest", () => {
  it.each([
    ["responseMS", "responseMs", "another case"],
    ["response_ms", "responseMs", "another way to join words"],
    ["RESPONSE-MS", "responseMs", "both"],
    ["maxAttempts", "attemptsMax", "another order of the words"],
    ["repsonseMs", "responseMs", "neighbours swapped"],
    ["conectMs", "connectMs", "a letter missing"],
    ["targetss", "targets", "a letter too many"],
    ["totelMs", "totalMs", "a letter changed"],
    ["rtry", "retry", "a letter missing in a short word"],
    ["response", "responseMs", "a beginning"],
  ])("takes %s for %s: %s", (word, meant) => {
    expect(nearest(word, NAMES)).toBe(meant);
  });

  it.each(["foo", "", "res", "Ms", "upstreams", "constructor", "ret", "🙂"])(
    "makes nothing of %j",
    (word) => {
      expect(nearest(word, NAMES)).toBeNull();
    },
  );

  it("takes the nearest when several are near", () => {
    expect(nearest("idleMx", ["idleMore", "idleMs", "idxMs"])).toBe("idleMs");
    expect(nearest("openM", ["openMsMax", "openMs"])).toBe("openMs");
  });

  it("prefers the first of equals and knows none among none", () => {
    expect(nearest("ab", ["ax", "bb"])).toBe("ax");
    expect(nearest("a", [])).toBeNull();
  });

  it("says the same of a word whatever stands behind it in the list", () => {
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), fc.array(fc.string()), (name, others) => {
        expect(nearest(name, [name, ...others])).toBe(name);
      }),
    );
  });

  it("finds every word again after one slip, whatever its kind and place", () => {
    for (const name of NAMES) {
      for (let index = 0; index < name.length; index += 1) {
        const [before, after] = [name.slice(0, index), name.slice(index + 1)];
        const changed = `${before}x${after}`;
        const added = `${before}x${name.slice(index)}`;
        for (const word of [changed, added, before + after]) {
          expect(nearest(word, NAMES), word).toBe(name);
        }
      }
    }
  });
});
