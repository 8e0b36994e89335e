/**
 * Cells that do not hold yet. Each is to be mended; none is to be added.
 */
import type { Door } from "./door.js";

const UPGRADES = [
  "load_shed",
  "rate_limited",
  "request_denied",
  "bad_request",
  "only_if_cached",
  "loop_detected",
  "proxy_internal_error",
  "client_closed_request",
];

const FOREIGN = [
  "destination_ip_prohibited",
  "tls_alert_received",
  "bulkhead_queue_timeout",
  "deadline_exceeded_queued",
  "upstream_throttled",
  "response_status_invalid",
  "http_response_transfer_coding",
  "response_body_timeout",
  "http_response_body_size",
  "http_response_trailer_section_size",
  "http_response_trailer_size",
  "connection_reset_in_body",
  "received_server_error",
  "received_gateway_error",
  "received_overloaded",
  "received_rate_limited",
  "received_too_early",
  "bulkhead_full",
  "bulkhead_queue_displaced",
];

const INTERCEPTOR = [
  "destination_ip_prohibited",
  "response_status_invalid",
  "http_response_body_size",
  "http_response_trailer_size",
];

const FETCH = [
  "an upload of an ArrayBuffer of another realm",
  "an upload of a form of undici",
  "an upload of a form of formdata-node",
  "an upload of a stream in one chunk",
  "an upload of a stream",
  "an upload of a stream of odd chunks",
  "an upload of a stream with empty chunks",
  "an upload of a stream of bytes",
  "an upload of the stream of a Blob",
  "an upload of a stream of Node",
  "an upload of a slow stream of Node",
  "an upload of an iterable",
  "an upload of an iterable of odd chunks",
  "an upload of an iterable with empty chunks",
  "an upload of an iterable of another realm",
  "an upload of a Request of bytes",
  "an upload of a Request of text",
  "an upload of a Request of a stream",
  "an upload of a Request of one large chunk",
  "an upload of a Request of a Blob",
  "an upload of a Request of a form",
];
const EMPTY_CHUNKS = [
  "an upload of a form of formdata-node",
  "an upload of an iterable with empty chunks",
];

const OPEN: Readonly<Record<string, readonly string[]>> = {
  "upgrades, nodeProxy": UPGRADES,
  "upgrades, Express 5": UPGRADES,
  "upgrades, Fastify": UPGRADES,
  "gatewayFetch, the fetch of Node": FETCH,
  "gatewayFetch, the fetch of undici": FETCH,
  "gatewayFetch, a foreign fetch": [...FOREIGN, ...FETCH],
  "gatewayInterceptor, undici 7": [...INTERCEPTOR, ...EMPTY_CHUNKS],
  "gatewayInterceptor, the fetch of Node": [...INTERCEPTOR, ...EMPTY_CHUNKS],
  "gatewayInterceptor, undici 8": [...INTERCEPTOR, ...EMPTY_CHUNKS],
};

export function isOpen(row: string, { name }: Door): boolean {
  return process.env["DOORS_OPEN"] !== "1" && OPEN[name]?.includes(row) === true;
}
