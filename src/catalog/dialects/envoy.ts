/**
 * Envoy's response flags (%RESPONSE_FLAGS% in its access log) and the texts of its own answers.
 * Istio and most service meshes write the same flags.
 */
import type { Dialect } from "./foreign-term.js";

export const ENVOY_FLAGS: Dialect = {
  speaker: "Envoy response flag",
  spoken: "as_a_word",
  terms: [
    {
      term: "UH",
      match: "UH",
      meaning: "No healthy host in the upstream cluster. Envoy answers 503.",
      failures: ["no_healthy_target", "breaker_open"],
    },
    {
      term: "UF",
      match: /^UF(?:,URX)?$/,
      meaning: "The connection to the upstream failed. Envoy answers 503.",
      failures: [
        "connection_refused",
        "connection_timeout",
        "tls_protocol_error",
        "connection_reset_while_connecting",
      ],
      remedies: ["%UPSTREAM_TRANSPORT_FAILURE_REASON% in the access log says which of them."],
    },
    {
      term: "UO",
      match: "UO",
      meaning: "A circuit breaker limit of the cluster (connections, requests) is reached: 503.",
      failures: ["bulkhead_full", "connection_pool_timeout"],
    },
    {
      term: "NR",
      match: "NR",
      meaning: "No route matches the request. Envoy answers 404.",
      failures: ["destination_not_found"],
    },
    {
      term: "NC",
      match: "NC",
      meaning: "The route names a cluster that does not exist. Envoy answers 503.",
      failures: ["destination_not_found", "proxy_configuration_error"],
    },
    {
      term: "URX",
      match: /^URX$|^[A-Z]+,URX$/,
      meaning: "The attempts for this request are used up; the last failure is the reason.",
      failures: ["connection_refused", "connection_terminated", "received_server_error"],
    },
    {
      term: "UC",
      match: "UC",
      meaning: "The upstream closed the connection before it answered. Envoy answers 503.",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
      causes: [
        "The application closed an idle connection as Envoy reused it (Node: 5 s, up to 25.x).",
        "The application crashed or was killed while it served the request.",
      ],
      remedies: [
        'Set keepAliveTimeout of Node above Envoy\'s idle_timeout; good-gateway: behind: "envoy".',
        "Set idle_timeout of the cluster below the application's keep-alive time.",
        "retry_on: reset-before-request repeats it where nothing was sent.",
      ],
    },
    {
      term: "UT",
      match: "UT",
      meaning: "The upstream did not answer within the route's timeout (15 s). Envoy answers 504.",
      failures: ["http_response_timeout", "deadline_exceeded"],
    },
    {
      term: "UR",
      match: "UR",
      meaning: "The upstream reset the stream. Envoy answers 503.",
      failures: ["connection_terminated", "http_protocol_error"],
    },
    {
      term: "LR",
      match: "LR",
      meaning: "Envoy reset the connection itself.",
      failures: ["http_response_timeout", "connection_terminated"],
    },
    {
      term: "UPE",
      match: "UPE",
      meaning: "The upstream's answer breaks the protocol. Envoy answers 502.",
      failures: ["http_protocol_error", "response_framing_invalid"],
    },
    {
      term: "DPE",
      match: "DPE",
      meaning: "The client's request breaks the protocol. Envoy answers 400.",
      failures: ["bad_request"],
    },
    {
      term: "DC",
      match: "DC",
      meaning: "The client closed the connection.",
      failures: ["client_closed_request"],
    },
    {
      term: "DF",
      match: "DF",
      meaning: "The name of the upstream was not resolved. Envoy answers 503.",
      failures: ["dns_name_not_found", "dns_error", "dns_timeout"],
    },
    {
      term: "DT",
      match: "DT",
      meaning: "max_connection_duration or the request's deadline expired. Envoy answers 504.",
      failures: ["deadline_exceeded", "deadline_already_over"],
    },
    {
      term: "SI",
      match: "SI",
      meaning: "The stream was silent for stream_idle_timeout (5 min). Envoy answers 504 or 408.",
      failures: ["connection_read_timeout", "http_response_timeout", "client_stalled"],
    },
    {
      term: "RL",
      match: "RL",
      meaning: "The rate limit filter rejected the request. Envoy answers 429.",
      failures: ["rate_limited"],
    },
    {
      term: "RLSE",
      match: "RLSE",
      meaning: "The rate limit service failed, and the filter is configured to reject then.",
      failures: ["proxy_configuration_error", "received_server_error"],
    },
    {
      term: "UAEX",
      match: "UAEX",
      meaning: "The external authorization service denied the request. Envoy answers 403.",
      failures: ["request_denied"],
    },
    {
      term: "IH",
      match: "IH",
      meaning: "A strictly checked header of the request is invalid. Envoy answers 400.",
      failures: ["bad_request"],
    },
    {
      term: "LH",
      match: "LH",
      meaning: "The local health check filter fails this request.",
      failures: ["no_healthy_target", "draining"],
    },
    {
      term: "OM",
      match: "OM",
      meaning: "The overload manager ended the request. Envoy answers 503.",
      failures: ["load_shed"],
    },
    {
      term: "FI / DI",
      match: /^(?:FI|DI)$/,
      meaning: "A fault or a delay was injected on purpose (fault filter).",
      failures: ["request_denied"],
    },
    {
      term: "RFCF",
      match: "RFCF",
      meaning: "The request was rejected: its filter chain could not be created. Answer: 500.",
      failures: ["proxy_configuration_error", "proxy_internal_error"],
    },
    {
      term: "NFCF",
      match: "NFCF",
      meaning: "No filter configuration arrived in time (extension discovery). Answer: 500.",
      failures: ["proxy_configuration_error"],
    },
    {
      term: "DR",
      match: "DR",
      meaning: "The client reset its stream (HTTP/2 or 3).",
      failures: ["client_closed_request"],
    },
    {
      term: "UDO",
      match: "UDO",
      meaning: "The overload manager dropped the request before it went upstream. Answer: 503.",
      failures: ["load_shed"],
    },
    {
      term: "UMSDR",
      match: "UMSDR",
      meaning: "max_stream_duration of the upstream expired.",
      failures: ["response_body_timeout", "deadline_exceeded"],
    },
  ],
};

export const ENVOY_TEXTS: Dialect = {
  speaker: "Envoy",
  spoken: "in_lines",
  terms: [
    {
      term: "dns resolution for … failed with c-ares status 4",
      match: /dns resolution for \S+ failed with c-ares status/i,
      meaning: "The name of the cluster has no address (status 4), or its server fails (11, 12).",
      failures: ["dns_name_not_found", "dns_error", "dns_timeout"],
    },
    {
      term: "no healthy upstream",
      match: /no[_ ]healthy[_ ](?:upstream|host)/i,
      meaning: "No healthy host in the upstream cluster (flag UH).",
      failures: ["no_healthy_target", "breaker_open"],
    },
    {
      term: "transport failure reason: TLS error … CERTIFICATE_VERIFY_FAILED",
      match: [
        /(?:failure[ _]reason|connection_failure).*CERTIFICATE_VERIFY_FAILED/i,
        /(?:failure[ _]reason|connection_failure).*(?:verify[ _]SAN|SAN list)/i,
      ],
      meaning: "The upstream's certificate is not trusted, or for another name (flag UF).",
      failures: ["tls_certificate_error", "tls_certificate_expired"],
      remedies: ["Compare trusted_ca and match_typed_subject_alt_names with its certificate."],
    },
    {
      term: "transport failure reason: TLS error … ALERT",
      match: /(?:failure[ _]reason|connection_failure).*TLS.*ALERT/i,
      meaning:
        "The upstream rejected the TLS handshake: it requires a certificate or another name.",
      failures: ["tls_alert_received"],
    },
    {
      term: "transport failure reason: TLS error … WRONG_VERSION_NUMBER",
      match: /(?:failure[ _]reason|connection_failure).*(?:TLS|SSL)/i,
      meaning: "The connection was established, but TLS on it failed (flag UF).",
      failures: ["tls_protocol_error", "tls_alert_received"],
      causes: ["The cluster speaks TLS, and the upstream plain HTTP at this port, or the reverse."],
    },
    {
      term: "delayed connect error: 113",
      match: [
        /(?:delayed|immediate)[ _]connect[ _]error:[ _](?:113|101|99)\b/i,
        /[ _]connect[ _]error:[ _](?:No[ _]route|Network[ _]is[ _]unreach)/i,
      ],
      meaning: "The kernel has no route to that address (113, 101) or no port left (99); flag UF.",
      failures: ["destination_ip_unroutable", "local_resources_exhausted"],
    },
    {
      term: "delayed connect error: 110",
      match: /(?:delayed|immediate)[ _]connect[ _]error:[ _]110\b/i,
      meaning: "The connection was not established in time: packets are dropped (flag UF).",
      failures: ["connection_timeout"],
    },
    {
      term: "reset reason: connection failure / delayed connect error: 111",
      match: [
        /reset reason: (?:remote |local )?connection failure|delayed[ _]connect[ _]error:[ _]111/i,
        /\{(?:remote_|local_)?connection_failure/i,
      ],
      meaning: "The connection to the upstream could not be established (flag UF).",
      failures: ["connection_refused", "connection_timeout", "tls_protocol_error"],
      remedies: ["transport failure reason, in the same line, has the errno: 111 is refused."],
    },
    {
      term: "reset reason: connection timeout",
      match: /(?:reset reason: |\{)connection[ _]timeout/i,
      meaning: "The connection was not established within the cluster's connect_timeout (flag UF).",
      failures: ["connection_timeout"],
    },
    {
      term: "reset reason: connection termination",
      match: [
        /reset reason: (?:remote |local )?(?:connection termination|reset)/i,
        /\{(?:remote_|local_)?(?:connection_termination|reset)/i,
      ],
      meaning: "The upstream closed the connection before it answered (flag UC or UR).",
      failures: ["connection_terminated", "stale_connection"],
      remedies: [
        'Set keepAliveTimeout of Node above Envoy\'s idle_timeout; good-gateway: behind: "envoy".',
      ],
    },
    {
      term: "reset reason: overflow",
      match: /(?:reset reason: |\{)overflow/i,
      meaning: "A circuit breaker limit of the cluster is reached (flag UO).",
      failures: ["bulkhead_full", "connection_pool_timeout"],
    },
    {
      term: "reset reason: protocol error",
      match: /(?:reset reason: |\{)protocol[ _]error/i,
      meaning: "The upstream's answer breaks the protocol (flag UPE).",
      failures: ["http_protocol_error", "response_framing_invalid"],
    },
    {
      term: "upstream connect error or disconnect/reset before headers",
      match: /upstream connect error or disconnect\/reset before headers|upstream_reset_before/i,
      meaning: "The connection to the upstream failed or was lost before an answer (UF, UC, UR).",
      failures: ["connection_refused", "connection_terminated", "stale_connection"],
    },
    {
      term: "RBAC: access denied / ext_authz_denied / Jwt is missing",
      match: [
        /RBAC: access denied|rbac_access_denied|ext_authz_(?:denied|error)|UAEX/,
        /Jwt (?:is missing|verification fails|is expired|issuer is not)|jwt_authn_access_denied/,
      ],
      meaning:
        "A policy denies the request (AuthorizationPolicy, a token, a service that decides).",
      failures: ["request_denied"],
      remedies: ["The policy in the brackets of the response code details; istioctl x authz check"],
    },
    {
      term: "via_upstream",
      match: /\bvia_upstream\b/,
      general: true,
      meaning: "The answer is the upstream's own, regardless of its status.",
      failures: ["received_gateway_error", "received_server_error", "received_overloaded"],
      remedies: ["Read the log of the upstream at this second, by the request id."],
    },
    {
      term: "stream timeout / stream_idle_timeout",
      match: /^stream timeout$|\bstream_idle_timeout\b|max_duration_timeout/,
      meaning: "Nothing was sent on the stream for stream_idle_timeout (5 min).",
      failures: ["http_response_timeout", "connection_read_timeout"],
    },
    {
      term: "downstream_remote_disconnect",
      match: /\bdownstream_remote_disconnect\b|downstream_local_disconnect/,
      meaning: "The client left before the answer.",
      failures: ["client_closed_request"],
    },
    {
      term: "upstream request timeout",
      match: /upstream request timeout|\bUT response_timeout|upstream_response_timeout/i,
      meaning: "The upstream did not answer within the route's timeout (flag UT).",
      failures: ["http_response_timeout"],
    },
    {
      term: "upstream_reset_after_response_started",
      match: /upstream_reset_after_response_started/i,
      meaning: "The upstream closed in the middle of the body.",
      failures: ["http_response_incomplete", "connection_reset_in_body"],
    },
  ],
};
