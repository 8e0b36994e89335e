/**
 * Rounds → figures. Medians everywhere; a ratio is taken within each round before its median is, so
 * that a slow minute of the machine, which both sides of it had, does not count.
 */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle];
  return (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The middle, and how far the others lie from it. */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * What a request costs when nothing else disturbs: the lower decile over short windows of all
 * rounds.
 * Other work on the machine can only make a window dearer. Null where the load counted no windows.
 */
function quietPer10k(rounds) {
  const windows = rounds.flatMap((round) => round.windows).sort((a, b) => a - b);
  return windows.length === 0 ? null : windows[Math.floor(windows.length * 0.1)] * 10_000;
}

/** `rounds` are those of one proxy, `baseline` those of the one it is compared with, or null. */
export function summarise(rounds, baseline) {
  const over = (key) => median(rounds.map((round) => round[key]));
  const against = (key) =>
    baseline === null ? null : spread(rounds.map((round, i) => round[key] / baseline[i][key]));
  const ratio = against("cpuPer10k");
  const quiet = quietPer10k(rounds);
  return {
    quietPer10k: quiet,
    quietRatio: quiet === null || baseline === null ? null : quiet / quietPer10k(baseline),
    cpuPer10k: over("cpuPer10k"),
    ratio: ratio?.median ?? null,
    ratioMin: ratio?.min ?? null,
    ratioMax: ratio?.max ?? null,
    perSecond: over("perSecond"),
    busy: over("busy"),
    p50Ms: over("p50Ms"),
    p99Ms: over("p99Ms"),
    p99Ratio: against("p99Ms")?.median ?? null,
    peakBytes: Math.max(...rounds.map((round) => round.peakBytes)),
  };
}
