/**
 * Every metric, one row each: its name, what it counts, and by which labels.
 *
 * Names and labels are stable, since users' dashboards and alerts depend on them; a test keeps them
 * as they are. Units are seconds and bytes, as Prometheus recommends.
 */

export type MetricType = "counter" | "gauge" | "histogram";

export interface MetricRow {
  /** Without the prefix. A counter ends with `_total`. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  /** Read from a snapshot, though it counts up. */
  readonly read?: true;
}

/** The prefix of every name. */
export const METRIC_PREFIX = "good_gateway_";

export const METRICS = {
  calls: {
    name: "calls_total",
    type: "counter",
    help: "Completed calls, by the status sent to the client and the origin of the answer.",
    labels: ["upstream", "status", "answered_by"],
  },
  failures: {
    name: "failures_total",
    type: "counter",
    help: "Failed calls, by name and blame of the failure, and the status sent.",
    labels: ["upstream", "code", "blame", "status"],
  },
  callSeconds: {
    name: "call_duration_seconds",
    type: "histogram",
    help: "Duration of calls from first to last byte.",
    labels: ["upstream"],
  },
  queueSeconds: {
    name: "call_queue_seconds",
    type: "histogram",
    help: "Time that calls spend in the bulkhead's queue before their first attempt.",
    labels: ["upstream"],
  },
  attempts: {
    name: "attempts_total",
    type: "counter",
    help: "Completed attempts, by result: ok, or the name of a failure.",
    labels: ["upstream", "target", "result"],
  },
  attemptSeconds: {
    name: "attempt_duration_seconds",
    type: "histogram",
    help: "Duration of attempts from the start to the end of the answer's body.",
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
    help: "Calls that were not repeated further, by reason.",
    labels: ["upstream", "reason"],
  },
  detours: {
    name: "detours_total",
    type: "counter",
    help: "Calls answered in place of their upstream: routed, failover, answer, cached or stale.",
    labels: ["upstream", "kind", "to"],
  },
  refused: {
    name: "calls_refused_total",
    type: "counter",
    help: "Calls rejected because of overload.",
    labels: ["upstream", "code", "priority"],
  },
  requestBytes: {
    name: "request_body_bytes_total",
    type: "counter",
    help: "Bytes of request bodies read.",
    labels: ["upstream"],
  },
  responseBytes: {
    name: "response_body_bytes_total",
    type: "counter",
    help: "Bytes of answers' bodies passed on.",
    labels: ["upstream"],
  },
  breakerChanges: {
    name: "breaker_changes_total",
    type: "counter",
    help: "State changes of breakers, by the new state.",
    labels: ["upstream", "target", "to"],
  },
  healthChanges: {
    name: "target_health_changes_total",
    type: "counter",
    help: "Health changes of targets, by the new state.",
    labels: ["upstream", "target", "to"],
  },
  probes: {
    name: "probes_total",
    type: "counter",
    help: "Completed probes, passed or not.",
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
    help: "Work in progress at a shutdown, by result: finished, or cut.",
    labels: ["kind", "result"],
  },
  stallsSaved: {
    name: "stalls_saved_total",
    type: "counter",
    help: "Answers that waited in the socket while this process was too busy to read them.",
    labels: ["upstream"],
  },
  chaos: {
    name: "chaos_attempts_total",
    type: "counter",
    help: "Attempts that were delayed or failed on purpose, by the failure.",
    labels: ["upstream", "failure"],
  },
  overflow: {
    name: "series_overflow_total",
    type: "counter",
    help: "Values counted under the label value other, because a metric had too many series.",
    labels: ["metric"],
  },
  rateLimited: {
    name: "rate_limit_requests_total",
    type: "counter",
    help: "Requests by limit and tier: admitted, refused, or would_refuse in a dry run.",
    labels: ["limit", "tier", "result"],
    read: true,
  },
  rateLimitStore: {
    name: "rate_limit_store_up",
    type: "gauge",
    help: "0 while the store of a limit does not answer and each member enforces its share.",
    labels: ["limit"],
  },
  rateLimitKeys: {
    name: "rate_limit_keys",
    type: "gauge",
    help: "Keys of a limit that are remembered in this process.",
    labels: ["limit"],
  },
  quotaWaiting: {
    name: "quota_waiting",
    type: "gauge",
    help: "Calls that wait for their turn within the quota of the upstream.",
    labels: ["upstream"],
  },
  fleetMembers: {
    name: "fleet_members",
    type: "gauge",
    help: "Members of the fleet that are there, this one included.",
    labels: ["fleet"],
  },
  fleetBus: {
    name: "fleet_bus_up",
    type: "gauge",
    help: "0 while the bus of the fleet does not take what this member says.",
    labels: ["fleet"],
  },
  active: {
    name: "calls_active",
    type: "gauge",
    help: "Calls in progress.",
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
    help: "Event loop delay, smoothed; only reported with shed on and calls arriving.",
    labels: [],
  },
  shedPressure: {
    name: "load_shed_pressure",
    type: "gauge",
    help: "Load shedding from 0 (no call is rejected) to 1 (all calls are).",
    labels: [],
  },
  incidentsOpen: {
    name: "incidents_open",
    type: "gauge",
    help: "1 from the loss of the process behind the target until it has answered for a while.",
    labels: ["upstream", "target"],
  },
  upstreamState: {
    name: "upstream_state",
    type: "gauge",
    help: "1 for the state that the upstream is in.",
    labels: ["upstream", "state"],
  },
  maintenance: {
    name: "upstream_maintenance",
    type: "gauge",
    help: "1 while an operator has put the upstream, or some of its paths, into maintenance.",
    labels: ["upstream"],
  },
  targetDisabled: {
    name: "target_disabled",
    type: "gauge",
    help: "1 while an operator has taken the target out.",
    labels: ["upstream", "target"],
  },
  targetShare: {
    name: "target_share",
    type: "gauge",
    help: "Share of its weight that the target carries: less in slow start, or as it says itself.",
    labels: ["upstream", "target"],
  },
  places: {
    name: "bulkhead_places",
    type: "gauge",
    help: "Places of the bulkhead, by kind: running, waiting, total; streams; those of one caller.",
    labels: ["upstream", "kind"],
  },
  adaptiveLimit: {
    name: "adaptive_limit",
    type: "gauge",
    help: "Concurrent calls that the adaptive limit allows.",
    labels: ["upstream"],
  },
  paceHold: {
    name: "pace_hold_seconds",
    type: "gauge",
    help: "Time for which a Retry-After of the upstream still holds calls back.",
    labels: ["upstream"],
  },
  paceWaiting: {
    name: "pace_waiting",
    type: "gauge",
    help: "Calls that wait for the end of a Retry-After.",
    labels: ["upstream"],
  },
  targetPending: {
    name: "target_pending",
    type: "gauge",
    help: "Exchanges in progress with the target.",
    labels: ["upstream", "target"],
  },
  targetHealth: {
    name: "target_health",
    type: "gauge",
    help: "1 for the health state that the target is in.",
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
    help: "Connections to the target, by kind: open, idle, and calls that wait for one.",
    labels: ["upstream", "target", "kind"],
  },
} as const satisfies Readonly<Record<string, MetricRow>>;

export type MetricKey = keyof typeof METRICS;

/**
 * From a local answer to a slow report: enough steps below a second for the p99 of an API, and few
 * above, where only the magnitude matters. The first steps are those of Prometheus.
 */
export const DURATION_BUCKETS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/**
 * Series of one metric. Upstreams created for fetched origins, and targets that come and go, are
 * unbounded, and a scrape of ten thousand lines is of no use.
 */
export const SERIES_MAX = 1_000;
