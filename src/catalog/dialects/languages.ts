/**
 * Error texts of clients in Go, Python, Java and .NET, and those of the C library that all of them
 * print. Caddy, Traefik, Docker and Kubernetes are written in Go and use the same texts.
 *
 * The first matching term of a table wins, so specific ones come first.
 */
import type { Dialect } from "./foreign-term.js";

export const LANGUAGE_TEXTS: Dialect = {
  speaker: "client library",
  spoken: "in_lines",
  common: true,
  terms: [
    {
      term: "server gave HTTP response to HTTPS client / first record does not look like a TLS",
      match: [
        /gave HTTP response to HTTPS client|first record does not look like a TLS/i,
        /plaintext connection\?/i,
      ],
      meaning: "The client spoke TLS to a port that answers in plain text.",
      failures: ["tls_protocol_error"],
      remedies: ["Write http:// instead of https:// for this port, or use its TLS port."],
    },
    {
      term: "Client sent an HTTP request to an HTTPS server",
      match: /Client sent an HTTP request to an HTTPS server/i,
      meaning: "Go: a request in plain text came to a TLS port. Answer: 400.",
      failures: ["bad_request", "tls_protocol_error"],
      remedies: ["Write https:// for this port in the proxy in front."],
    },
    {
      term: "unexpected HTTP status code received from server / without sending trailers",
      match: [
        /unexpected HTTP status code received from server/i,
        /received http2 header with status: \d{3}/i,
        /without sending trailers|unexpected content-type "text\/html"/i,
      ],
      meaning: "gRPC: what answered is no gRPC server: a proxy's page, or one without HTTP/2.",
      failures: ["http_protocol_error", "received_gateway_error", "connection_refused"],
      remedies: ["Each proxy on the path must speak HTTP/2 to the server (grpc_pass, h2c)."],
    },
    {
      term: "WebSocket close 1006",
      match: /\bclose(?: code|d)?[ :=]*1006\b|\b1006 \(abnormal/i,
      meaning: "The connection of a WebSocket ended without a closing frame.",
      failures: ["connection_terminated", "http_upgrade_failed", "connection_read_timeout"],
      remedies: ["A proxy's timeout for quiet connections (proxy_read_timeout), or a restart."],
    },
    {
      term: "Session ID unknown",
      match: /Session ID unknown/i,
      meaning: "Engine.IO: the request went to another process than the one with its session.",
      failures: ["bad_request", "http_upgrade_failed"],
      remedies: ["Sticky sessions in the balancer, or only the WebSocket transport."],
    },
    {
      term: 'malformed HTTP response "\\x15\\x03\\x01"',
      match: [
        /malformed HTTP (?:response|status|version)|BadStatusLine|InvalidStatusLine/i,
        /illegal status line/i,
      ],
      meaning: "The server does not speak HTTP, or speaks TLS (bytes \\x15\\x03) or HTTP/2.",
      failures: ["http_protocol_error", "tls_protocol_error"],
    },
    {
      term: "x509: certificate has expired or is not yet valid",
      match: /certificate (?:has expired|is not yet valid)|CertificateExpiredException/i,
      meaning: "The server's certificate is expired or not valid yet; or the clock here is wrong.",
      failures: ["tls_certificate_expired"],
    },
    {
      term: "certificate signed by unknown authority / PKIX path building failed",
      match: [
        /signed by unknown authority|PKIX path|CERTIFICATE_VERIFY_FAILED/i,
        /certificate verify failed|self[- ]signed certificate|unable to get local issuer/i,
        /RemoteCertificate(?:Chain|Name)/i,
      ],
      meaning: "The client does not trust the server's certificate.",
      failures: ["tls_certificate_error"],
      remedies: ["Configure the CA in the client (ca), or the full chain in the server."],
    },
    {
      term: "x509: certificate is valid for …, not … / hostname mismatch",
      match: [
        /x509: (?:certificate is (?:valid for|not valid)|cannot validate)/,
        /[Hh]ostname(?:[ ,'"\w.]*)mismatch/,
        /No subject alternative (?:DNS )?names? (?:matching|present)/,
      ],
      meaning: "The server's certificate is not valid for the requested name.",
      failures: ["tls_certificate_error"],
    },
    {
      term: "remote error: tls: …",
      match: /remote error: tls: \w|received (?:fatal )?alert(?: message)?:? \w/i,
      meaning: "The server ended the TLS handshake with an alert, which names its reason.",
      failures: ["tls_alert_received", "tls_protocol_error"],
      causes: [
        "unrecognized name: the server has no certificate for the name in SNI.",
        "certificate required, bad certificate: it asks for a certificate of the client.",
        "protocol version, handshake failure: the two have no version or cipher in common.",
      ],
      remedies: ["Send the server's own name as SNI; in a tunnel or proxy: its server name."],
    },
    {
      term: "net/http: TLS handshake timeout / handshake operation timed out",
      match: /TLS handshake timeout|handshake (?:operation )?timed out/i,
      meaning: "The connection was made, and the TLS handshake on it did not end in time.",
      failures: ["tls_handshake_timeout"],
    },
    {
      term: "tls: handshake failure / SSLHandshakeException / SSLError",
      match: [
        /tls: (?:handshake failure|protocol version|internal error|alert)/i,
        /SSLHandshakeException|SSLV3_ALERT|TLSV1_ALERT|ssl\.SSLError/i,
        /AuthenticationException: .*(?:handshake|TLS)/i,
      ],
      meaning: "The TLS handshake failed before certificates were checked.",
      failures: ["tls_protocol_error", "tls_alert_received"],
    },
    {
      term: "no such host / Name or service not known / UnknownHostException",
      match: [
        /no such host|Name or service not known|nodename nor servname|UnknownHostException/,
        /No address associated|[Nn]ame does not resolve|No such host is known/,
        /NameResolutionError|Non-existent domain|\bbad address '|[Gg]etaddrinfo failed/,
        /unable to resolve host|could not translate host name/,
      ],
      meaning: "The host name has no address.",
      failures: ["dns_name_not_found"],
      remedies: [
        "Run getent hosts NAME on the machine, and inside the container of the client.",
        "In Docker Compose and Kubernetes the name is that of the service, not localhost.",
      ],
    },
    {
      term: "server misbehaving / Temporary failure in name resolution",
      match: [
        /server misbehaving|Temporary failure in name resolution/i,
        /lookup \S+(?: on \S+)?: (?:i\/o timeout|(?:read|dial) udp|operation was canceled)/i,
      ],
      meaning: "The name server failed or did not answer; the name may still exist.",
      failures: ["dns_error", "dns_timeout"],
    },
    {
      term: "connect: connection refused / ConnectException / [Errno 111]",
      match: [
        /connect: connection refused|[Cc]onnection refused/,
        /\[(?:Errno|WinError) (?:111|61|10061)\]|actively refused/,
        /ConnectException(?!.*timed out)/,
      ],
      meaning: "The host answers, but nothing listens on the port.",
      failures: ["connection_refused"],
    },
    {
      term: "address already in use",
      match: /address already in use|\[(?:Errno|WinError) (?:98|48|10048)\]/i,
      meaning: "Another process has the port, so this one does not listen.",
      failures: ["connection_refused"],
      remedies: ["ss -ltnp | grep PORT names it; an old process may still run."],
    },
    {
      term: "no route to host / network is unreachable",
      match: [
        /no route to host|network is unreachable|NoRouteToHostException|\[Errno (?:113|101)\]/i,
        /Host is unreachable/i,
      ],
      meaning: "There is no route to the address: a wrong address, a missing route, or a firewall.",
      failures: ["destination_ip_unroutable"],
    },
    {
      term: "dial unix …: connect: no such file or directory",
      match: /dial unix \S+: connect: no such file/i,
      meaning: "Go: the socket file of the upstream does not exist.",
      failures: ["unix_socket_missing"],
      remedies: ["ls -l of its folder, as the user of the program and in its container."],
    },
    {
      term: "dial unix …: connect: permission denied",
      match: /dial unix \S+: connect: permission denied/i,
      meaning: "Go: the user of the program may not write to the socket.",
      failures: ["unix_socket_forbidden"],
    },
    {
      term: "dial unix …: connect: resource temporarily unavailable",
      match: /dial unix \S+: connect: resource temporarily/i,
      meaning: "Go: the accept queue of the socket is full.",
      failures: ["unix_backlog_full"],
    },
    {
      term: "Pool#acquire / Timeout waiting for connection from pool",
      match: [
        /Pool#acquire\(|PoolAcquire(?:Timeout|PendingLimit)Exception|ConnectionPoolTimeout/,
        /Timeout waiting for connection from pool|ConnectionRequestTimeoutException/,
        /prior to obtaining a connection from the pool|QueuePool limit of size/,
      ],
      meaning: "The client's own pool had no free connection in time: the request was not sent.",
      failures: ["connection_pool_timeout", "bulkhead_full"],
      causes: [
        "Answers are not read to their end or not closed, so their connections stay taken.",
        "The server is slow, and more requests wait than the pool has connections.",
      ],
      remedies: ["Read or discard every body; then give the pool more connections per route."],
    },
    {
      term: "dial tcp …: i/o timeout / connect timed out / ConnectTimeout",
      match: [
        /dial \w+ \S+: i\/o timeout|dial \w+ \S+: connect: connection timed out/,
        /[Cc]onnect(?:ion)? ?(?:timed out|Timeout(?:Error|Exception)?\b)|\[Errno 110\]/,
      ],
      meaning: "No connection in time: packets are dropped, or the backlog is full.",
      failures: ["connection_timeout"],
    },
    {
      term: "Client.Timeout exceeded while awaiting headers / Read timed out",
      match: [
        /exceeded while awaiting headers|[Rr]ead timed out|ReadTimeout|SocketTimeoutException/,
        /timeout awaiting response headers|timeout of \d+ ?ms exceeded|aborted due to timeout/,
        /HttpClient\.Timeout|ERR_READ_TIMEOUT/,
      ],
      meaning: "The request was sent, but no answer arrived within the client's timeout.",
      failures: ["http_response_timeout", "connection_timeout", "deadline_exceeded"],
    },
    {
      term: "context deadline exceeded",
      match: /context deadline exceeded|Client\.Timeout/i,
      meaning: "The deadline of the whole call passed, in any phase.",
      failures: ["deadline_exceeded", "http_response_timeout", "connection_timeout"],
    },
    {
      term: "context canceled / The operation was aborted",
      match: [
        /context canceled|operation was (?:aborted|canceled)|AbortError|TaskCanceledException/i,
        /CancelledError/i,
      ],
      meaning: "The caller gave up: the client left, or a timeout of the caller fired.",
      failures: ["client_closed_request", "deadline_exceeded"],
    },
    {
      term: "Remote end closed connection without response / Server disconnected / NoHttpResponse",
      match: [
        /[Rr]emote end closed connection without|RemoteDisconnected|[Ss]erver disconnected/,
        /NoHttpResponseException|:\d+ failed to respond|PrematureCloseException/,
        /prematurely closed BEFORE response|http: server closed idle connection|empty reply/,
        /end of file before/,
      ],
      meaning: "The server closed the connection before it answered.",
      failures: ["connection_terminated", "stale_connection"],
      causes: [
        "The server closed a kept-alive connection just as it was reused.",
        "The application crashed or was killed while it served the request.",
      ],
    },
    {
      term: "unexpected EOF / IncompleteRead / ChunkedEncodingError",
      match: [
        /unexpected EOF|IncompleteRead|ChunkedEncodingError|incomplete chunked read/i,
        /peer closed connection without sending complete/i,
        /Premature end of (?:chunk|Content-Length)|ResponseEnded|closed prematurely DURING/i,
        /ClientPayloadError|transfer closed with/i,
      ],
      meaning: "The answer broke off before it was complete.",
      failures: ["http_response_incomplete", "connection_reset_in_body"],
    },
    {
      term: "EOF",
      match: /(?:"|: )EOF(?:$|[\s")])/,
      meaning: "Go: the server closed the connection before it answered.",
      failures: ["connection_terminated", "stale_connection"],
    },
    {
      term: "connection reset by peer",
      match: [
        /connection reset(?: by peer)?|\[(?:Errno|WinError) (?:104|54|10054)\]/i,
        /forcibly closed|ConnectionResetError|unexpectedly closed/i,
      ],
      meaning: "The peer reset the connection, usually before it answered.",
      failures: ["connection_terminated", "stale_connection", "connection_reset_in_body"],
    },
    {
      term: "broken pipe",
      match: [
        /broken pipe|BrokenPipeError|\[Errno 32\]|use of closed network connection/i,
        /ClientAbortException/i,
      ],
      meaning: "The peer was gone when data was written. A server logs this about its client.",
      failures: ["connection_terminated_while_sending", "client_closed_request"],
    },
    {
      term: "read tcp …: i/o timeout",
      match: /\bread (?:tcp|unix)\S* [^:]*(?::\d+)?\S*: (?:i\/o timeout|use of closed)/i,
      meaning: "Go: the connection was open, and nothing came within the timeout.",
      failures: ["http_response_timeout", "connection_read_timeout"],
    },
    {
      term: "too many open files",
      match: /too many open files|EMFILE/i,
      meaning: "The process has no file descriptor left for another connection.",
      failures: ["local_resources_exhausted"],
      remedies: ["LimitNOFILE= of systemd, ulimit -n; ls /proc/PID/fd | wc -l shows the use."],
    },
    {
      term: "cannot assign requested address",
      match: /cannot assign requested address|address not available/i,
      meaning: "No local port is left for another connection to the same address.",
      failures: ["local_resources_exhausted"],
      remedies: ["Reuse connections (keep-alive); widen ip_local_port_range."],
    },
    {
      term: "bad handshake / Unexpected server response / Error during WebSocket handshake",
      match: [
        /websocket: bad handshake|Unexpected server response: \d|WebSocket handshake/i,
        /InvalidStatus(?:Code)?: server rejected WebSocket/i,
      ],
      meaning: "A WebSocket handshake was answered with a status other than 101.",
      general: true,
      failures: ["upgrade_refused", "http_upgrade_failed"],
      causes: [
        "A proxy on the path drops Upgrade and Connection (nginx without proxy_set_header).",
        "The application refuses: path, origin or session.",
      ],
    },
    {
      term: "http2: server sent GOAWAY / stream error",
      match: /\bGOAWAY\b|GOAWAY_SESSION/,
      meaning:
        "HTTP/2: the server is closing the connection; unprocessed requests may be repeated.",
      failures: ["stream_refused", "connection_terminated"],
    },
    {
      term: "stream error: stream ID …; REFUSED_STREAM",
      match: /REFUSED_STREAM/,
      meaning: "HTTP/2: the server did not process the request; it may be sent again.",
      failures: ["stream_refused"],
    },
    {
      term: "ENHANCE_YOUR_CALM",
      match: /ENHANCE_YOUR_CALM/,
      meaning: "HTTP/2: the server rejects excessive load (too many pings, resets or streams).",
      failures: ["enhance_your_calm"],
    },
    {
      term: "RST_STREAM / stream error: INTERNAL_ERROR",
      match: [
        /RST_STREAM|stream error: stream ID|StreamReset/,
        /NGHTTP2_(?:INTERNAL_ERROR|CANCEL|PROTOCOL_ERROR)|was not closed cleanly/,
      ],
      meaning: "HTTP/2: one stream was reset; the connection continues.",
      failures: ["stream_reset", "connection_terminated"],
    },
  ],
};
