/**
 * Messages of networks at the edge: CloudFront, Cloudflare, Akamai, Azure Front Door. Each has a
 * list of reasons of its own, in its log, its error page or a field of its answer.
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";

const REACH = "The firewall of the origin must let in the edge's addresses, at the origin's port.";
const CERTIFICATE = "The origin's certificate: its date, its full chain, and the name in it.";
const RULE = "The edge's own security log has the rule and the id of the request.";
const LATE =
  "Find the slow part of the origin, or answer with 202 and a job; then raise the limit.";

/** x-edge-detailed-result-type of the access log (2025), and the sentences of its pages. */
const CLOUDFRONT = dialectOfLines(
  "CloudFront",
  [
    "OriginDnsError / wasn't able to resolve the origin domain name",
    /\bOriginDnsError\b|wasn't able to resolve the origin domain/i,
    "CloudFront found no address for the name of the origin. Answer: 502.",
    ["dns_name_not_found", "dns_error"],
    "The origin's domain name in the distribution must resolve in public DNS.",
  ],
  [
    "SSL handshake with the origin failed",
    /SSL handshake with (?:the )?origin failed|origin.*(?:SSL|TLS) (?:protocol|negotiation)/i,
    "TLS with the origin failed. Answer: 502.",
    ["tls_certificate_error", "tls_protocol_error", "tls_certificate_expired"],
    CERTIFICATE,
    "Minimum origin SSL protocol of the distribution, and ciphers of the origin",
  ],
  [
    "OriginConnectError",
    /\bOriginConnectError\b/,
    "CloudFront could not connect to the origin. Answer: 502 or 504.",
    ["connection_refused", "connection_timeout", "tls_certificate_error"],
    REACH,
  ],
  [
    "OriginCommError",
    /\bOriginCommError\b/,
    "The connection to the origin failed or was silent while CloudFront waited for the answer.",
    ["http_response_timeout", "connection_terminated", "stale_connection"],
    "Origin response timeout is 30 s by default; keep idle connections for more than 5 s.",
  ],
  [
    "OriginReadError / OriginWriteError / OriginContentRangeLengthError",
    /\bOrigin(?:Read|Write|ContentRangeLength)Error\b/,
    "The connection to the origin broke in the middle of a message.",
    ["http_response_incomplete", "connection_terminated", "connection_reset_in_body"],
    "The origin's own log at this second: a crash, a restart, a limit.",
  ],
  [
    "OriginHeaderTooBigError",
    /\bOriginHeaderTooBigError\b/,
    "A field in the head of the origin's answer is too large. Answer: 502.",
    ["http_response_header_section_size", "http_response_header_size"],
    "Fewer or smaller headers and cookies in the answer",
  ],
  [
    "OriginInvalidResponseError / OriginZeroSizeObjectError",
    /\bOrigin(?:InvalidResponse|ZeroSizeObject)Error\b/,
    "The origin's answer is not valid HTTP, or is empty. Answer: 502.",
    ["http_protocol_error", "connection_terminated"],
    "curl -sv to the origin itself shows its bytes.",
  ],
  [
    "ClientCommError / AbortedOrigin / ClientHungUpRequest",
    /\b(?:ClientCommError|ClientHungUpRequest|AbortedOrigin)\b/,
    "The connection to the client ended before the answer did.",
    ["client_closed_request"],
    "The timeout of the client is shorter than the answer takes.",
  ],
  [
    "Request blocked / configured to block access from your country",
    /^Request blocked\.|configured to block access from your country|\bClientGeoBlocked\b/im,
    "A rule of AWS WAF or a geographic restriction denies the request. Answer: 403.",
    ["request_denied"],
    RULE,
  ],
  [
    "Lambda@Edge or CloudFront function failed",
    [
      /Lambda function (?:associated with|result failed)|CloudFront function associated with/i,
      /\bLambda(?:Execution|Limit|Validation)\w*Error\b/,
    ],
    "A function at the edge is invalid, has no permission, or returned no valid answer: 502, 503.",
    ["proxy_internal_error", "received_server_error", "proxy_configuration_error"],
    "Its log is in CloudWatch, in the region of the edge that answered.",
  ],
  {
    term: "CloudFront wasn't able to connect to the origin / X-Cache: Error from cloudfront",
    match: [
      /wasn't able to connect to the origin|Error from cloudfront/i,
      /attempted to establish a connection with the origin/i,
    ],
    general: true,
    meaning: "CloudFront got no usable answer from the origin. Answer: 502 or 504.",
    failures: ["connection_refused", "tls_certificate_error", "http_response_timeout"],
    remedies: [
      "The origin's certificate must be valid for its own name, not for the public one.",
      "x-edge-detailed-result-type in the access log names the reason.",
    ],
  },
);

/**
 * The list of errors 1xxx of its documentation (2025). `error code: 1020` is the whole page; MySQL
 * writes `ERROR 1040 (08004)`.
 */
const numbered = (numbers: string): RegExp =>
  new RegExp(`(?:\\berror(?: code)?:?\\s*|\\bcf-error-code: )(?:${numbers})\\b(?! \\()`, "i");

/** Before a status of Cloudflare's own, in the words of another program. */
const NAMED = "\\b(?:status(?: ?code)?|HTTP(?:/[\\d.]+)?|error)[\"': =]{1,3}";

const CLOUDFLARE_ERRORS = dialectOfLines(
  "Cloudflare",
  [
    "error 1016, 1001: Origin DNS error",
    [numbered("10(?:01|16)"), /\bOrigin DNS error\b/i],
    "Cloudflare finds no address for the origin's name. Answer: 530.",
    ["dns_name_not_found", "dns_error"],
    "The CNAME or A record of the origin in its own zone must exist and resolve.",
  ],
  [
    "error 1033: Cloudflare Tunnel error",
    [numbered("1033"), /Cloudflare Tunnel error|Argo Tunnel error/i],
    "No cloudflared is connected for this tunnel. Answer: 530.",
    ["no_healthy_target", "connection_timeout"],
    "cloudflared tunnel info NAME shows its connections; is cloudflared running on the host?",
  ],
  [
    "error 1015: You are being rate limited",
    [numbered("1015"), /You are being rate limited/i],
    "A rate limit of the zone's owner rejects this client. Answer: 429.",
    ["rate_limited"],
    "Security, Rate limiting rules of the zone; its events name the rule.",
  ],
  [
    "error 1000, 1002, 1003, 1034: address or host that may not be used",
    [numbered("10(?:00|02|03|04|34)"), /DNS points to prohibited IP|Direct IP access not allowed/i],
    "The record leads back to Cloudflare or to a forbidden address, or no host name was used.",
    ["destination_ip_prohibited", "loop_detected", "destination_not_found"],
    "The A record must be the origin's own address, not one of Cloudflare's.",
  ],
  [
    "error 1005 … 1012, 1020, 1106: Access denied",
    [numbered("10(?:0[5-9]|1[0-2]|20|40)|1106"), /Access denied \| .*Cloudflare/i],
    "A firewall rule of the zone's owner, or a ban of country, network or browser: 403.",
    ["request_denied"],
    "Security events of the zone, by the Ray ID, name the rule.",
  ],
  [
    "error 1013, 1014, 1018, 1023: host name not known here",
    numbered("10(?:13|14|18|23)"),
    "The host name does not fit SNI, or belongs to no active zone.",
    ["destination_not_found", "received_misdirected"],
    "Add the host to the zone, or to custom hostnames; wait until the zone is active.",
  ],
  [
    "error 1101, 1102, 1019, 1027: Worker",
    [numbered("1(?:10[1-4]|019|027)"), /Worker (?:threw exception|exceeded (?:CPU|resource))/i],
    "The Worker at the edge threw, reached its CPU or request limit, or calls itself.",
    ["received_server_error", "proxy_internal_error", "loop_detected"],
    "wrangler tail shows the exception.",
  ],
  [
    "error 1200: cache connection limit",
    numbered("1200"),
    "Too many requests wait for the origin at one place of the edge.",
    ["bulkhead_full", "http_response_timeout"],
    "The origin is slow or does not answer: look there.",
  ],
  [
    "525: SSL handshake failed",
    /\b525: SSL handshake failed|unable to establish an SSL connection to the origin/i,
    "The TLS handshake with the origin failed.",
    ["tls_protocol_error", "tls_alert_received", "tls_certificate_error"],
    "The origin needs TLS at this port, a certificate for this SNI, and a cipher in common.",
  ],
  [
    "526: Invalid SSL certificate",
    /\b526: Invalid SSL certificate|origin web server does not have a valid SSL certificate/i,
    "The origin's certificate is not valid (mode Full, strict).",
    ["tls_certificate_error", "tls_certificate_expired"],
    CERTIFICATE,
  ],
  [
    "524: A timeout occurred",
    new RegExp(`\\b524: A timeout occurred|${NAMED}524\\b`, "i"),
    "The origin took the request and did not answer within 120 s (formerly 100 s).",
    ["http_response_timeout"],
    LATE,
  ],
  [
    "523: Origin is unreachable",
    new RegExp(`\\b523: Origin is unreachable|${NAMED}523\\b`, "i"),
    "There is no route to the origin's address.",
    ["destination_ip_unroutable", "dns_error"],
    "Compare the A and AAAA records with the origin's addresses.",
  ],
  [
    "522: Connection timed out",
    new RegExp(`\\b522: Connection timed out|${NAMED}522\\b`, "i"),
    "The origin does not complete the TCP connection.",
    ["connection_timeout"],
    REACH,
  ],
  [
    "521: Web server is down",
    new RegExp(`\\b521: Web server is down|\\bweb server is down\\b|${NAMED}521\\b`, "i"),
    "The origin refuses connections.",
    ["connection_refused"],
    REACH,
    "Start the web server, and let it listen on the port of the TLS mode (80 or 443).",
  ],
  [
    "520: Web server is returning an unknown error",
    new RegExp(
      `\\b520: Web server is returning an unknown error|returning an unknown error|${NAMED}520\\b`,
      "i",
    ),
    "The origin closed, reset, or gave an answer that is not valid HTTP.",
    ["connection_terminated", "http_protocol_error", "http_response_header_section_size"],
    "The origin's own log at this second: a crash, or headers above 128 KiB",
  ],
);

const AKAMAI_PAGES = dialectOfLines(
  "Akamai",
  [
    "The proxy server did not receive a timely response from the upstream server",
    /did not receive a timely response from the upstream server/i,
    "The origin took the request and did not answer within the read timeout. Answer: 504.",
    ["http_response_timeout", "connection_timeout"],
    LATE,
  ],
  [
    "Access Denied: You don't have permission to access … on this server. Reference #",
    /You don't have permission to access ".*" on this server/i,
    "A rule of the edge (WAF, bot, country, token) denies the request. Answer: 403.",
    ["request_denied"],
    RULE,
  ],
  [
    "Service Unavailable - DNS failure",
    /Service Unavailable - DNS failure/i,
    "The edge finds no address for the origin. Answer: 503.",
    ["dns_name_not_found", "dns_error", "dns_timeout"],
    "The origin's host name must resolve in public DNS.",
  ],
  [
    "Service Unavailable - Fail to connect",
    /Service Unavailable - Fail to connect/i,
    "The edge could not connect to the origin. Answer: 503.",
    ["connection_refused", "connection_timeout"],
    REACH,
  ],
  [
    "Service Unavailable - Zero size object",
    /Service Unavailable - Zero size object/i,
    "The origin closed the connection without an answer. Answer: 503.",
    ["connection_terminated", "stale_connection", "http_protocol_error"],
    "The origin must keep idle connections longer than the edge does.",
  ],
  [
    'Invalid URL: The requested URL "[no URL]", is invalid',
    /The requested URL ".*", is invalid/i,
    "The edge has no configuration for this host name, or the request is malformed.",
    ["destination_not_found", "bad_request"],
    "The host name must be in the property, and the property active.",
  ],
  {
    term: "An error occurred while processing your request. Reference #",
    match: /Reference\s*#\s*\d+\.[0-9a-f]+/i,
    general: true,
    meaning:
      "This page comes from the edge; the first number of the reference is the type of error.",
    failures: ["received_gateway_error", "connection_timeout", "dns_name_not_found"],
    remedies: ["Translate the reference in Control Center (Diagnostics, Error Translator)."],
  },
);

/** Other programs have errors of these names: they are Front Door's beside one of its fields. */
const beside = (reason: string): RegExp =>
  new RegExp(`^(?=.*(?:errorInfo|external-?error|Front ?Door)).*\\b(?:${reason})\\b`, "i");

/** errorInfo of its access log, and X-Azure-ExternalError (2025). */
const FRONT_DOOR = dialectOfLines(
  "Azure Front Door",
  [
    "SSLMismatchedSNI",
    /\bSSLMismatchedSNI\b/,
    "The client's Host differs from the name in its SNI: Front Door rejects the request.",
    ["received_misdirected", "bad_request"],
    "The client must use the same host name for TLS and for the request.",
  ],
  [
    "CertificateError / CertificateNameCheckFailed / SSLInvalidRootCA",
    beside("Certificate(?:Error|NameCheckFailed)|SSLInvalidRootCA"),
    "The origin's certificate has another name than the origin host, or its root is not trusted.",
    ["tls_certificate_error", "tls_certificate_expired"],
    CERTIFICATE,
  ],
  [
    "SSLHandshakeError / SSLInvalidCipher",
    beside("SSL(?:HandshakeError|InvalidCipher)"),
    "TLS with the origin failed.",
    ["tls_protocol_error", "tls_alert_received", "tls_certificate_error"],
    CERTIFICATE,
  ],
  [
    "DNSNameNotResolved / DNSFailure",
    beside("DNS(?:NameNotResolved|Failure)"),
    "Front Door found no address for the origin.",
    ["dns_name_not_found", "dns_error"],
    "The host name of the origin must resolve in public DNS.",
  ],
  [
    "DNSTimeout",
    beside("DNSTimeout"),
    "The name server of the origin did not answer in time.",
    ["dns_timeout", "dns_error"],
  ],
  [
    "OriginTimeout",
    /\bOriginTimeout\b/,
    "The origin did not answer within the origin response timeout (60 s by default).",
    ["http_response_timeout", "connection_timeout"],
    LATE,
  ],
  [
    "OriginConnectionRefused",
    /\bOriginConnectionRefused\b/,
    "The origin refused the connection.",
    ["connection_refused"],
    REACH,
  ],
  [
    "OriginConnectionAborted / OriginConnectionError",
    /\bOriginConnection(?:Aborted|Error)\b/,
    "The connection to the origin ended without an answer.",
    ["connection_terminated", "stale_connection", "connection_timeout"],
    "Keep idle connections at the origin for more than 90 s, and read its log at this second.",
  ],
  [
    "OriginInvalidResponse / ResponseHeaderTooBig / OriginError",
    /\bOriginInvalidRe(?:sponse|quest)\b|errorInfo\W+(?:ResponseHeaderTooBig|OriginError)\b/,
    "The origin's answer is invalid, or its head is too large.",
    ["http_protocol_error", "http_response_header_section_size"],
    "curl -sv to the origin itself, with the origin host header",
  ],
  [
    "ClientDisconnected",
    beside("ClientDisconnected"),
    "The client left before the answer.",
    ["client_closed_request"],
  ],
  [
    "ClientGeoBlocked / RestrictedIP",
    beside("ClientGeoBlocked|RestrictedIP"),
    "A rule on country or address denies the request.",
    ["request_denied"],
    RULE,
  ],
  [
    "page: Our services aren't available right now",
    /Our services aren't available right now/i,
    "Front Door's own page: it reaches no origin, or none is healthy.",
    ["no_healthy_target", "http_response_timeout", "tls_certificate_error"],
    "errorInfo of its access log, by the reference of the page, names the reason.",
  ],
);

export const EDGES: readonly Dialect[] = [CLOUDFRONT, CLOUDFLARE_ERRORS, AKAMAI_PAGES, FRONT_DOOR];
