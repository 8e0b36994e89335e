/**
 * Every metric, one row each: its name, what it counts, and by which labels.
 *
 * Names and labels are promised: dashboards and alerts of others are made of them, so a test keeps
 * them as they are. Units are seconds and bytes, as Prometheus asks.
 */

export type MetricType = "counter" | "gauge" | "histogram";

export interface MetricRow {
  /** Without the prefix. A counter ends with `_total`. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
}

/** In front of every name, so that they stand together. */
export const METRIC_PREFIX = "good_gateway_";

export const METRICS = {
  calls: {
    name: "calls_total",
    type: "counter",
    help: "Calls that are over, by the status that the client was sent and who made the answer.",
    labels: ["upstream", "status", "answered_by"],
  },
  failures: {
    name: "failures_total",
    type: "counter",
    help: "Calls that failed, by name and blame of the failure, and the status that was sent.",
    labels: ["upstream", "code", "blame", "status"],
  },
  callSeconds: {
    name: "call_duration_seconds",
    type: "histogram",
    help: "Calls from their first byte to their last.",
    labels: ["upstream"],
  },
  queueSeconds: {
    name: "call_queue_seconds",
    type: "histogram",
    help: "Time of calls before their first attempt: the queue of the bulkhead.",
    labels: ["upstream"],
  },
  attempts: {
    name: "attempts_total",
    type: "counter",
    help: "Attempts that are over, by what each came to: ok, or the name of a failure.",
    labels: ["upstream", "target", "result"],
  },
  attemptSeconds: {
    name: "attempt_duration_seconds",
    type: "histogram",
    help: "Attempts from the start to the end of their answer's body.",
    labels: ["upstream", "target"],
  },
  repeats: {
    name: "repeats_total",
    type: "counter",
    help: "Attempts beyond the first of their call.",
    labels: ["upstream"],
  },
  stopped: {
    name: "repeats_stopped_total",
    type: "counter",
    help: "Calls that were not repeated any more, by the reason.",
    labels: ["upstream", "reason"],
  },
  refused: {
    name: "calls_refused_total",
    type: "counter",
    help: "Calls that were refused because there was too much to do.",
    labels: ["upstream", "code", "priority"],
  },
  requestBytes: {
    name: "request_body_bytes_total",
    type: "counter",
    help: "Bytes of request bodies that were read.",
    labels: ["upstream"],
  },
  responseBytes: {
    name: "response_body_bytes_total",
    type: "counter",
    help: "Bytes of answers' bodies that were handed on.",
    labels: ["upstream"],
  },
  breakerChanges: {
    name: "breaker_changes_total",
    type: "counter",
    help: "Changes of breakers, by the state that came.",
    labels: ["upstream", "target", "to"],
  },
  healthChanges: {
    name: "target_health_changes_total",
    type: "counter",
    help: "Changes of the health of targets, by the state that came.",
    labels: ["upstream", "target", "to"],
  },
  probes: {
    name: "probes_total",
    type: "counter",
    help: "Probes that were answered, or not.",
    labels: ["upstream", "target", "passed"],
  },
  incidents: {
    name: "incidents_total",
    type: "counter",
    help: "Processes that vanished behind a target.",
    labels: ["upstream", "target"],
  },
  shutdownWork: {
    name: "shutdown_work_total",
    type: "counter",
    help: "Work that a shutdown found under way, by what came of it: finished, or cut.",
    labels: ["kind", "result"],
  },
  stallsSaved: {
    name: "stalls_saved_total",
    type: "counter",
    help: "Answers that lay in the socket while this process was too busy to look.",
    labels: ["upstream"],
  },
  overflow: {
    name: "series_overflow_total",
    type: "counter",
    help: "Values counted under the label value other, since a metric had too many series.",
    labels: ["metric"],
  },
  active: {
    name: "calls_active",
    type: "gauge",
    help: "Calls under way.",
    labels: [],
  },
  lifecycle: {
    name: "lifecycle_state",
    type: "gauge",
    help: "1 for the state that the gateway is in.",
    labels: ["state"],
  },
  ready: {
    name: "ready",
    type: "gauge",
    help: "1 while the gateway is ready for requests.",
    labels: [],
  },
  loopDelay: {
    name: "event_loop_delay_seconds",
    type: "gauge",
    help: "How late this process gets to its work, smoothed; there with shed on and calls coming.",
    labels: [],
  },
  shedPressure: {
    name: "load_shed_pressure",
    type: "gauge",
    help: "From 0, where no call is refused because this process is late, to 1, where all are.",
    labels: [],
  },
  incidentsOpen: {
    name: "incidents_open",
    type: "gauge",
    help: "1 while the process behind the target has vanished and has not answered for a while.",
    labels: ["upstream", "target"],
  },
  upstreamState: {
    name: "upstream_state",
    type: "gauge",
    help: "1 for the state that the upstream is in.",
    labels: ["upstream", "state"],
  },
  places: {
    name: "bulkhead_places",
    type: "gauge",
    help: "Places of the bulkhead: running, waiting, all places; streams, and all of theirs.",
    labels: ["upstream", "kind"],
  },
  adaptiveLimit: {
    name: "adaptive_limit",
    type: "gauge",
    help: "Calls at once that the adaptive limit allows.",
    labels: ["upstream"],
  },
  targetPending: {
    name: "target_pending",
    type: "gauge",
    help: "Exchanges under way with the target.",
    labels: ["upstream", "target"],
  },
  targetHealth: {
    name: "target_health",
    type: "gauge",
    help: "1 for the health that the target has.",
    labels: ["upstream", "target", "state"],
  },
  breakerState: {
    name: "breaker_state",
    type: "gauge",
    help: "1 for the state that the breaker of the target is in.",
    labels: ["upstream", "target", "state"],
  },
  suspectRoutes: {
    name: "suspect_routes",
    type: "gauge",
    help: "Routes that failed at the target lately: watched, avoided there, or refused there.",
    labels: ["upstream", "target", "standing"],
  },
  connections: {
    name: "connections",
    type: "gauge",
    help: "Connections to the target: open, idle, and calls that wait for one.",
    labels: ["upstream", "target", "kind"],
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricKey = keyof typeof METRICS;

/**
 * From a local answer to a slow report: enough steps below a second for the p99 of an API, and few
 * above, where only the order matters. Prometheus' own first steps.
 */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/**
 * Series of one metric. Upstreams that fetches make for origins, and targets that come and go, have
 * no natural end; a scrape of ten thousand lines does no good to anybody.
 */
export const SERIES_MAX = 1_000;
