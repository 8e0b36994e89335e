/**
 * Counts the events of a gateway, from the first request for its metrics.
 *
 * Guarantee: one meter for each gateway, however often it is asked for; without one nothing listens
 * and nothing is counted. States are read from a snapshot at the time of the scrape.
 */
import { type Gateway, gatewayCore } from "../gateway/gateway-handle.js";
import type { ShutdownReport } from "../records/shutdown-report.js";
import { callCounter } from "./count-calls.js";
import { type GaugeSamples, gaugeSamples } from "./gauges.js";
import {
  DURATION_BUCKETS,
  METRIC_PREFIX,
  METRICS,
  type MetricKey,
  type MetricRow,
  type MetricType,
  SERIES_MAX,
} from "./metric-table.js";
import { type Counter, counter, type Histogram, histogram, type Sample } from "./series.js";

/** A metric with its values of this moment. */
export interface Family {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  readonly samples: readonly Sample[];
}

export interface Meter {
  /** All metrics, in the order of the table; those without values, too. */
  collect(): readonly Family[];
  /** One of them. */
  read(key: MetricKey): Family;
}

const meters = new WeakMap<object, Meter>();

/** The meter of a gateway; it counts from the first call of this function. */
export function meterOf(gateway: Gateway): Meter {
  let meter = meters.get(gateway);
  if (meter === undefined) {
    meter = startMeter(gateway);
    meters.set(gateway, meter);
  }
  return meter;
}

type KeyOf<Type extends MetricType> = {
  [Key in MetricKey]: (typeof METRICS)[Key] extends { read: true }
    ? never
    : (typeof METRICS)[Key]["type"] extends Type
      ? Key
      : never;
}[MetricKey];

interface Instruments {
  readonly counters: Readonly<Record<KeyOf<"counter">, Counter>>;
  readonly histograms: Readonly<Record<KeyOf<"histogram">, Histogram>>;
}

function startMeter(gateway: Gateway): Meter {
  const counted = instruments();
  listen(gateway, counted);
  const { flush: settle } = gatewayCore(gateway).endedCalls;
  countShutdown(counted.counters, null);
  const read = (key: MetricKey, gauges: () => GaugeSamples): Family => {
    const { name, type, help, labels } = METRICS[key];
    const samples = samplesOf(counted, key, gauges);
    return { name: METRIC_PREFIX + name, type, help, labels, samples };
  };
  return {
    collect() {
      settle();
      // One snapshot for all, so that they describe one moment.
      const gauges = gaugeSamples(gateway.snapshot());
      return METRIC_KEYS.map((key) => read(key, () => gauges));
    },
    read(key) {
      settle();
      return read(key, () => gaugeSamples(gateway.snapshot()));
    },
  };
}

function samplesOf(
  { counters, histograms }: Instruments,
  key: MetricKey,
  gauges: () => GaugeSamples,
): readonly Sample[] {
  if (Object.hasOwn(counters, key)) return counters[key as KeyOf<"counter">].samples();
  if (Object.hasOwn(histograms, key)) return histograms[key as KeyOf<"histogram">].samples();
  return gauges()[key as keyof GaugeSamples];
}

export const METRIC_KEYS = Object.keys(METRICS) as readonly MetricKey[];

function instruments(): Instruments {
  const overflow = counter(METRICS.overflow.labels, SERIES_MAX, () => {});
  const counters: Record<string, Counter> = { overflow };
  const histograms: Record<string, Histogram> = {};
  for (const key of METRIC_KEYS) {
    const { name, type, labels, read }: MetricRow = METRICS[key];
    if (read === true) continue;
    const onOverflow = (): void => overflow.add([METRIC_PREFIX + name], 1);
    if (type === "counter" && key !== "overflow") {
      counters[key] = counter(labels, SERIES_MAX, onOverflow);
    } else if (type === "histogram") {
      histograms[key] = histogram(labels, DURATION_BUCKETS, HISTOGRAMS_MAX, onOverflow);
    }
  }
  return { counters, histograms } as Instruments;
}

/** Each series of a histogram is a line for every bucket. */
const HISTOGRAMS_MAX = Math.floor(SERIES_MAX / DURATION_BUCKETS.length);

function listen(gateway: Gateway, { counters, histograms }: Instruments): void {
  const count = callCounter(counters, histograms);
  gatewayCore(gateway).endedCalls.follow((calls) => {
    for (const call of calls) count(call);
  });
  gateway.on("call:refused", ({ upstream, call, failure }) =>
    counters.refused.add([upstream, failure.code, call.priority], 1),
  );
  gateway.on("breaker:change", ({ upstream, target, to }) =>
    counters.breakerChanges.add([upstream, target, to], 1),
  );
  gateway.on("target:health", ({ upstream, target, to }) =>
    counters.healthChanges.add([upstream, target, to], 1),
  );
  gateway.on("probe:end", ({ upstream, target, passed }) =>
    counters.probes.add([upstream, target, String(passed)], 1),
  );
  gateway.on("incident:start", ({ upstream, target }) =>
    counters.incidents.add([upstream, target], 1),
  );
  gateway.on("shutdown:end", ({ report }) => countShutdown(counters, report));
  gateway.on("chaos:act", ({ upstream, failure }) => counters.chaos.add([upstream, failure], 1));
  gateway.on("stall:saved", ({ upstream }) => counters.stallsSaved.add([upstream], 1));
}

/** Kinds that are counted from 0 on: a counter that begins at its end shows no growth. */
const SHUTDOWN_KINDS = ["requests", "eventStreams", "upgrades", "calls"] as const;

function countShutdown(
  { shutdownWork }: Instruments["counters"],
  report: ShutdownReport | null,
): void {
  for (const kind of SHUTDOWN_KINDS) {
    const { finished, cut } = report?.[kind] ?? { finished: 0, cut: 0 };
    const label = kind === "eventStreams" ? "event_streams" : kind;
    shutdownWork.add([label, "finished"], finished);
    shutdownWork.add([label, "cut"], cut);
  }
}
