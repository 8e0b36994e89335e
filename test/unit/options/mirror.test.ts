/**
 * `mirror`: safe methods unless others are named, and problems with the nearest right thing.
 */
import { expect, it } from "vitest";
import { createFindings } from "../../../src/options/findings.js";
import { readMirror } from "../../../src/options/read-mirror.js";

it("copies what is safe, all of it, and a few at a time", () => {
  const findings = createFindings();
  expect(readMirror(findings, "mirror", { to: "shadow" })).toEqual({
    to: "shadow",
    share: 1,
    methods: ["GET", "HEAD", "OPTIONS", "QUERY"],
    concurrencyMax: 16,
  });
  expect(findings.problems).toEqual([]);
});

it.each([
  ["shadow", 'write { to: "shadow" } or false'],
  [{}, "undefined is not the name of an upstream"],
  [{ to: "shadow", percent: 0.1 }, 'did you mean "share"?'],
  [{ to: "shadow", share: 0 }, "is not a ratio above 0, up to 1"],
  [{ to: "shadow", methods: ["post"] }, 'did you mean "POST"?'],
  [{ to: "shadow", methods: [] }, "is empty"],
  [{ to: "shadow", concurrencyMax: Number.POSITIVE_INFINITY }, "copies must be bounded"],
])("%j is a problem", (value, words) => {
  const findings = createFindings();
  readMirror(findings, "mirror", value);
  expect(findings.problems.join()).toContain(words);
});
