import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../src/base/random.js";
import { EJECTION } from "../../../src/catalog/defaults.js";
import { failsMore, isSlower, type Lately } from "../../../src/targets/outlier.js";

const lately = (answers: number, failures = 0, meanMs = 10): Lately => ({
  answers,
  failures,
  meanMs,
});

describe("who fails more than its peers", () => {
  const fails = (own: Lately, ...peers: Lately[]) => failsMore(own, peers, EJECTION);

  it("is found among two and among many", () => {
    expect(fails(lately(200, 60), lately(200))).toBe(true);
    expect(fails(lately(200, 60), lately(200), lately(200, 2))).toBe(true);
    expect(fails(lately(200), lately(200, 60))).toBe(false);
  });

  it("is nobody when all fail alike, however often", () => {
    expect(fails(lately(200, 180), lately(200, 176), lately(200, 184))).toBe(false);
    expect(fails(lately(100, 100), lately(100, 100))).toBe(false);
  });

  it("is nobody by a few failures, nor by less than a tenth", () => {
    expect(fails(lately(60, 5), lately(60))).toBe(false);
    expect(fails(lately(5_000, 480), lately(5_000))).toBe(false);
    expect(fails(lately(5_000, 520), lately(5_000))).toBe(true);
  });

  it("is nobody where too little is known, of itself or of all the others", () => {
    expect(fails(lately(49, 49), lately(200))).toBe(false);
    expect(fails(lately(200, 200), lately(49))).toBe(false);
    expect(fails(lately(200, 200))).toBe(false);
  });

  it("is next to nobody where chance alone makes the difference", () => {
    const random = seededRandom(7);
    const draw = (count: number) =>
      lately(count, Array.from({ length: count }).filter(() => random.next() < 0.1).length);
    let found = 0;
    for (let round = 0; round < 3_000; round += 1) {
      if (fails(draw(200), draw(200), draw(200))) found += 1;
    }
    expect(found).toBeLessThanOrEqual(3);
  });
});

describe("what is asked of the evidence", () => {
  const half = [lately(10, 5), [lately(10)]] as const;

  it("is an answer less than volumeMin that tells nothing", () => {
    expect(failsMore(...half, { ...EJECTION, volumeMin: 10 })).toBe(true);
    expect(failsMore(...half, { ...EJECTION, volumeMin: 11 })).toBe(false);
  });

  it("is a gap of successDeviations", () => {
    // One is 0.158: half of what its peers do lies within four, and not within three.
    const at = (successDeviations: number) => ({ ...EJECTION, volumeMin: 10, successDeviations });
    expect(failsMore(...half, at(3))).toBe(true);
    expect(failsMore(...half, at(4))).toBe(false);
  });
});

describe("who is slower than its peers", () => {
  const slower = (own: Lately, ...peers: Lately[]) => isSlower(own, peers, EJECTION);

  it("takes five times as long, and a quarter of a second more", () => {
    expect(slower(lately(100, 0, 400), lately(100, 0, 70), lately(100, 0, 60))).toBe(true);
    expect(slower(lately(100, 0, 400), lately(100, 0, 90))).toBe(false);
    expect(slower(lately(100, 0, 60), lately(100, 0, 5))).toBe(false);
  });

  it("is compared with the middle of its peers, so that another slow one hides nobody", () => {
    const peers = [lately(100, 0, 3_000), lately(100, 0, 20), lately(100, 0, 25)];
    expect(slower(lately(100, 0, 1_000), ...peers)).toBe(true);
    expect(slower(lately(100, 0, 1_000), lately(100, 0, 20), lately(100, 0, 900))).toBe(false);
  });

  it("is nobody where too little is known, or a factor of Infinity was asked for", () => {
    expect(slower(lately(49, 0, 1_000), lately(100))).toBe(false);
    expect(slower(lately(100, 0, 1_000), lately(100, 0, 0))).toBe(false);
    const never = { ...EJECTION, latencyFactor: Number.POSITIVE_INFINITY };
    expect(isSlower(lately(100, 0, 9_000), [lately(100)], never)).toBe(false);
  });
});
