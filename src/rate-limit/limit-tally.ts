/**
 * Requests of a limit, counted by tier and by what became of them.
 * There are no more tiers than the options name.
 */
import type { RateLimitCounts } from "../records/rate-limits.js";

export class LimitTally {
  readonly #tiers = new Map<string, { admitted: number; refused: number; wouldRefuse: number }>();

  note(tier: string, what: keyof RateLimitCounts): void {
    let counts = this.#tiers.get(tier);
    if (counts === undefined) {
      counts = { admitted: 0, refused: 0, wouldRefuse: 0 };
      this.#tiers.set(tier, counts);
    }
    counts[what] += 1;
  }

  counts(): Readonly<Record<string, RateLimitCounts>> {
    return Object.fromEntries([...this.#tiers].map(([tier, counts]) => [tier, { ...counts }]));
  }
}
