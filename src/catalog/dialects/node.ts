/**
 * Error texts of Node, undici and HTTP clients, without a code or beside one.
 *
 * The gateway itself never reads the text of an error, but a log often has nothing else.
 */
import type { Dialect } from "./foreign-term.js";

export const NODE_TEXTS: Dialect = {
  speaker: "Node",
  spoken: "in_lines",
  terms: [
    {
      term: "socket hang up",
      match: /socket hang up/i,
      meaning: "The peer closed the connection before it answered.",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
      causes: [
        "The server closed a kept-alive connection as it was reused (Node: 5 s, up to 25.x).",
        "The server crashed or was killed while it served the request.",
        "Plain HTTP was sent to a port that expects TLS.",
      ],
    },
    {
      term: "other side closed",
      match: /other side closed/i,
      meaning: "undici: the server closed the connection (UND_ERR_SOCKET).",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
    },
    {
      term: "TypeError: terminated",
      match: /TypeError: terminated|\bterminated\b.*UND_ERR/i,
      general: true,
      meaning: "fetch: the body of the answer broke off after its head had arrived.",
      failures: ["http_response_incomplete", "connection_reset_in_body", "connection_read_timeout"],
      remedies: ["error.cause has the code: print it with console.error(error.cause)."],
    },
    {
      term: "Error: aborted",
      match: /Error: aborted\b/i,
      general: true,
      meaning: "node:http: the connection was lost in the middle of a message.",
      failures: ["http_response_incomplete", "client_closed_request"],
    },
    {
      term: "at abortIncoming (node:_http_server)",
      match: /\bat abortIncoming \(/,
      meaning: "The client, or the proxy in front, left while its request was being served.",
      failures: ["client_closed_request"],
    },
    {
      term: "at socketCloseListener (node:_http_client)",
      match: /\bsocketCloseListener \((?:node:)?_http_client/,
      meaning: "The server closed the connection in the middle of its answer, or before it.",
      failures: ["http_response_incomplete", "connection_terminated", "stale_connection"],
    },
    {
      term: "TypeError: fetch failed",
      match: /(?<!backend )\bfetch failed/i,
      meaning: "fetch got no answer; the error's cause has the reason.",
      failures: ["connection_refused", "dns_name_not_found", "connection_terminated"],
      general: true,
      remedies: [
        "Print the cause: console.error(error.cause) has code, address and port.",
        "With gatewayFetch, error.failure has the name of the failure.",
      ],
    },
    {
      term: "Client network socket disconnected before secure TLS connection was established",
      match: /disconnected before secure TLS connection/i,
      meaning: "The server closed during the TLS handshake.",
      failures: ["tls_protocol_error", "connection_reset_while_connecting"],
    },
    {
      term: "wrong version number",
      match: /wrong version number/i,
      meaning: "The client spoke TLS to a port that answers in plain text.",
      failures: ["tls_protocol_error"],
      remedies: ["Write http:// instead of https:// for this port, or use its TLS port."],
    },
    {
      term: "Parse Error: …",
      match: /Parse Error: |HTTPParserError/,
      general: true,
      meaning: "The received bytes are not valid HTTP.",
      failures: [
        "http_protocol_error",
        "response_framing_invalid",
        "http_response_transfer_coding",
      ],
    },
    {
      term: "JavaScript heap out of memory",
      match: /(?:JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts)/i,
      meaning: "A Node process exhausted its heap and exited; its requests were cut.",
      failures: ["connection_terminated", "http_response_incomplete", "connection_refused"],
      remedies: [
        "Look for what grows: node --heapsnapshot-near-heap-limit=2 writes snapshots.",
        "--max-old-space-size in megabytes must be below the container's limit.",
      ],
    },
    {
      term: "MaxListenersExceededWarning",
      match: /MaxListenersExceededWarning/,
      meaning: "Listeners pile up on one object; often a retry or a proxy that never removes them.",
      failures: [],
      remedies: ["--trace-warnings shows where they are added."],
    },
    {
      term: "listen EADDRINUSE: address already in use / EACCES: permission denied",
      match: /listen E(?:ADDRINUSE|ACCES|ADDRNOTAVAIL)\b/,
      meaning:
        "The application could not start: its port is taken, or below 1024 without the right.",
      failures: ["connection_refused"],
      causes: ["The previous process never got the signal to stop (npm start, sh -c)."],
      remedies: ["ss -ltnp | grep PORT shows the owner; start node directly, or use exec."],
    },
    {
      term: "OpenBreakerError: Breaker is open",
      match: /Breaker is open|EOPENBREAKER/,
      meaning: "opossum rejects the call, since earlier calls failed.",
      failures: ["breaker_open"],
    },
    {
      term: "[HPM] Error occurred while proxying request",
      match: [
        /\[HPM\] Error occurred while proxying|Error occurred while trying to proxy/i,
        /Could not proxy request/,
      ],
      meaning: "http-proxy-middleware could not reach the target; the same line has the code.",
      failures: ["connection_refused", "connection_terminated"],
      general: true,
    },
  ],
};

/** Exit codes of curl, and the browsers' names for the same. */
export const CLIENT_TEXTS: Dialect = {
  speaker: "client",
  spoken: "in_lines",
  terms: [
    {
      term: "curl: (6) Could not resolve host",
      match: /curl: \(6\)|ERR_NAME_NOT_RESOLVED/,
      meaning: "The name of the server has no address.",
      failures: ["dns_name_not_found", "dns_error"],
    },
    {
      term: "curl: (7) Failed to connect",
      match: /curl: \(7\)|ERR_CONNECTION_REFUSED/,
      meaning: "Nothing listens at that address and port.",
      failures: ["connection_refused"],
    },
    {
      term: "curl: (28) Operation timed out",
      match: /curl: \(28\)|ERR_(?:CONNECTION_)?TIMED_OUT/,
      meaning: "No connection, or no answer, within the client's timeout.",
      failures: ["connection_timeout", "http_response_timeout"],
    },
    {
      term: "curl: (35) SSL connect error",
      match: /curl: \(35\)|ERR_SSL_PROTOCOL_ERROR(?! [A-Z])/,
      meaning: "The TLS handshake failed.",
      failures: ["tls_protocol_error", "tls_alert_received"],
    },
    {
      term: "curl: (52) Empty reply from server",
      match: /curl: \(52\)|ERR_EMPTY_RESPONSE/,
      meaning: "The server closed the connection without an answer.",
      failures: ["connection_terminated"],
    },
    {
      term: "curl: (16), (92) HTTP/2 framing, stream was not closed cleanly",
      match: /curl: \((?:16|92)\)|ERR_HTTP2_PROTOCOL_ERROR(?! [A-Z])/,
      meaning: "HTTP/2: the stream or the connection was reset in the middle of an answer.",
      failures: ["stream_reset", "http_response_incomplete", "http_protocol_error"],
      remedies: ["Retry with --http1.1: if that works, look at the hop that speaks HTTP/2."],
    },
    {
      term: "curl: (55) Send failure: Broken pipe",
      match: /curl: \(55\)/,
      meaning: "The server closed while the request was still being sent.",
      failures: ["connection_terminated_while_sending", "request_body_too_large"],
    },
    {
      term: "curl: (5), (97) Could not resolve or use a proxy",
      match: /curl: \((?:5|97)\)|ERR_PROXY_CONNECTION_FAILED|ERR_TUNNEL_CONNECTION_FAILED/,
      meaning: "The proxy of the client (http_proxy, --proxy) is the problem, not the server.",
      failures: ["connection_refused", "dns_name_not_found"],
      remedies: ["env | grep -i proxy; curl --noproxy '*'"],
    },
    {
      term: "curl: (1) Received HTTP/0.9 when not allowed, (8) Weird server reply",
      match: /Received HTTP\/0\.9 when not allowed|curl: \(8\)/,
      meaning: "What the server sent is not HTTP: another protocol, or TLS.",
      failures: ["http_protocol_error", "tls_protocol_error"],
    },
    {
      term: "curl: (3), (1) URL malformed, unsupported protocol",
      match: /curl: \([13]\)/,
      meaning: "The URL is invalid, and nothing was sent.",
      failures: [],
    },
    {
      term: "curl: (47) Maximum redirects followed",
      match: /curl: \(47\)|ERR_TOO_MANY_REDIRECTS|redirected you too many times/,
      meaning: "A redirect loop, usually http to https behind a proxy.",
      failures: ["loop_detected"],
      remedies: ["Let the application trust X-Forwarded-Proto from the proxy, and only from it."],
    },
    {
      term: "curl: (58), (77), (51), (59), (66), (83) TLS settings of the client",
      match: /curl: \((?:51|53|54|58|59|66|77|80|82|83|90|91)\)/,
      meaning: "The client's own TLS settings, or the server's certificate, cannot be used.",
      failures: ["tls_certificate_error", "tls_protocol_error"],
    },
    {
      term: "curl: (18) transfer closed with outstanding read data remaining",
      match: /curl: \(18\)|ERR_CONTENT_LENGTH_MISMATCH|ERR_INCOMPLETE_CHUNKED_ENCODING/,
      meaning: "The body ended before it was complete.",
      failures: ["http_response_incomplete"],
    },
    {
      term: "curl: (56) Recv failure",
      match: /curl: \(56\)|ERR_CONNECTION_(?:RESET|CLOSED)/,
      meaning: "The connection was reset while curl read the answer.",
      failures: ["connection_terminated", "connection_reset_in_body"],
    },
    {
      term: "curl: (60) SSL certificate problem",
      match: /curl: \(60\)|ERR_CERT_(?!DATE)[A-Z_]+/,
      meaning: "The server's certificate is not trusted for this name.",
      failures: ["tls_certificate_error"],
    },
    {
      term: "ERR_CERT_DATE_INVALID",
      match: /ERR_CERT_DATE_INVALID|certificate has expired/i,
      meaning: "The server's certificate has expired.",
      failures: ["tls_certificate_expired"],
    },
  ],
};
