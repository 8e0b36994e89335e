/**
 * Counters and histograms by labels, bounded.
 *
 * Guarantee: a metric never has more series than its limit and one; what comes beyond is counted
 * under the label value `other`, so sums stay right.
 */

/** One value of a metric; `suffix` follows the name: `_bucket`, `_sum`, `_count`. */
export interface Sample {
  readonly suffix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that is counted up. */
export interface Counter {
  add(values: readonly string[], amount: number): void;
  samples(): readonly Sample[];
}

/** A metric of lengths, in buckets. */
export interface Histogram {
  observe(values: readonly string[], value: number): void;
  samples(): readonly Sample[];
}

const OTHER = "other";
/** Cannot be part of a label: names, codes and origins hold no control characters. */
const SEPARATOR = "\u0000";

interface SeriesOf<Value> {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Value;
}

/** Joined by hand, since this is done several times for every call. */
function keyOf(values: readonly string[]): string {
  let key = values.length === 0 ? "" : (values[0] as string);
  for (let place = 1; place < values.length; place += 1)
    key += SEPARATOR + (values[place] as string);
  return key;
}

/** Finds a series by its label values, and makes it while there is room. */
function seriesFinder<Value>(
  labels: readonly string[],
  seriesMax: number,
  make: () => Value,
  overflow: () => void,
) {
  const series = new Map<string, SeriesOf<Value>>();
  const begin = (key: string, values: readonly string[]): SeriesOf<Value> => {
    const pairs = labels.map((name, place) => [name, values[place] ?? ""] as const);
    const made = { labels: Object.fromEntries(pairs), value: make() };
    series.set(key, made);
    return made;
  };
  const others = labels.map(() => OTHER);
  const find = (values: readonly string[]): Value => {
    const key = keyOf(values);
    const known = series.get(key);
    if (known !== undefined) return known.value;
    if (series.size < seriesMax) return begin(key, values).value;
    overflow();
    const otherKey = keyOf(others);
    return (series.get(otherKey) ?? begin(otherKey, others)).value;
  };
  return { find, all: () => series.values() };
}

export function counter(
  labels: readonly string[],
  seriesMax: number,
  overflow: () => void,
): Counter {
  const { find, all } = seriesFinder(labels, seriesMax, () => ({ total: 0 }), overflow);
  return {
    add(values, amount) {
      find(values).total += amount;
    },
    samples: () =>
      [...all()].map((one) => ({ suffix: "", labels: one.labels, value: one.value.total })),
  };
}

interface Buckets {
  readonly counts: number[];
  sum: number;
  count: number;
}

export function histogram(
  labels: readonly string[],
  bounds: readonly number[],
  seriesMax: number,
  overflow: () => void,
): Histogram {
  const make = (): Buckets => ({ counts: bounds.map(() => 0), sum: 0, count: 0 });
  const { find, all } = seriesFinder(labels, seriesMax, make, overflow);
  return {
    observe(values, value) {
      const buckets = find(values);
      buckets.sum += value;
      buckets.count += 1;
      let place = 0;
      while (place < bounds.length && value > (bounds[place] as number)) place += 1;
      if (place < bounds.length) buckets.counts[place] = (buckets.counts[place] ?? 0) + 1;
    },
    samples: () => [...all()].flatMap((one) => bucketSamples(one, bounds)),
  };
}

/** Buckets are cumulative, and the last one holds everything. */
function bucketSamples(
  { labels, value }: SeriesOf<Buckets>,
  bounds: readonly number[],
): readonly Sample[] {
  let below = 0;
  const steps = bounds.map((bound, place) => {
    below += value.counts[place] ?? 0;
    return { suffix: "_bucket", labels: { ...labels, le: String(bound) }, value: below };
  });
  return [
    ...steps,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: value.count },
    { suffix: "_sum", labels, value: value.sum },
    { suffix: "_count", labels, value: value.count },
  ];
}
