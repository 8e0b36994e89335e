/**
 * Statuses and messages of cloud load balancers: Cloudflare's statuses from 520 on, non-standard
 * ones of AWS's application load balancer, and Google's statusDetails.
 */
import type { Dialect } from "./foreign-term.js";

export const CLOUDFLARE: Dialect = {
  speaker: "Cloudflare",
  spoken: "as_a_word",
  terms: [
    {
      term: "520",
      match: "520",
      meaning: "The origin gave an empty, reset or unusable answer.",
      failures: [
        "connection_terminated",
        "http_protocol_error",
        "http_response_header_section_size",
        "stale_connection",
      ],
      causes: [
        "The application crashed or closed the connection while it served the request.",
        "The head of the answer is larger than 128 KiB, or invalid.",
        "A kept-alive connection was closed just as it was reused (Cloudflare keeps them 900 s).",
      ],
      remedies: [
        'Keep connections longer than Cloudflare does; good-gateway: behind: "cloudflare"',
      ],
    },
    {
      term: "521",
      match: "521",
      meaning: "The origin refuses connections.",
      failures: ["connection_refused"],
      remedies: ["The web server is down, or a firewall refuses Cloudflare's addresses."],
    },
    {
      term: "522",
      match: "522",
      meaning: "The origin does not complete the TCP connection (19 s), or falls silent (90 s).",
      failures: ["connection_timeout"],
      remedies: ["A firewall that drops Cloudflare's addresses, or a full accept queue."],
    },
    {
      term: "523",
      match: "523",
      meaning: "The origin's address cannot be reached.",
      failures: ["destination_ip_unroutable", "dns_error"],
      remedies: ["Compare the A and AAAA records in Cloudflare with the origin's addresses."],
    },
    {
      term: "524",
      match: "524",
      meaning: "The origin accepted the request but did not answer within 120 s (formerly 100 s).",
      failures: ["http_response_timeout"],
      remedies: ["Answer 202 and let the client poll, or send early bytes."],
    },
    {
      term: "525",
      match: "525",
      meaning: "The TLS handshake with the origin failed.",
      failures: ["tls_protocol_error", "tls_alert_received"],
    },
    {
      term: "526",
      match: "526",
      meaning: "The origin's certificate is not valid (mode Full, strict).",
      failures: ["tls_certificate_error", "tls_certificate_expired"],
    },
    {
      term: "527",
      match: "527",
      meaning: "A Railgun connection to the origin failed (a discontinued service).",
      failures: ["connection_timeout", "connection_refused"],
    },
    {
      term: "530",
      match: "530",
      meaning: "An error 1xxx of Cloudflare; usually the origin's name cannot be resolved (1016).",
      failures: ["dns_name_not_found", "dns_error"],
    },
  ],
};

export const AWS_ALB: Dialect = {
  speaker: "AWS ALB",
  spoken: "as_a_word",
  terms: [
    {
      term: "460",
      match: "460",
      meaning: "The client closed the connection before the balancer's idle timeout.",
      failures: ["client_closed_request"],
      remedies: ["The client's own timeout is shorter than the answer takes."],
    },
    {
      term: "463",
      match: "463",
      meaning: "X-Forwarded-For has more than 30 addresses.",
      failures: ["loop_detected", "bad_request"],
      remedies: ["Requests loop, or a hop appends to the field instead of setting it."],
    },
    {
      term: "464",
      match: "464",
      meaning: "The protocol version of the request does not match that of the target group.",
      failures: ["proxy_configuration_error"],
    },
    {
      term: "561",
      match: "561",
      meaning: "The identity provider of the listener's authenticate action returned an error.",
      failures: ["received_server_error"],
    },
  ],
};

export const GOOGLE_LB: Dialect = {
  speaker: "Google Cloud load balancer",
  spoken: "in_lines",
  terms: [
    {
      term: "backend_connection_closed_before_data_sent_to_client",
      match: "backend_connection_closed_before_data_sent_to_client",
      meaning: "The backend closed the connection before it had answered. Answer: 502.",
      failures: ["stale_connection", "connection_terminated"],
      remedies: [
        "The balancer keeps connections for 600 s: keepAliveTimeout must be above that (620 s); " +
          'with good-gateway: behind: "gcp-lb".',
      ],
    },
    {
      term: "backend_connection_closed_after_partial_response_sent",
      match: "backend_connection_closed_after_partial_response_sent",
      meaning: "The backend closed in the middle of the body.",
      failures: ["http_response_incomplete"],
    },
    {
      term: "failed_to_connect_to_backend",
      match: "failed_to_connect_to_backend",
      meaning: "The balancer could not connect to the backend. Answer: 502.",
      failures: ["connection_refused", "connection_timeout"],
      remedies: ["The firewall must allow 35.191.0.0/16 and 130.211.0.0/22."],
    },
    {
      term: "failed_to_pick_backend",
      match: "failed_to_pick_backend",
      meaning: "No backend is healthy. Answer: 502 or 503.",
      failures: ["no_healthy_target"],
      remedies: ["The health check must get 200, without a redirect, a login or a host check."],
    },
    {
      term: "backend_timeout",
      match: /\b(?:backend_timeout|response_sent_by_backend_timeout)\b/,
      meaning: "The backend did not finish within the backend service timeout (30 s in total).",
      failures: ["http_response_timeout", "deadline_exceeded"],
    },
    {
      term: "response_sent_by_backend",
      match: /\bresponse_sent_by_backend\b/,
      meaning: "The answer is the backend's own, regardless of its status.",
      failures: ["received_server_error", "received_gateway_error"],
    },
    {
      term: "invalid_http_response / backend_interim_response_header_invalid",
      match: [
        /invalid_http_response|backend_\w*(?:header|response)\w*_invalid/,
        /backend_response_headers_too_long/,
      ],
      meaning: "The backend's answer breaks the rules of HTTP, or its head is too large (502).",
      failures: ["http_protocol_error", "http_response_header_section_size"],
    },
    {
      term: "backend_early_response_with_non_error_status",
      match: "backend_early_response",
      meaning: "The backend answered before it had the whole request. Answer: 502.",
      failures: ["http_protocol_error"],
      remedies: ["Read the body of the request before you answer it."],
    },
    {
      term: "ssl_certificate_chain_verification_failed",
      match: /ssl_(?:certificate|san|client)\w*_failed|tls_version_not_supported/,
      meaning: "TLS with the backend failed, or its certificate is not trusted.",
      failures: ["tls_certificate_error", "tls_protocol_error"],
    },
    {
      term: "denied_by_security_policy",
      match: /denied_by_security_policy|body_denied_by_security_policy/,
      meaning: "A Cloud Armor rule denies the request.",
      failures: ["request_denied"],
    },
    {
      term: "handled_by_identity_aware_proxy",
      match: "handled_by_identity_aware_proxy",
      meaning: "Identity-Aware Proxy answered: it requires a login. The backend got no request.",
      failures: ["request_denied"],
    },
    {
      term: "client_disconnected_before_any_response",
      match: /client_disconnected_(?:before_any|after_partial)_response/,
      meaning: "The client left before the answer was complete.",
      failures: ["client_closed_request"],
    },
  ],
};

/** Balancers that write `awselb` and the like beside a plain status. */
export const AWS_TEXTS: Dialect = {
  speaker: "AWS ALB access log",
  spoken: "in_lines",
  terms: [
    {
      term: "an access line with status 503 and no target",
      // Where a function is the target, a field behind says what was wrong with its answer.
      match: /^\S+ \d{4}-\S+Z app\/\S+ \S+ - -1 -1 -1 50[23] - (?!.*"(?:Lambda|Auth)[A-Z])/,
      meaning: "No target was chosen: none is registered in the target group and healthy.",
      failures: ["no_healthy_target"],
      remedies: ["Target groups, Targets: the reason beside each; register the service there."],
    },
    {
      term: "an access line with the status of the target",
      match: /^\S+ \d{4}-\S+Z app\/\S+ \S+ \S+ [\d.]+ [\d.]+ [\d.]+ (5\d\d) \1 /,
      meaning: "The target answered with this status, and the balancer passed it on.",
      failures: ["received_server_error", "received_gateway_error"],
      remedies: ["Read the log of the target at this second, by the trace id of the line."],
    },
    {
      term: "an access line with status 504, and a target that took the request",
      match: /^\S+ \d{4}-\S+Z app\/\S+ \S+ \S+ [\d.]+ [\d.]+ -1 504 - /,
      meaning: "The target took the request and did not answer within the idle timeout.",
      failures: ["http_response_timeout"],
      remedies: ["Find the slow part of the application, or raise idle_timeout.timeout_seconds."],
    },
    {
      term: "an access line with status 502 and no status of the target",
      match: /^\S+ \d{4}-\S+Z app\/\S+ \S+ \S+ [\d.]+ [\d.]+ -1 502 - /,
      meaning: "The target took the request and gave no valid answer: target_status is empty.",
      failures: ["stale_connection", "connection_terminated", "http_protocol_error"],
      remedies: ["Set keepAliveTimeout of the target above the balancer's idle timeout (60 s)."],
    },
    {
      term: "an access line with status 504 and no status of the target",
      match: /^\S+ \d{4}-\S+Z app\/\S+ \S+ \S+ \S+ -1 -1 504 - /,
      meaning: "The target did not accept the connection within 10 s.",
      failures: ["connection_timeout", "http_response_timeout"],
    },
    {
      term: "elb_status_code 502, target_status_code -",
      match: /\s-1 -1 -1 50[234] -\s(?!.*"(?:Lambda|Auth)[A-Z])|\s[\d.]+ -1 -1 50[234] -\s/,
      meaning: "The balancer answered itself: the target gave no usable answer.",
      failures: ["stale_connection", "connection_terminated", "http_response_timeout"],
      remedies: [
        'keepAliveTimeout of the target above the idle timeout (60 s); behind: "aws-alb".',
        "HTTPCode_ELB_5XX_Count against HTTPCode_Target_5XX_Count shows which of them answers.",
      ],
    },
  ],
};
