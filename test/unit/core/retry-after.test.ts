/** `Retry-After`: both of its forms, nothing else, and never a wait that is no number. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatRetryAfter, parseRetryAfterMs } from "../../../src/core/retry-after.js";

const NOW = Date.UTC(1994, 10, 6, 8, 49, 30);

describe("a Retry-After that was received", () => {
  it.each([
    ["0", 0],
    ["1", 1_000],
    ["120", 120_000],
    [" 7\t", 7_000],
    ["9999999999", 9_999_999_999_000],
    ["12345678901", 12_345_678_901_000],
    ["9".repeat(400), Number.MAX_SAFE_INTEGER],
  ])("in seconds: %j", (value, ms) => {
    expect(parseRetryAfterMs(value, NOW)).toBe(ms);
  });

  it.each([
    ["Sun, 06 Nov 1994 08:49:37 GMT"],
    ["Sunday, 06-Nov-94 08:49:37 GMT"],
    ["Sun Nov  6 08:49:37 1994"],
  ])("as a date in one of its three forms: %j", (value) => {
    expect(parseRetryAfterMs(value, NOW)).toBe(7_000);
  });

  it("of a date that has passed is no wait", () => {
    expect(parseRetryAfterMs("Sun, 06 Nov 1994 08:49:29 GMT", NOW)).toBe(0);
  });

  it.each([
    [""],
    ["soon"],
    ["-1"],
    ["+1"],
    ["1.5"],
    ["1e3"],
    ["0x10"],
    ["1, 2"],
    ["2026-01-01T00:00:00Z"],
    ["Sun, 06 Nov 1994 08:49:37 +0100"],
    ["Sun, 06 Nov 1994 08:49:37 PST"],
    ["Sun, 06 Foo 1994 08:49:37 GMT"],
    ["Sun, 06 Nov 1994 99:49:37 GMT"],
    ["06 Nov 1994"],
  ])("of any other form says nothing: %j", (value) => {
    expect(parseRetryAfterMs(value, NOW)).toBeNull();
  });

  it("is never below zero, never infinite and never no number", () => {
    const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, "0"));
    const dateLike = fc
      .tuple(two(39), fc.constantFrom("Jan", "Feb", "Dec", "Xyz"), fc.nat(9_999), two(29), two(69))
      .map(([day, month, year, h, m]) => {
        return `Mon, ${day} ${month} ${String(year).padStart(4, "0")} ${h}:${m}:${m} GMT`;
      });
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), dateLike), (value) => {
        const ms = parseRetryAfterMs(value, NOW);
        if (ms !== null) expect(Number.isFinite(ms) && ms >= 0).toBe(true);
      }),
    );
  });
});

describe("a Retry-After that is sent", () => {
  it.each([
    [0, "1"],
    [1, "1"],
    [1_000, "1"],
    [1_001, "2"],
    [59_999, "60"],
  ])("%d ms is %s whole seconds, rounded up and at least one", (ms, text) => {
    expect(formatRetryAfter(ms)).toBe(text);
  });

  it("is never sooner than what was meant, and is read as what was written", () => {
    fc.assert(
      fc.property(fc.nat(10_000_000), (ms) => {
        expect(parseRetryAfterMs(formatRetryAfter(ms), NOW)).toBeGreaterThanOrEqual(ms);
      }),
    );
  });
});
