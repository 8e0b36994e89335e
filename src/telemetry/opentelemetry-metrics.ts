/**
 * The metrics of a gateway as OpenTelemetry's: the duration of client requests by the semantic
 * conventions, and everything of docs/metrics.md under the same names, so that the dashboard fits.
 *
 * Guarantee: counters and states are read when they are collected; the set of series is bounded.
 */
import type { Attributes, Histogram, Meter, Observable } from "@opentelemetry/api";
import type { Gateway } from "../gateway/gateway-handle.js";
import type { CallAttempt, CallRecord } from "../records/call-record.js";
import { METRIC_KEYS, meterOf } from "./meter.js";
import { DURATION_BUCKETS, METRICS, type MetricKey, type MetricRow } from "./metric-table.js";
import {
  errorType,
  methodOf,
  type ServerAttributes,
  serverNames,
} from "./opentelemetry-attributes.js";

/** The bounds that the semantic conventions ask for. */
export const CONVENTIONAL_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Each has series for methods, statuses and failures; an SDK keeps 2,000 of one metric. */
const TARGETS_MAX = 100;
const MS_PER_SECOND = 1_000;

/** Records the events of a gateway; returns how to stop. */
export function recordMetrics(gateway: Gateway, meter: Meter): () => void {
  const attempts = meter.createHistogram("http.client.request.duration", {
    description: "Duration of HTTP client requests.",
    unit: "s",
    advice: { explicitBucketBoundaries: [...CONVENTIONAL_BUCKETS] },
  });
  const calls = histogramOf(meter, "callSeconds");
  const queue = histogramOf(meter, "queueSeconds");
  const servers = serverNames(TARGETS_MAX);
  const stopListening = gateway.on("call:end", (record) => {
    const labels = { upstream: record.upstream };
    queue.record(record.queuedMs / MS_PER_SECOND, labels);
    // A tunnel may live for days; its length says nothing about the speed of calls.
    if (record.kind === "upgrade") return;
    calls.record(record.durationMs / MS_PER_SECOND, labels);
    for (const attempt of record.attempts) {
      const server = servers(record.upstream, attempt.target);
      recordAttempt(attempts, record, attempt, server);
    }
  });
  const stopObserving = observeAll(gateway, meter);
  return () => {
    stopListening();
    stopObserving();
  };
}

function recordAttempt(
  histogram: Histogram,
  { upstream, method }: CallRecord,
  { durationMs, status, code }: CallAttempt,
  server: ServerAttributes,
): void {
  const error = errorType(code, status, CLIENT_ERRORS_FROM);
  const attributes: Attributes = {
    "http.request.method": methodOf(method),
    ...server,
    "good_gateway.upstream": upstream,
  };
  if (status !== null) attributes["http.response.status_code"] = status;
  if (error !== null) attributes["error.type"] = error;
  histogram.record(durationMs / MS_PER_SECOND, attributes);
}

/** To a client every answer from here on is an error, by the conventions. */
export const CLIENT_ERRORS_FROM = 400;

/** A name with its unit apart, as OpenTelemetry writes them; exporters put them together again. */
export function otelName({ name, type }: MetricRow): {
  readonly name: string;
  readonly unit: string;
} {
  const counted = type === "counter" ? name.replace(/_total$/, "") : name;
  const [, base = counted, suffix = ""] = /^(.*)_(seconds|bytes)$/.exec(counted) ?? [];
  const units: Readonly<Record<string, string>> = { seconds: "s", bytes: "By" };
  return { name: `good_gateway.${base}`, unit: units[suffix] ?? "" };
}

function histogramOf(meter: Meter, key: MetricKey): Histogram {
  const { name, unit } = otelName(METRICS[key]);
  const { help: description } = METRICS[key];
  const advice = { explicitBucketBoundaries: [...DURATION_BUCKETS] };
  return meter.createHistogram(name, { description, unit, advice });
}

/** Counters and states, which are counted already: read at each collection. */
function observeAll(gateway: Gateway, meter: Meter): () => void {
  const counted = meterOf(gateway);
  const observables = new Map<string, Observable>();
  for (const key of METRIC_KEYS) {
    const row = METRICS[key];
    const { name, unit } = otelName(row);
    const about = { description: row.help, unit };
    if (row.type === "counter") {
      observables.set(key, meter.createObservableCounter(name, about));
    } else if (row.type === "gauge") observables.set(key, meter.createObservableGauge(name, about));
  }
  const all = [...observables.values()];
  const observe: Parameters<Meter["addBatchObservableCallback"]>[0] = (result) => {
    const families = counted.collect();
    for (const [place, key] of METRIC_KEYS.entries()) {
      const observable = observables.get(key);
      if (observable === undefined) continue;
      for (const { value, labels } of families[place]?.samples ?? []) {
        result.observe(observable, value, labels);
      }
    }
  };
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
