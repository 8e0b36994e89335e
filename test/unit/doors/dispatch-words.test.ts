/** Fields of dispatched requests keep their form when the gateway puts in its own. */
import { describe, expect, it } from "vitest";
import { fieldsWith, lastingFields, textFields } from "../../../src/doors/dispatch-words.js";

const ADDED = ["x-try", "2"];

function* pairs(): Generator<readonly string[]> {
  yield ["X-Try", "1"];
  yield ["x-a", "1"];
}

describe("fields with others in their place", () => {
  it("stay what they are where there is nothing to add", () => {
    for (const headers of [{ "x-a": "1" }, ["x-a", "1"], new Headers(), null, undefined, "text"]) {
      expect(fieldsWith(headers, [])).toBe(headers);
    }
  });

  it("keep their form: a record, names and values in turn, Headers, pairs", () => {
    expect(fieldsWith({ "X-Try": "1", "x-a": ["1", "2"] }, ADDED)).toEqual({
      "x-a": ["1", "2"],
      "x-try": "2",
    });
    expect(fieldsWith(["X-Try", "1", "x-a", "1"], ADDED)).toEqual(["x-a", "1", "x-try", "2"]);
    expect(fieldsWith(null, ADDED)).toEqual({ "x-try": "2" });
    const headers = new Headers({ "X-Try": "1", "x-a": "1" });
    const changed = fieldsWith(headers, ADDED);
    expect(changed).toBeInstanceOf(Headers);
    expect([...(changed as Headers)]).toEqual([
      ["x-a", "1"],
      ["x-try", "2"],
    ]);
    expect(headers.get("x-try")).toBe("1");
    const given = fieldsWith(new Map([["x-try", "1"]]), ADDED) as Iterable<unknown>;
    expect([...given]).toEqual([["x-try", "2"]]);
    expect([...given]).toEqual([["x-try", "2"]]);
  });

  it("repair nothing that undici would refuse", () => {
    const odd = ["x-a", "1", "x-b"];
    expect(fieldsWith(odd, ADDED)).toBe(odd);
    expect(fieldsWith("x-a: 1", ADDED)).toBe("x-a: 1");
    expect([...(fieldsWith(new Set(["x-a"]), ADDED) as Iterable<unknown>)]).toContain("x-a");
  });
});

describe("fields that come out of a generator", () => {
  it("can be read by every attempt", () => {
    const lasting = lastingFields(pairs()) as Iterable<unknown>;
    expect([...lasting]).toEqual([...pairs()]);
    expect([...lasting]).toEqual([...pairs()]);
  });

  it("are read for the policies, and what is no text is passed over", () => {
    expect(textFields(pairs())).toEqual(["X-Try", "1", "x-a", "1"]);
    const odd = {
      "x-n": 5,
      "x-o": {},
      "x-l": ["1", null, 2],
      "x-s": Symbol("s"),
      "x-u": undefined,
    };
    expect(textFields(odd)).toEqual(["x-n", "5", "x-l", "1", "x-l", "2"]);
    expect([textFields("x"), textFields(null), textFields(["a"])]).toEqual([[], [], []]);
  });
});
