/**
 * Exceptions of HTTP clients by their own names: Python (requests, httpx, aiohttp), Java
 * (HttpClient, OkHttp, Netty, Spring), Go and Node. What several print is in languages.ts.
 */
import { DOTNET } from "./dotnet.js";
import { type Dialect, dialectOfLines } from "./foreign-term.js";

const CLOSED = ["connection_terminated", "stale_connection"] as const;
const KEEP = "Idle connections here must be given up before the server closes them (keep-alive).";
const ITS_LOG = "The server's own log at this second: a crash, a restart, a limit.";
const SCHEME = "Write http:// instead of https:// for this port, or use its TLS port.";
const DISCOVERY = "Is the service registered under this name, and are its instances up?";

const PYTHON = dialectOfLines(
  "Python",
  [
    "httpx.PoolTimeout",
    /\bPoolTimeout\b/,
    "The client's pool had no free connection in time: the request was not sent.",
    ["connection_pool_timeout", "bulkhead_full"],
    "Close every response, use one client, and raise httpx.Limits or timeout.pool.",
  ],
  [
    "aiohttp: Cannot connect to host … [Connect call failed]",
    /Connect call failed|All connection attempts failed/,
    "No address of the server took the connection: usually nothing listens at the port.",
    ["connection_refused", "connection_timeout", "destination_ip_unroutable"],
    "Is the server running, at this address and port? In a container localhost is the container.",
  ],
  [
    "aiohttp: Connection timeout to host",
    /Connection timeout to host|(?<!ActiveRecord::)\bConnectionTimeoutError\b/,
    "No connection in time.",
    ["connection_timeout"],
    "A firewall that drops packets, or a wrong address",
  ],
  [
    "aiohttp: Timeout on reading data from socket / SocketTimeoutError",
    /Timeout on reading data from socket|\bSocketTimeoutError\b/,
    "The connection was open, and nothing came in time.",
    ["http_response_timeout", "connection_read_timeout"],
  ],
  [
    "aiohttp: ServerDisconnectedError / httpx.ReadError",
    /\bServerDisconnectedError\b|\b(?:httpx|httpcore)\.ReadError\b/,
    "The server closed the connection before or in its answer.",
    [...CLOSED, "http_response_incomplete"],
    KEEP,
    ITS_LOG,
  ],
  [
    "httpx.WriteTimeout / WriteError",
    /\b(?:httpx|httpcore)\.Write(?:Timeout|Error)\b/,
    "The server did not take the request, or closed while it was sent.",
    ["connection_write_timeout", "connection_terminated_while_sending"],
    ITS_LOG,
  ],
  [
    "TooManyRedirects: Exceeded 30 redirects",
    /\bTooManyRedirects\b/,
    "A redirect loop, usually between http and https behind a proxy.",
    ["loop_detected"],
    "Let the application trust X-Forwarded-Proto from the proxy, and only from it.",
  ],
  [
    "LocalProtocolError: Too little / Too much data for declared Content-Length",
    /Too (?:little|much) data for declared Content-Length/,
    "The program sent another number of bytes than its Content-Length says.",
    ["request_body_failed", "response_framing_invalid"],
    "Do not pass on Content-Length when the body is changed or decompressed.",
  ],
);

const JAVA = dialectOfLines(
  "Java",
  [
    "HttpTimeoutException: request timed out",
    /HttpTimeoutException: request timed out|Response took longer than timeout/,
    "No answer within the client's timeout.",
    ["http_response_timeout", "connection_timeout"],
    "Find the slow part of the server; then raise the timeout of the request or route.",
  ],
  [
    "unexpected end of stream on http://…",
    /unexpected end of stream on|\\n not found: limit=0|header parser received no bytes/,
    "The server closed the connection before it answered.",
    [...CLOSED],
    KEEP,
    ITS_LOG,
  ],
  [
    "Connection has been closed BEFORE response, while sending request body",
    /closed BEFORE response, while sending request body/,
    "The server closed while the request was still being sent.",
    ["connection_terminated_while_sending", "request_body_too_large", "stale_connection"],
    "A limit on the body at the server, or a kept-alive connection that it closed",
  ],
  [
    "unexpected end of stream / Connection prematurely closed DURING response",
    [
      /prematurely closed DURING response|ProtocolException: unexpected end of stream/,
      /fixed content-length: \d+, bytes received|chunked transfer encoding, state: READING/,
    ],
    "The body of the answer broke off.",
    ["http_response_incomplete", "connection_reset_in_body"],
    ITS_LOG,
  ],
  [
    "GOAWAY received / ConnectionShutdownException",
    /GOAWAY received|\bConnectionShutdownException\b/,
    "HTTP/2: the server is closing the connection; unprocessed requests may be repeated.",
    ["stream_refused", "connection_terminated"],
    KEEP,
  ],
  [
    "StreamResetException: stream was reset",
    /stream was reset: (?!REFUSED_STREAM)[A-Z_]+/,
    "HTTP/2: the server or a proxy reset this one stream.",
    ["stream_reset", "connection_terminated"],
    ITS_LOG,
  ],
  [
    "Unsupported or unrecognized SSL message",
    /Unsupported or unrecognized SSL message|NotSslRecordException|not an SSL\/TLS record/,
    "The client spoke TLS to a port that answers in plain text, or the other way round.",
    ["tls_protocol_error"],
    SCHEME,
  ],
  [
    "SSLPeerUnverifiedException: Hostname … not verified",
    /SSLPeerUnverifiedException|Certificate for <\S+> doesn't match/,
    "The server's certificate is not valid for the requested name.",
    ["tls_certificate_error"],
    "Request a name that is in the certificate, or issue one for this name.",
  ],
  [
    "Unable to find instance for … / Load balancer does not contain an instance",
    [
      /Unable to find instance for|[Ll]oad ?balancer does not (?:contain|have available)/,
      /No (?:servers|instances) available for/,
    ],
    "The service's name has no instance in the registry (lb://NAME). Answer: 503.",
    ["no_healthy_target", "destination_not_found"],
    DISCOVERY,
  ],
  [
    "RejectedExecutionException … active threads",
    /RejectedExecutionException/,
    "All threads of the pool are busy and its queue is full: the task was rejected.",
    ["bulkhead_full", "received_overloaded"],
    "jstack PID shows what the threads wait for; raise the pool last.",
  ],
  [
    "HikariPool - Connection is not available, request timed out",
    /HikariPool-\d+ - Connection is not available/,
    "The application's pool of database connections is exhausted: its requests wait and fail.",
    ["connection_pool_timeout", "http_response_timeout", "received_server_error"],
    "Find what holds connections (slow queries, leaks); then raise maximumPoolSize.",
  ],
  [
    "CallNotPermittedException: CircuitBreaker … is OPEN",
    /CallNotPermittedException|CircuitBreaker '\S+' is OPEN/,
    "The circuit breaker rejects the call, since earlier calls failed.",
    ["breaker_open"],
    "The errors before it, of the same service, are the cause.",
  ],
  [
    "DataBufferLimitException: Exceeded limit on max bytes to buffer",
    /DataBufferLimitException|Exceeded limit on max bytes to buffer/,
    "The body is larger than the buffer in memory (256 KiB by default).",
    ["http_response_body_size", "request_body_too_large"],
    "spring.codec.max-in-memory-size (spring.http.codecs since 3.5), or do not buffer the body",
  ],
  [
    "TooLongHttpHeaderException / Request header is too large",
    /TooLongHttp(?:Header|Line)Exception|Request header is too large|HTTP header is larger than/,
    "The head of the request or answer is above the limit (8 KiB by default).",
    ["request_header_too_large", "http_response_header_section_size"],
    "Smaller cookies and tokens; server.max-http-request-header-size, or max-header-size",
  ],
  [
    "Invalid character found in method name [0x160x030x01]",
    /Invalid character found in (?:method name|the HTTP protocol)|Unrecognized SSL message/,
    "A client speaks TLS (bytes 0x16 0x03) or something else to a port for plain HTTP.",
    ["tls_protocol_error", "bad_request", "http_protocol_error"],
    SCHEME,
  ],
  [
    "ClientAbortException: Broken pipe",
    /ClientAbortException|AsyncRequestNotUsableException/,
    "The client or proxy in front left before the answer was written.",
    ["client_closed_request"],
    "The timeout in front is shorter than the answer takes.",
  ],
);

const GO = dialectOfLines(
  "Go",
  [
    "http: TLS handshake error from …",
    /http: TLS handshake error from/,
    "The connection of a client failed in the TLS handshake; no request was received.",
    ["tls_protocol_error", "tls_alert_received", "client_closed_request"],
    "bad certificate: the client does not trust this server's; EOF: it only probed the port.",
  ],
  [
    "http2: client connection lost",
    /http2: client connection (?:lost|force closed)|client conn(?:ection)? not usable/,
    "The HTTP/2 connection to the server was lost: no answer to pings.",
    [...CLOSED],
    "Something on the path forgets idle connections; ReadIdleTimeout finds them earlier.",
  ],
  [
    "transport connection broken: malformed …",
    /transport connection broken: malformed|malformed MIME header/,
    "The received bytes are not valid HTTP.",
    ["http_protocol_error", "tls_protocol_error"],
    "curl -sv to the same address shows the bytes.",
  ],
  [
    "transport connection broken",
    /transport connection broken|http: ContentLength=\d+ with Body length/,
    "The connection broke while the request was sent, or its body had another length.",
    ["connection_terminated_while_sending", "connection_terminated", "request_body_failed"],
    ITS_LOG,
  ],
  [
    "404 page not found",
    /^404 page not found/,
    "Go's own text: Traefik has no router for this host and path, or the application has not.",
    ["destination_not_found"],
    "Traefik: rule, entry point, labels and health of the container; its dashboard lists routers.",
  ],
  [
    "stopped after 10 redirects",
    /stopped after \d+ redirects/,
    "A redirect loop, usually between http and https behind a proxy.",
    ["loop_detected"],
    "Let the application trust X-Forwarded-Proto from the proxy, and only from it.",
  ],
  [
    "http: request body too large",
    /http: request body too large/,
    "The body is above the limit of the server (MaxBytesReader). Answer: 413.",
    ["request_body_too_large"],
  ],
);

const NODE_CLIENTS = dialectOfLines(
  "Node HTTP client",
  [
    "Invalid response body while trying to fetch …: Premature close",
    /Invalid response body while trying to fetch|\bPremature close\b/i,
    "The body of the answer broke off after its head had arrived.",
    ["http_response_incomplete", "connection_reset_in_body"],
    ITS_LOG,
  ],
  [
    "network timeout at / response timeout at",
    /(?:network|response) timeout at:? https?:/,
    "node-fetch: no complete answer within its timeout.",
    ["http_response_timeout", "connection_timeout"],
  ],
  [
    "maxContentLength size of … exceeded",
    /maxContentLength size of -?\d+ exceeded/,
    "The answer is larger than maxContentLength of the client.",
    ["http_response_body_size"],
    "Raise maxContentLength, or stream the answer.",
  ],
  [
    "Request body larger than maxBodyLength limit",
    /larger than maxBodyLength limit/,
    "The request is larger than maxBodyLength of the client: it was not sent.",
    ["request_body_too_large"],
    "Raise maxBodyLength of axios (10 MB by default).",
  ],
  [
    "Maximum number of redirects exceeded",
    /Maximum number of redirects exceeded|maximum redirect reached|redirect count exceeded/i,
    "A redirect loop, usually between http and https behind a proxy.",
    ["loop_detected"],
    "Let the application trust X-Forwarded-Proto from the proxy, and only from it.",
  ],
  [
    'Must provide a proper URL as target / Protocol "https:" not supported',
    /Must provide a proper URL as target|Protocol "https?:" not supported|\[HPM\] Missing "target"/,
    "The target of the proxy is missing or malformed, or an agent is for another scheme.",
    ["proxy_configuration_error"],
    "target must be a whole URL with its scheme; an https.Agent for https.",
  ],
  {
    term: "AxiosError: Network Error",
    match: /AxiosError: Network Error/,
    general: true,
    meaning: "axios got no answer; in a browser it may be CORS. The error's cause has the reason.",
    failures: ["connection_refused", "dns_name_not_found", "connection_terminated"],
    remedies: ["error.code and error.cause; in a browser its console and network panel"],
  },
);

export const CLIENTS: readonly Dialect[] = [PYTHON, JAVA, DOTNET, GO, NODE_CLIENTS];
