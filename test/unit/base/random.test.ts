import * as fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { InvariantError } from "../../../src/base/invariant.js";
import { seededRandom, systemRandom } from "../../../src/base/random.js";

const draws = (seed: number, count: number): number[] => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random.next());
};

describe("systemRandom", () => {
  afterEach(() => vi.restoreAllMocks());

  it("reads Math.random when it is called, so that a test can replace it", () => {
    vi.spyOn(Math, "random").mockReturnValue(0.25);
    expect(systemRandom.next()).toBe(0.25);
  });
});

describe("seededRandom", () => {
  it("gives the same numbers for the same seed", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (seed) => {
        expect(draws(seed, 20)).toEqual(draws(seed, 20));
      }),
    );
  });

  it("keeps the numbers of a seed from one release to the next", () => {
    expect(draws(1, 3)).toMatchInlineSnapshot(`
      [
        0.09156953175513294,
        0.8881928137485323,
        0.43427017709149285,
      ]
    `);
    expect(draws(2 ** 40 + 1, 3)).toMatchInlineSnapshot(`
      [
        0.9325303122372147,
        0.4493014329289935,
        0.4677630166160319,
      ]
    `);
  });

  it("stays within 0 and 1, and never repeats itself at once, for any seed", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (seed) => {
        const numbers = draws(seed, 50);
        for (const number of numbers) {
          expect(number).toBeGreaterThanOrEqual(0);
          expect(number).toBeLessThan(1);
        }
        expect(new Set(numbers).size).toBe(numbers.length);
      }),
    );
  });

  it("gives different numbers for seeds that differ in any part", () => {
    const seeds = [0, 1, -1, 2, 2 ** 31, 2 ** 32, 2 ** 32 + 1, -(2 ** 40), 2 ** 52];
    expect(new Set(seeds.map((seed) => draws(seed, 1)[0])).size).toBe(seeds.length);
  });

  it("spreads evenly: each tenth gets a tenth", () => {
    const counts = new Array<number>(10).fill(0);
    for (const number of draws(42, 100_000)) {
      const tenth = Math.floor(number * 10);
      counts[tenth] = (counts[tenth] ?? 0) + 1;
    }
    // Five standard deviations of a count of 10,000 are about 475.
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(475);
  });

  it("gives first numbers that are spread evenly over neighbouring seeds", () => {
    const firsts = Array.from({ length: 10_000 }, (_, seed) => draws(seed, 1)[0] ?? 0);
    const mean = firsts.reduce((sum, number) => sum + number, 0) / firsts.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02);
  });

  it("refuses a seed that is not a whole number", () => {
    expect(() => seededRandom(0.5)).toThrow(InvariantError);
    expect(() => seededRandom(Number.NaN)).toThrow(InvariantError);
  });
});
