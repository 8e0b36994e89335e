/**
 * Messages of Varnish in its error page ("Guru Meditation") and in its log.
 *
 * The page does not say what failed; the log does: varnishlog -q "FetchError".
 */
import type { Dialect } from "./foreign-term.js";

const LOG = 'varnishlog -g request -q "FetchError" shows the reason of each failed fetch.';

export const VARNISH: Dialect = {
  speaker: "Varnish",
  spoken: "in_lines",
  terms: [
    {
      term: "FetchError: backend …: busy",
      match: /FetchError\s+.*\bbusy\b/i,
      meaning: "As many connections as max_connections of the backend allows are in use: 503.",
      failures: ["bulkhead_full", "bulkhead_queue_timeout"],
      remedies: ["Find why the backend is slow; then raise .max_connections."],
    },
    {
      term: "FetchError: backend …: fail errno 111",
      match: /FetchError\s+.*errno 111\b/i,
      meaning: "Nothing listens at the backend's address.",
      failures: ["connection_refused"],
      remedies: ["Start the backend, and compare .host and .port with where it listens."],
    },
    {
      term: "FetchError: backend …: fail errno 110, 113",
      match: /FetchError\s+.*errno (?:110|113|101)\b/i,
      meaning: "The backend's host does not take the connection: a firewall, or a wrong address.",
      failures: ["connection_timeout", "destination_ip_unroutable"],
    },
    {
      term: "FetchError: backend …: fail errno 11, helddown, workspace",
      match: /FetchError\s+.*(?:errno \d+|helddown)/i,
      meaning: "The connection to the backend failed; the errno says why.",
      failures: ["connection_refused", "connection_timeout", "local_resources_exhausted"],
    },
    {
      term: "out of workspace (bo)",
      match: /out of workspace|workspace_backend overflow|\bLostHeader\b/i,
      meaning: "The head of the answer does not fit workspace_backend (64 KiB) or http_max_hdr.",
      failures: ["http_response_header_section_size", "local_resources_exhausted"],
      remedies: ["Fewer headers and cookies; then raise workspace_backend and http_resp_size."],
    },
    {
      term: "FetchError: no backend connection / backend unhealthy",
      match: /FetchError\s+.*(?:no backend connection|unhealthy)|Director \S+ returned no backend/i,
      meaning: "No connection to the backend, or its probe has marked it sick. Answer: 503.",
      failures: ["no_healthy_target", "connection_refused", "connection_timeout"],
      remedies: ["varnishadm backend.list shows which backend is sick."],
    },
    {
      term: "FetchError: first byte timeout / between bytes timeout",
      match: /FetchError\s+.*(?:first byte timeout|between bytes timeout|HTC timeout|\btimeout$)/i,
      meaning: "The backend was too slow for first_byte_timeout or between_bytes_timeout (60 s).",
      failures: ["http_response_timeout", "connection_read_timeout"],
    },
    {
      term: "FetchError: HTC eof / http read error: EOF / straight insufficient bytes",
      match: /FetchError\s+.*(?:HTC eof|EOF|insufficient bytes|body cannot be fetched)/i,
      meaning: "The backend closed the connection before its answer was complete.",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
    },
    {
      term: "FetchError: req.body read error",
      match: /FetchError\s+.*req\.body read error/i,
      meaning: "The client broke off while it sent its body, so the request was not completed.",
      failures: ["client_closed_request", "request_body_failed"],
      remedies: ["A timeout of the client, or of a proxy in front, ended the upload."],
    },
    {
      term: "FetchError: http format error / HTC overflow",
      match: /FetchError\s+.*(?:http format error|HTC overflow|invalid)/i,
      meaning: "The head of the backend's answer is not valid, or is larger than http_resp_size.",
      failures: ["http_protocol_error", "http_response_header_section_size"],
    },
    {
      term: "Error 503 Backend fetch failed (Guru Meditation)",
      match: /Backend fetch failed|Guru Meditation/i,
      meaning: "Varnish got no answer from its backend and made this page itself. Answer: 503.",
      failures: ["no_healthy_target", "connection_refused", "http_response_timeout"],
      remedies: [LOG, "varnishadm backend.list shows which backend is sick."],
    },
  ],
};
