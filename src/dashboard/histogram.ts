/**
 * Latencies of one slot of time, for percentiles: counts in buckets whose bounds grow by a factor.
 *
 * Guarantee: about 400 bytes however much is counted; what is read is at most 8 % beside the truth,
 * from half a millisecond to ten minutes, and histograms add up without losing anything.
 */

/** A bucket is so much wider than the one before it. */
const GROWTH = 1.15;
const FIRST_MS = 0.5;
const BUCKETS = 102;
const LOG_GROWTH = Math.log(GROWTH);

export type BucketCounts = Uint32Array;

export function histogram(): BucketCounts {
  return new Uint32Array(BUCKETS);
}

export function observe(counts: BucketCounts, ms: number): void {
  const place = ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH);
  const bucket = Math.min(place, BUCKETS - 1);
  counts[bucket] = (counts[bucket] as number) + 1;
}

/** Adds what the second one has counted to the first. */
export function merge(into: BucketCounts, from: BucketCounts): void {
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    into[bucket] = (into[bucket] as number) + (from[bucket] as number);
  }
}

/** The latency that so large a share stayed below, from 0 to 1; null when nothing was counted. */
export function percentile(counts: BucketCounts, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const wanted = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= wanted;
  });
  return rounded(middleOf(bucket));
}

/** The geometric middle of a bucket: as far from the truth at one end as at the other. */
function middleOf(bucket: number): number {
  return bucket === 0 ? FIRST_MS : FIRST_MS * GROWTH ** (bucket - 0.5);
}

/** Three figures say all that a bucket knows. */
function rounded(ms: number): number {
  return Number(ms.toPrecision(3));
}
