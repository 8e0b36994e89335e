/**
 * `registerMetrics`: the same metrics in a registry that the application already has: that of
 * prom-client 15, or any other that takes objects with a name and a `get`.
 *
 * Guarantee: nothing of that package is loaded; values are read when the registry is asked, and the
 * names are those of `metricsHandler`.
 */
import type { Gateway } from "../gateway/gateway-handle.js";
import { METRIC_KEYS, type Meter, meterOf } from "./meter.js";
import { METRIC_PREFIX, METRICS, type MetricKey } from "./metric-table.js";

/** What is used of a registry; what it takes as a metric each declares in a way of its own. */
export interface MetricsRegistry {
  registerMetric(metric: never): void;
  removeSingleMetric?(name: string): void;
}

/** Registers all metrics of a gateway; returns how to take them out again. */
export function registerMetrics(gateway: Gateway, registry: MetricsRegistry): () => void {
  if (typeof (registry as Partial<MetricsRegistry> | null)?.registerMetric !== "function") {
    throw new TypeError("registerMetrics: expected a registry, such as register of prom-client");
  }
  const meter = meterOf(gateway);
  for (const key of METRIC_KEYS) registry.registerMetric(registered(meter, key) as never);
  return () => {
    for (const key of METRIC_KEYS) registry.removeSingleMetric?.(METRIC_PREFIX + METRICS[key].name);
  };
}

/** A metric as prom-client's registry expects one. */
function registered(meter: Meter, key: MetricKey) {
  const row = METRICS[key];
  const fullName = METRIC_PREFIX + row.name;
  return {
    // Written to by the registry, which takes the suffix of a counter away for OpenMetrics.
    name: fullName,
    help: row.help,
    type: row.type,
    labelNames: row.labels,
    // What several processes of a cluster have is added up, as prom-client does by default.
    aggregator: "sum",
    get() {
      const { name, help, type, aggregator } = this;
      const values = meter.read(key).samples.map(({ suffix, labels, value }) => ({
        ...(suffix === "" ? {} : { metricName: fullName + suffix }),
        labels: withNumericBound(labels),
        value,
      }));
      return { name, help, type, values, aggregator };
    },
    /** They count for the gateway and not for the registry; only a new gateway begins anew. */
    reset() {},
  };
}

/** Registries write the bound of a bucket as a number. */
function withNumericBound(labels: Readonly<Record<string, string>>) {
  const { le } = labels;
  return le === undefined || le === "+Inf" ? labels : { ...labels, le: Number(le) };
}
