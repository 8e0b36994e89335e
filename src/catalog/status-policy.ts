/**
 * Which status the client gets for a failure.
 *
 * The default is the status of the row, which follows RFC 9209. Teams that migrate from another
 * proxy have retry rules, alerts and clients that were built around that proxy's statuses;
 * RFC 9209 §2.3 allows to keep them. Only the differences from the row are listed. They describe
 * nginx with proxy_pass, HAProxy 3 and Envoy, each with its default settings. Where a proxy has no
 * counterpart for a failure, or relays what this gateway never relays, the row's status stays.
 */

import { FAILURES, type FailureCode } from "./failures.js";
import type { FailureRow } from "./rows/failure-row.js";

/** A named table, or a function that chooses the status of our own answers. */
export type StatusPolicy =
  | "rfc9209"
  | "nginx"
  | "haproxy"
  | "envoy"
  | ((code: FailureCode, row: FailureRow) => number);

type StatusTable = Readonly<Partial<Record<FailureCode, number>>>;

/** nginx: 502 unless a timer of its own fired; "no live upstreams" is 502, too, never 503. */
const NGINX: StatusTable = {
  dns_timeout: 502,
  destination_not_found: 404,
  unix_backlog_full: 502,
  breaker_open: 502,
  no_healthy_target: 502,
  bulkhead_full: 502,
  bulkhead_queue_timeout: 502,
  bulkhead_queue_displaced: 502,
  connection_pool_timeout: 502,
  rate_limited: 503,
  request_header_too_large: 400,
};

/** No connection came about; HAProxy and Envoy call all of that unavailable. */
const UNCONNECTED: StatusTable = {
  dns_name_not_found: 503,
  dns_error: 503,
  dns_timeout: 503,
  destination_ip_unroutable: 503,
  connection_refused: 503,
  unix_socket_missing: 503,
  unix_socket_forbidden: 503,
  connection_timeout: 503,
  local_resources_exhausted: 503,
  connection_reset_while_connecting: 503,
  tls_handshake_timeout: 503,
  http2_preface_timeout: 503,
  tls_protocol_error: 503,
  tls_certificate_error: 503,
  tls_certificate_expired: 503,
  tls_alert_received: 503,
};

/** HAProxy: 503 for everything before the request is out, whatever the reason. */
const HAPROXY: StatusTable = {
  ...UNCONNECTED,
  destination_not_found: 503,
  deadline_already_over: 503,
  deadline_exceeded_queued: 503,
  deadline_exceeded_connecting: 503,
  deadline_exceeded_in_handshake: 503,
  request_header_too_large: 400,
};

/** Envoy: 503 for every failed connection, before and after the request; 504 for its timers. */
const ENVOY: StatusTable = {
  ...UNCONNECTED,
  destination_not_found: 404,
  connection_terminated: 503,
  stale_connection: 503,
  connection_terminated_while_sending: 503,
  http_response_incomplete: 503,
  connection_reset_in_body: 503,
  http_response_body_size: 500,
};

/** The differences of each named policy from the catalog's statuses. */
export const STATUS_TABLES = {
  rfc9209: {},
  nginx: NGINX,
  haproxy: HAPROXY,
  envoy: ENVOY,
} as const satisfies Record<string, StatusTable>;

/** RFC 9110 §15.6.3: what an answer is called that was received and cannot be passed on. */
const RECEIVED_UNKNOWN = 502;

/**
 * The status for a failure under a policy.
 *
 * `received` is the status that the upstream sent; rows with the status "received" pass it on, and
 * no policy changes it. A function's result is used if it is an error status (400–599).
 */
export function statusOf(
  code: FailureCode,
  policy: StatusPolicy = "rfc9209",
  received: number = RECEIVED_UNKNOWN,
): number {
  const row: FailureRow = FAILURES[code];
  if (row.status === "received") return received;
  if (typeof policy !== "function") {
    const table: StatusTable = STATUS_TABLES[policy];
    return table[code] ?? row.status;
  }
  const chosen = policy(code, row);
  return Number.isInteger(chosen) && chosen >= 400 && chosen <= 599 ? chosen : row.status;
}
