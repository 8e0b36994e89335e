/**
 * The error types that a Proxy-Status field may name, as RFC 9209 §2.3.1–2.3.32 defines them.
 *
 * Each entry holds what the RFC says and nothing of ours: the status it recommends, the extra
 * parameters with their kinds, and whether only an intermediary can make such an answer.
 * `status` is a number, or the family from which the most fitting one is chosen
 * ("4xx" for http_request_error, "any" for proxy_internal_response).
 * The IANA registry may grow; a type that RFC 9209 does not define is not in this table.
 */
/** How an extra parameter is written as a structured field (RFC 8941 §3.3). */
export type ProxyErrorParameterKind = "string" | "token" | "integer" | "token_or_string";

/** One error type of RFC 9209 §2.3. */
export interface ProxyErrorRow {
  /** The recommended status, or the family to choose it from. */
  readonly status: 403 | 500 | 502 | 503 | 504 | "4xx" | "any";
  /**
   * True when a complete answer with this error can only come from an intermediary. The types with
   * `false` can also strike while an answer of the origin is being passed on, so they are the
   * ones that make sense in a trailer.
   */
  readonly onlyGenerated: boolean;
  /** Parameters that may stand beside `error`, besides those of RFC 9209 §2.1. */
  readonly parameters: Readonly<Record<string, ProxyErrorParameterKind>>;
}

const NO_PARAMETERS = {} as const;

/** RFC 9209 §2.3, in the order of the text. */
export const PROXY_ERRORS = {
  dns_timeout: { status: 504, onlyGenerated: true, parameters: NO_PARAMETERS },
  dns_error: {
    status: 502,
    onlyGenerated: true,
    parameters: { rcode: "string", "info-code": "integer" },
  },
  destination_not_found: { status: 500, onlyGenerated: true, parameters: NO_PARAMETERS },
  destination_unavailable: { status: 503, onlyGenerated: true, parameters: NO_PARAMETERS },
  destination_ip_prohibited: { status: 502, onlyGenerated: true, parameters: NO_PARAMETERS },
  destination_ip_unroutable: { status: 502, onlyGenerated: true, parameters: NO_PARAMETERS },
  connection_refused: { status: 502, onlyGenerated: true, parameters: NO_PARAMETERS },
  connection_terminated: { status: 502, onlyGenerated: false, parameters: NO_PARAMETERS },
  connection_timeout: { status: 504, onlyGenerated: true, parameters: NO_PARAMETERS },
  connection_read_timeout: { status: 504, onlyGenerated: false, parameters: NO_PARAMETERS },
  connection_write_timeout: { status: 504, onlyGenerated: false, parameters: NO_PARAMETERS },
  connection_limit_reached: { status: 503, onlyGenerated: true, parameters: NO_PARAMETERS },
  tls_protocol_error: { status: 502, onlyGenerated: false, parameters: NO_PARAMETERS },
  tls_certificate_error: { status: 502, onlyGenerated: true, parameters: NO_PARAMETERS },
  tls_alert_received: {
    status: 502,
    onlyGenerated: false,
    parameters: { "alert-id": "integer", "alert-message": "token_or_string" },
  },
  http_request_error: {
    status: "4xx",
    onlyGenerated: true,
    parameters: { "status-code": "integer", "status-phrase": "string" },
  },
  http_request_denied: { status: 403, onlyGenerated: true, parameters: NO_PARAMETERS },
  http_response_incomplete: { status: 502, onlyGenerated: false, parameters: NO_PARAMETERS },
  http_response_header_section_size: {
    status: 502,
    onlyGenerated: false,
    parameters: { "header-section-size": "integer" },
  },
  http_response_header_size: {
    status: 502,
    onlyGenerated: false,
    parameters: { "header-name": "string", "header-size": "integer" },
  },
  http_response_body_size: {
    status: 502,
    onlyGenerated: false,
    parameters: { "body-size": "integer" },
  },
  http_response_trailer_section_size: {
    status: 502,
    onlyGenerated: false,
    parameters: { "trailer-section-size": "integer" },
  },
  http_response_trailer_size: {
    status: 502,
    onlyGenerated: false,
    parameters: { "trailer-name": "string", "trailer-size": "integer" },
  },
  http_response_transfer_coding: {
    status: 502,
    onlyGenerated: false,
    parameters: { coding: "token" },
  },
  http_response_content_coding: {
    status: 502,
    onlyGenerated: false,
    parameters: { coding: "token" },
  },
  http_response_timeout: { status: 504, onlyGenerated: false, parameters: NO_PARAMETERS },
  http_upgrade_failed: { status: 502, onlyGenerated: true, parameters: NO_PARAMETERS },
  http_protocol_error: { status: 502, onlyGenerated: false, parameters: NO_PARAMETERS },
  proxy_internal_response: { status: "any", onlyGenerated: true, parameters: NO_PARAMETERS },
  proxy_internal_error: { status: 500, onlyGenerated: true, parameters: NO_PARAMETERS },
  proxy_configuration_error: { status: 500, onlyGenerated: true, parameters: NO_PARAMETERS },
  proxy_loop_detected: { status: 502, onlyGenerated: true, parameters: NO_PARAMETERS },
} as const satisfies Record<string, ProxyErrorRow>;

/** The name of an error type of RFC 9209 §2.3. */
export type ProxyErrorType = keyof typeof PROXY_ERRORS;
