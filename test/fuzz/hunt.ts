/** Case after case until the time is over: the loop of the fuzzers. */
import fc from "fast-check";
import { expect } from "vitest";
import { limiter } from "../gallery/tools/world.js";

export interface Hunt<Case> {
  readonly seconds: number;
  readonly seed: number;
  /** Cases at once, since most of a case is waiting. */
  readonly atOnce: number;
  readonly cases: fc.Arbitrary<Case>;
  /** What is wrong with how a case ended; null when nothing is. */
  readonly undergo: (one: Case) => Promise<string | null>;
  /** What was found beside the cases themselves. */
  readonly found?: readonly string[];
}

/** Gives the last seed. Fails with the first three cases that went wrong, and the seed. */
export async function hunt<Case>(options: Hunt<Case>): Promise<number> {
  const { seconds, atOnce, cases, undergo, found = [] } = options;
  const until = performance.now() + seconds * 1_000;
  const limit = limiter(atOnce);
  let { seed } = options;
  for (; ; seed += 1) {
    const batch = fc.sample(cases, { seed, numRuns: atOnce * 4 });
    const wrong = await Promise.all(
      batch.map((one) =>
        limit(async () => {
          const text = await undergo(one);
          return text === null ? null : `${text}\n${JSON.stringify(one)}`;
        }),
      ),
    );
    expect(wrong.filter((one) => one !== null).slice(0, 3), `FUZZ_SEED=${seed}`).toEqual([]);
    expect(found.slice(0, 3), `FUZZ_SEED=${seed}`).toEqual([]);
    if (performance.now() >= until) return seed;
  }
}
