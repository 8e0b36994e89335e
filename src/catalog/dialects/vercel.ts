/**
 * The codes of Vercel's documentation of errors (2025). Its error page has one of them, and so has
 * the field x-vercel-error. Those of functions that time out or throw are in platforms.ts.
 */
import { dialectOfLines } from "./foreign-term.js";

export const VERCEL = dialectOfLines(
  "Vercel",
  [
    "DNS_HOSTNAME_RESOLVED_PRIVATE",
    /\bDNS_HOSTNAME_RESOLVED_PRIVATE\b/,
    "The host of a rewrite has a private address, which is not allowed. Answer: 404.",
    ["destination_ip_prohibited", "dns_name_not_found"],
    "The destination of the rewrite must be a public name.",
  ],
  [
    "DNS_HOSTNAME_NOT_FOUND / _EMPTY / _RESOLVE_FAILED / _SERVER_ERROR",
    /\bDNS_HOSTNAME_\w+/,
    "The host of a rewrite cannot be resolved. Answer: 502.",
    ["dns_name_not_found", "dns_error"],
    "The destination of the rewrite, and the DNS of its host",
  ],
  [
    "ROUTER_EXTERNAL_TARGET_HANDSHAKE_ERROR",
    /\bROUTER_EXTERNAL_TARGET_HANDSHAKE_ERROR\b/,
    "TLS with the destination of a rewrite failed. Answer: 502.",
    ["tls_certificate_error", "tls_protocol_error"],
    "The destination's certificate: its date, its chain, and the name in it.",
  ],
  [
    "DEPLOYMENT_NOT_FOUND / DEPLOYMENT_DISABLED / DEPLOYMENT_PAUSED",
    /\bDEPLOYMENT_(?:NOT_FOUND|DISABLED|PAUSED|DELETED|BLOCKED|NOT_READY\w*)\b/,
    "No active deployment has this host name, or it is paused. Answer: 404, 402, 503.",
    ["destination_not_found", "no_healthy_target", "maintenance"],
    "Add the domain to the project, and look whether it is deployed.",
  ],
  [
    "NO_RESPONSE_FROM_FUNCTION / MIDDLEWARE_INVOCATION_FAILED / BODY_NOT_A_STRING_FROM_FUNCTION",
    [/\b(?:NO_RESPONSE|BODY_NOT_A_STRING)_FROM_FUNCTION\b/, /\bMIDDLEWARE_INVOCATION_FAILED\b/],
    "The function ended without a valid answer: it threw, exited, or answered otherwise.",
    ["received_server_error", "connection_terminated", "http_protocol_error"],
    "The log of the function, by the ID of the page, has the error.",
  ],
  [
    "MIDDLEWARE_INVOCATION_TIMEOUT",
    /\bMIDDLEWARE_INVOCATION_TIMEOUT\b/,
    "The middleware did not answer in time. Answer: 504.",
    ["http_response_timeout"],
    "Raise maxDuration, and give calls to other services a shorter timeout.",
  ],
  [
    "FUNCTION_PAYLOAD_TOO_LARGE",
    /\bFUNCTION_PAYLOAD_TOO_LARGE\b/,
    "The body of the request is above 4.5 MB. Answer: 413.",
    ["request_body_too_large"],
    "Upload straight to a store of objects.",
  ],
  [
    "FUNCTION_RESPONSE_PAYLOAD_TOO_LARGE / FALLBACK_BODY_TOO_LARGE",
    /\b(?:FUNCTION_RESPONSE_PAYLOAD|FALLBACK_BODY)_TOO_LARGE\b/,
    "The body of the answer is above the limit.",
    ["http_response_body_size", "received_server_error"],
    "Stream the answer, or put it into a store of objects.",
  ],
  [
    "FUNCTION_THROTTLED",
    /\bFUNCTION_THROTTLED\b/,
    "More functions would run at once than the plan allows. Answer: 503.",
    ["bulkhead_full", "rate_limited"],
    "Make the function faster; ask for more concurrency.",
  ],
  [
    "REQUEST_HEADER_TOO_LARGE / URL_TOO_LONG",
    /\b(?:REQUEST_HEADER_TOO_LARGE|URL_TOO_LONG)\b/,
    "The head of the request is above the limit. Answer: 431 or 414.",
    ["request_header_too_large"],
    "Smaller cookies and a shorter query",
  ],
);
