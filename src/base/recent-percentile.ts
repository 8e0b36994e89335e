/**
 * A percentile of the last few hundred numbers, such as latencies.
 *
 * It sorts a copy now and then and not at every question, so that adding and asking cost next to
 * nothing. Guarantee: it says nothing until it has seen enough, and forgets what is old by count.
 */
export interface RecentPercentile {
  add(value: number): void;
  /** The value that this share of the last ones does not pass; null while there are too few. */
  at(share: number): number | null;
}

export interface RecentPercentileOptions {
  /** How many are kept. */
  readonly kept: number;
  /** Below this many it says nothing. */
  readonly least: number;
  /** After so many new ones it sorts anew. */
  readonly sortEvery: number;
}

export function recentPercentile(options: RecentPercentileOptions): RecentPercentile {
  const { kept, least, sortEvery } = options;
  const ring: number[] = [];
  let added = 0;
  let sortedAt = 0;
  let sorted: readonly number[] = [];
  return {
    add(value) {
      ring[added % kept] = value;
      added += 1;
    },
    at(share) {
      if (ring.length < least) return null;
      if (sorted.length === 0 || added - sortedAt >= sortEvery) {
        sorted = [...ring].sort((one, other) => one - other);
        sortedAt = added;
      }
      return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
    },
  };
}
