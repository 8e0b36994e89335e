// RFC 9209 §2.3, typed from the text of the RFC a second time: [type, status, only generated].

import { describe, expect, it } from "vitest";
import { PROXY_ERRORS } from "../../../../src/catalog/rows/proxy-errors.js";

const RFC_9209 = [
  ["dns_timeout", 504, true],
  ["dns_error", 502, true],
  ["destination_not_found", 500, true],
  ["destination_unavailable", 503, true],
  ["destination_ip_prohibited", 502, true],
  ["destination_ip_unroutable", 502, true],
  ["connection_refused", 502, true],
  ["connection_terminated", 502, false],
  ["connection_timeout", 504, true],
  ["connection_read_timeout", 504, false],
  ["connection_write_timeout", 504, false],
  ["connection_limit_reached", 503, true],
  ["tls_protocol_error", 502, false],
  ["tls_certificate_error", 502, true],
  ["tls_alert_received", 502, false],
  ["http_request_error", "4xx", true],
  ["http_request_denied", 403, true],
  ["http_response_incomplete", 502, false],
  ["http_response_header_section_size", 502, false],
  ["http_response_header_size", 502, false],
  ["http_response_body_size", 502, false],
  ["http_response_trailer_section_size", 502, false],
  ["http_response_trailer_size", 502, false],
  ["http_response_transfer_coding", 502, false],
  ["http_response_content_coding", 502, false],
  ["http_response_timeout", 504, false],
  ["http_upgrade_failed", 502, true],
  ["http_protocol_error", 502, false],
  ["proxy_internal_response", "any", true],
  ["proxy_internal_error", 500, true],
  ["proxy_configuration_error", 500, true],
  ["proxy_loop_detected", 502, true],
] as const;

describe("proxy error types", () => {
  it("are those of RFC 9209 with their statuses, in its order", () => {
    const ours = Object.entries(PROXY_ERRORS).map(([type, row]) => [
      type,
      row.status,
      row.onlyGenerated,
    ]);
    expect(ours).toEqual(RFC_9209);
  });

  it("carry the extra parameters of the RFC, and the others carry none", () => {
    const withParameters = Object.fromEntries(
      Object.entries(PROXY_ERRORS)
        .filter(([, row]) => Object.keys(row.parameters).length > 0)
        .map(([type, row]) => [type, row.parameters]),
    );
    expect(withParameters).toEqual({
      dns_error: { rcode: "string", "info-code": "integer" },
      tls_alert_received: { "alert-id": "integer", "alert-message": "token_or_string" },
      http_request_error: { "status-code": "integer", "status-phrase": "string" },
      http_response_header_section_size: { "header-section-size": "integer" },
      http_response_header_size: { "header-name": "string", "header-size": "integer" },
      http_response_body_size: { "body-size": "integer" },
      http_response_trailer_section_size: { "trailer-section-size": "integer" },
      http_response_trailer_size: { "trailer-name": "string", "trailer-size": "integer" },
      http_response_transfer_coding: { coding: "token" },
      http_response_content_coding: { coding: "token" },
    });
  });
});
