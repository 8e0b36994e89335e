/**
 * What a status of an answer can mean: every failure behind it, the most likely first.
 *
 * Which failures a status has is read from the catalog; the order is experience: what people find
 * behind it most often comes first, and the rest follows in the order of the catalog.
 */
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../catalog/failures.js";

/** What comes first, for the statuses that have many failures. */
const FIRST: Readonly<Record<number, readonly FailureCode[]>> = {
  401: ["request_denied"],
  // Platforms of functions answer so when they run as many at once as they may.
  429: ["rate_limited", "received_rate_limited", "bulkhead_full"],
  500: ["received_server_error", "proxy_internal_error", "proxy_configuration_error"],
  502: [
    "connection_refused",
    "stale_connection",
    "connection_terminated",
    "http_response_incomplete",
    "http_response_header_section_size",
    "dns_name_not_found",
    "tls_protocol_error",
    "tls_certificate_error",
    "tls_certificate_expired",
    "unix_socket_missing",
    "http_protocol_error",
    "received_gateway_error",
  ],
  503: [
    "no_healthy_target",
    "breaker_open",
    "received_gateway_error",
    "received_overloaded",
    "bulkhead_full",
    "bulkhead_queue_timeout",
    "draining",
    "maintenance",
  ],
  504: [
    "http_response_timeout",
    "connection_timeout",
    "tls_handshake_timeout",
    "deadline_exceeded",
    "received_gateway_error",
    "dns_timeout",
  ],
};

/** Statuses with which an upstream answers by itself, and the name that this has. */
const RECEIVED: readonly (readonly [FailureCode, (status: number) => boolean])[] = [
  ["received_gateway_error", (status) => status >= 502 && status <= 504],
  ["received_overloaded", (status) => status === 503],
  ["received_rate_limited", (status) => status === 429],
  ["received_misdirected", (status) => status === 421],
  ["received_too_early", (status) => status === 425],
  // 501 and 505 say what the server does not implement, and nothing about its health.
  [
    "received_server_error",
    (status) => status >= 500 && ![501, 502, 503, 504, 505].includes(status),
  ],
];

const MEANINGS: Readonly<Record<number, string>> = {
  400: "The request is malformed; the server that answers did not forward it.",
  401: "The request has no credentials, or they are not accepted, by a proxy or the application.",
  403: "A rule denies the request. It may be the proxy's or the application's.",
  408: "The client did not send its request in time.",
  413: "The request's body exceeds the lowest limit on its path.",
  421: "The server is not the one for this Host on this connection: compare SNI with Host.",
  425: "The server does not want to act on TLS early data (RFC 8470); it may be sent again.",
  429: "A rate limit rejects the request; Retry-After says when to try again.",
  431: "The request's header section exceeds the lowest limit on its path.",
  499: "The client left before the answer. This status only appears in logs.",
  500: "The application failed, or a proxy with its own settings or code.",
  501: "The server does not implement the request. It is an answer of the application.",
  502: "Bad Gateway: a proxy got no valid answer from the upstream, or could not reach it.",
  503: "Service Unavailable: a server rejects on purpose; Retry-After says when to try again.",
  504: "Gateway Timeout: a proxy waited for the upstream until its timeout expired.",
  505: "The server does not speak the HTTP version of the request.",
};

/** Every failure that is answered with a status, most likely first. */
export function failuresBehind(status: number): readonly FailureCode[] {
  const own = FAILURE_CODES.filter((code) => FAILURES[code].status === status);
  const received = RECEIVED.filter(([, fits]) => fits(status)).map(([code]) => code);
  return [...new Set([...(FIRST[status] ?? []), ...own, ...received])];
}

/** The same failures, the most likely first. */
export function byLikelihood(codes: readonly FailureCode[]): readonly FailureCode[] {
  const first = Object.values(FIRST).flat();
  const known = codes
    .filter((code) => first.includes(code))
    .sort((a, b) => first.indexOf(a) - first.indexOf(b));
  return [...known, ...codes.filter((code) => !first.includes(code))];
}

/** What a status means, null when it says nothing here. */
export function statusMeaning(status: number): string | null {
  const known = MEANINGS[status];
  if (known !== undefined) return known;
  if (status >= 500) return "The server answers with its own error.";
  if (status >= 400) return "The server finds the request invalid: an answer, not a failure.";
  return status >= 100 ? "The server answered. A proxy in between did its work." : null;
}
