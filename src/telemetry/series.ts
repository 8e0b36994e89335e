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
  /** The series of these values, to be added to without looking it up; null without one. */
  known(values: readonly string[]): SeriesTally | null;
  samples(): readonly Sample[];
}

/** A metric of lengths, in buckets. */
export interface Histogram {
  observe(values: readonly string[], value: number): void;
  /** As for a counter. */
  known(values: readonly string[]): Buckets | null;
  samples(): readonly Sample[];
}

export interface SeriesTally {
  total: number;
}

export interface Buckets {
  observe(value: number): void;
}

const OTHER = "other";

interface Series<Value> {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Value;
}

/** Under the first label's value are those of the second, and so on; the last has the series. */
interface Branch<Value> extends Map<string, Branch<Value> | Value> {}

/** Finds a series by its label values, and makes it while there is room. */
function seriesFinder<Value extends object>(
  labels: readonly string[],
  seriesMax: number,
  make: () => Value,
  overflow: () => void,
) {
  const all: Series<Value>[] = [];
  const root: Branch<Value> = new Map();
  const others = labels.map(() => OTHER);
  const begin = (values: readonly string[]): Value => {
    const pairs = labels.map((name, place) => [name, values[place] ?? ""] as const);
    const value = make();
    all.push({ labels: Object.fromEntries(pairs), value });
    plant(root, values, value);
    return value;
  };
  const find = (values: readonly string[]): Value => {
    const known = look(root, values);
    if (known !== undefined) return known;
    if (all.length < seriesMax) return begin(values);
    overflow();
    return look(root, others) ?? begin(others);
  };
  const known = (values: readonly string[]): Value | null => look(root, values) ?? null;
  return { find, known, all };
}

// One look-up for each label: to join the values to a key costs more, for each of the ten series
// that a call touches.
function look<Value>(root: Branch<Value>, values: readonly string[]): Value | undefined {
  let at: Branch<Value> | Value | undefined = root;
  for (let place = 0; place < values.length && at !== undefined; place += 1) {
    at = (at as Branch<Value>).get(values[place] as string);
  }
  return at as Value | undefined;
}

function plant<Value>(root: Branch<Value>, values: readonly string[], value: Value): void {
  let at = root;
  const end = values.length - 1;
  for (let place = 0; place < end; place += 1) {
    const key = values[place] as string;
    let next = at.get(key) as Branch<Value> | undefined;
    if (next === undefined) {
      next = new Map();
      at.set(key, next);
    }
    at = next;
  }
  at.set(values[end] as string, value);
}

export function counter(
  labels: readonly string[],
  seriesMax: number,
  overflow: () => void,
): Counter {
  const zero = (): SeriesTally => ({ total: 0 });
  const { find, known, all } = seriesFinder(labels, seriesMax, zero, overflow);
  return {
    known,
    add(values, amount) {
      find(values).total += amount;
    },
    samples: () => all.map((one) => ({ suffix: "", labels: one.labels, value: one.value.total })),
  };
}

class CountedBuckets implements Buckets {
  readonly counts: number[];
  readonly #bounds: readonly number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    this.sum += value;
    this.count += 1;
    let place = 0;
    while (place < bounds.length && value > (bounds[place] as number)) place += 1;
    if (place < bounds.length) this.counts[place] = (this.counts[place] ?? 0) + 1;
  }
}

export function histogram(
  labels: readonly string[],
  bounds: readonly number[],
  seriesMax: number,
  overflow: () => void,
): Histogram {
  const make = (): CountedBuckets => new CountedBuckets(bounds);
  const { find, known, all } = seriesFinder(labels, seriesMax, make, overflow);
  return {
    known,
    observe: (values, value) => find(values).observe(value),
    samples: () => all.flatMap((one) => bucketSamples(one, bounds)),
  };
}

/** Buckets are cumulative, and the last one holds everything. */
function bucketSamples(
  { labels, value }: Series<CountedBuckets>,
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
