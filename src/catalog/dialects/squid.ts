/**
 * Squid: the names of its error pages, which stand in X-Squid-Error and in its log, the sentences
 * of those pages, and the tags of its access log (version 6).
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";

const ITS_LOG = "cache.log has the reason; %err_code/%err_detail in logformat name it per request.";

export const SQUID: Dialect = dialectOfLines(
  "Squid",
  [
    "ERR_DNS_FAIL",
    /\bERR_DNS_FAIL\b|Unable to determine IP address from host name/i,
    "Squid found no address for the host name.",
    ["dns_name_not_found", "dns_error", "dns_timeout"],
    "dns_nameservers of squid.conf, and the name itself",
  ],
  [
    "ERR_CONNECT_FAIL",
    /\bERR_CONNECT_FAIL\b|TCP_TUNNEL\/503\b/,
    "Squid could not connect to the server; the number after it is the errno.",
    ["connection_refused", "connection_timeout", "destination_ip_unroutable"],
    "111: nothing listens there. 110: a firewall. 113: no route. nc -vz HOST PORT from Squid.",
  ],
  [
    "ERR_SECURE_CONNECT_FAIL",
    /\bERR_SECURE_CONNECT_FAIL\b/,
    "TLS with the server failed.",
    ["tls_protocol_error", "tls_certificate_error", "tls_certificate_expired"],
    ITS_LOG,
  ],
  [
    "ERR_READ_TIMEOUT / ERR_LIFETIME_EXP",
    /\bERR_(?:READ_TIMEOUT|LIFETIME_EXP|GATEWAY_FAILURE)\b/,
    "The server took the request and sent nothing within read_timeout.",
    ["http_response_timeout", "connection_read_timeout"],
    "Find the slow part of the server; then read_timeout.",
  ],
  [
    "ERR_READ_ERROR / ERR_ZERO_SIZE_OBJECT",
    [/\bERR_(?:READ_ERROR|ZERO_SIZE_OBJECT|WRITE_ERROR)\b/, /Zero Sized Reply/i],
    "The server closed or reset the connection before it answered.",
    ["connection_terminated", "stale_connection", "http_response_incomplete"],
    "The server's own log at this second: a crash, a restart, a limit.",
  ],
  [
    "ERR_INVALID_RESP / ERR_TOO_BIG",
    /\bERR_(?:INVALID_RESP|TOO_BIG)\b/,
    "The server's answer is not valid HTTP, or larger than reply_body_max_size.",
    ["http_protocol_error", "http_response_body_size", "request_body_too_large"],
    ITS_LOG,
  ],
  [
    "ERR_ACCESS_DENIED / TCP_DENIED/403",
    /\bERR_(?:CACHE_)?ACCESS_DENIED\b|\bTCP_DENIED\/40[37]\b|Access control configuration prevents/,
    "A rule (http_access) denies the request; 407 asks for a login at the proxy.",
    ["request_denied"],
    "The first http_access line that fits decides: acl of the client, port and method.",
  ],
  [
    "ERR_CANNOT_FORWARD / ERR_FORWARDING_DENIED",
    /\bERR_(?:CANNOT_FORWARD|FORWARDING_DENIED)\b|Unable to forward this request/i,
    "No peer and no direct way is allowed or alive for this request.",
    ["no_healthy_target", "destination_not_found"],
    "cache_peer (DEAD in cache.log), never_direct and always_direct",
  ],
  [
    "ERR_CLIENT_GONE / TCP_MISS_ABORTED",
    /\bERR_CLIENT_GONE\b|\b[A-Z_]+_ABORTED\/\d{3}\b/,
    "The client left before the answer was complete.",
    ["client_closed_request"],
    "The client's own timeout is shorter than the answer takes.",
  ],
  [
    "ERR_INVALID_URL / ERR_INVALID_REQ / ERR_UNSUP_REQ",
    /\bERR_(?:INVALID_(?:URL|REQ)|UNSUP_\w+|PROTOCOL_UNKNOWN|URN_RESOLVE)\b/,
    "Squid finds the request invalid; behind accel ports it needs accel or intercept there.",
    ["bad_request", "proxy_configuration_error"],
    "http_port … accel (a server in front) or intercept, as the client uses it",
  ],
  {
    term: "TCP_MISS/503",
    match: /\b(?:TCP|TAG|NONE)\w*\/50[234]\b/,
    general: true,
    meaning: "Squid forwarded the request and made this answer itself, or passed it on.",
    failures: ["connection_refused", "connection_timeout", "dns_name_not_found"],
    remedies: [ITS_LOG],
  },
);
