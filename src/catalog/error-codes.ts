/**
 * What the error codes of Node, undici, llhttp, OpenSSL, getaddrinfo, c-ares and zlib can mean.
 *
 * Data for core/classify. A code alone rarely names a failure: ECONNRESET while connecting, before
 * the head and inside the body are three. So each code has up to three meanings, by how far the
 * exchange had got. Who ended the exchange (client, timer, deadline) is known before any code is
 * looked at and outranks it. The text of an error is never read.
 *
 * Order of a look-up: CODE_REFINEMENTS, CODE_MEANINGS, CODE_PREFIXES, then UNKNOWN_ERROR.
 */
import type { FailureCode } from "./failures.js";

/** The three places in an exchange at which a code can strike. */
export interface CodeMeaning {
  /** Before the request was written. */
  readonly connect?: FailureCode;
  /** Written, wholly or in part, and the head of the answer is not complete. */
  readonly exchange?: FailureCode;
  /** Inside the body of the answer. */
  readonly body?: FailureCode;
}

/** A code whose meaning depends on one more property of the error. The first that fits wins. */
export interface CodeRefinement {
  readonly code: string;
  /** `error.syscall` begins with this; "" means that the error has none. */
  readonly syscall?: string;
  /** `error.port` is a number: a network socket, not a Unix socket. */
  readonly withPort?: boolean;
  /** The phase that failed had lasted at least this long. */
  readonly tookMsMin?: number;
  /** It is about an IPv6 address, and this machine has none. */
  readonly withoutSix?: boolean;
  readonly meaning: CodeMeaning;
}

/** A family of codes. The first entry whose `prefix` (and `includes`) fits wins. */
export interface CodePrefix {
  readonly prefix: string;
  readonly includes?: string;
  readonly meaning: CodeMeaning;
}

/** When nothing fits: not the upstream's fault unless there is evidence. */
export const UNKNOWN_ERROR: FailureCode = "proxy_internal_error";

/**
 * `error.syscall` values (by prefix) that prove that no byte of the request was written.
 * For them the `connect` meaning holds, whatever the timeline says.
 */
export const CONNECT_SYSCALLS: readonly string[] = ["connect", "getaddrinfo", "query"];

/** What undici refuses to compose: it would on every connection, and says nothing of a target. */
export const REFUSALS_OF_UNDICI: ReadonlySet<unknown> = new Set([
  "UND_ERR_INVALID_ARG",
  "UND_ERR_NOT_SUPPORTED",
]);

/**
 * What Node refuses to compose for HTTP/2, thrown before a byte is written. Dispatchers wrap it in
 * codes that also stand for lost connections, so it is looked for first.
 */
export const REFUSALS_OF_NODE: ReadonlySet<unknown> = new Set([
  "ERR_HTTP2_HEADER_SINGLE_VALUE",
  "ERR_HTTP2_INVALID_CONNECTION_HEADERS",
  "ERR_HTTP2_INVALID_HEADER_VALUE",
  "ERR_HTTP2_INVALID_PSEUDOHEADER",
  "ERR_HTTP2_PSEUDOHEADER_NOT_ALLOWED",
  "ERR_INVALID_HTTP_TOKEN",
]);

// The code is proof of its phase, or means the same in all of them.
const always = (code: FailureCode): CodeMeaning => ({ connect: code, exchange: code, body: code });

const CLOSED: CodeMeaning = {
  connect: "connection_reset_while_connecting",
  exchange: "connection_terminated",
  body: "http_response_incomplete",
};
const RESET: CodeMeaning = { ...CLOSED, body: "connection_reset_in_body" };
const WRITE_FAILED: CodeMeaning = { ...RESET, exchange: "connection_terminated_while_sending" };
const NOT_HTTP = always("http_protocol_error");
// Behind a head that was complete, only chunks can be at fault, unless the code says otherwise.
const NOT_HTTP_OR_CHUNKS: CodeMeaning = { ...NOT_HTTP, body: "http_response_transfer_coding" };
const FRAMING: CodeMeaning = {
  connect: "http_protocol_error",
  exchange: "response_framing_invalid",
  body: "http_response_transfer_coding",
};
const CHUNKS: CodeMeaning = {
  connect: "http_protocol_error",
  exchange: "http_response_transfer_coding",
  body: "http_response_transfer_coding",
};
const CUT_SHORT = { ...CLOSED, exchange: "http_response_incomplete" } as const;
const HEAD_TOO_LARGE: CodeMeaning = {
  exchange: "http_response_header_section_size",
  body: "http_response_trailer_section_size",
};
const NO_ROUTE: CodeMeaning = { ...RESET, connect: "destination_ip_unroutable" };
// Once a request is on its way, running out of memory is no longer a reason to send it again.
const EXHAUSTED: CodeMeaning = {
  ...always("proxy_internal_error"),
  connect: "local_resources_exhausted",
};
const UNDECODABLE: CodeMeaning = {
  exchange: "http_response_content_coding",
  body: "http_response_content_coding",
};
// Copying the upstream's head to the client failed, unless nothing was received yet.
const HEAD_NOT_SENDABLE: CodeMeaning = {
  ...always("http_protocol_error"),
  connect: "proxy_internal_error",
};
const OURS = always("proxy_internal_error");
const SETTINGS = always("proxy_configuration_error");
const CERTIFICATE = always("tls_certificate_error");

/** The table, by meaning; CODE_MEANINGS is the same by code. */
export const CODE_FAMILIES: readonly (readonly [CodeMeaning, readonly string[]])[] = [
  // --- name resolution: getaddrinfo (EAI_*, ENOTFOUND) and c-ares ---
  // What cannot be a host name is EBADNAME to c-ares, and does not exist to getaddrinfo.
  [always("dns_name_not_found"), ["ENOTFOUND", "ENODATA", "EAI_NODATA", "EAI_NONAME", "EBADNAME"]],
  [
    always("dns_error"),
    ["EAI_AGAIN", "EAI_FAIL", "EAI_ADDRFAMILY", "EAI_FAMILY", "EAI_SERVICE", "EAI_SOCKTYPE"],
  ],
  [
    always("dns_error"),
    ["EAI_PROTOCOL", "ESERVFAIL", "EREFUSED", "ENOTIMP", "EBADRESP", "EFORMERR", "EFILE"],
  ],
  [always("dns_timeout"), ["ETIMEOUT"]],
  // Alerts that OpenSSL does not call so.
  [
    always("tls_alert_received"),
    ["ERR_SSL_TLSV1_UNRECOGNIZED_NAME", "ERR_SSL_TLSV1_UNSUPPORTED_EXTENSION"],
  ],
  [SETTINGS, ["EBADSTR"]],
  [EXHAUSTED, ["EAI_MEMORY", "OUT_OF_MEM"]],
  [OURS, ["EAI_OVERFLOW", "EAI_BADFLAGS", "EAI_BADHINTS", "EAI_CANCELED"]],
  [OURS, ["EBADQUERY", "EBADFAMILY", "EBADFLAGS", "EBADHINTS", "ENONAME", "ENOTINITIALIZED"]],
  [OURS, ["EDESTRUCTION", "ECANCELLED", "ELOADIPHLPAPI", "EADDRGETNETWORKPARAMS"]],

  // --- sockets ---
  [always("connection_refused"), ["ECONNREFUSED"]],
  [{ connect: "unix_socket_missing" }, ["ENOENT"]],
  [{ connect: "unix_socket_forbidden" }, ["EACCES", "EPERM"]],
  [{ connect: "unix_backlog_full" }, ["EAGAIN"]],
  [SETTINGS, ["ENOTDIR", "ENAMETOOLONG", "ELOOP", "EPROTOTYPE"]],
  [NO_ROUTE, ["EHOSTUNREACH", "ENETUNREACH", "EHOSTDOWN", "ENETDOWN", "ENONET"]],
  // ICMP says so where a protocol or a route that the sender chose is refused; the last one is said
  // of IPv6 on a machine that was started without it.
  [NO_ROUTE, ["ENOPROTOOPT", "ENOTSUP", "EAFNOSUPPORT"]],
  [EXHAUSTED, ["EMFILE", "ENFILE", "EADDRNOTAVAIL", "EADDRINUSE", "ENOBUFS", "ENOMEM"]],
  [RESET, ["ECONNRESET", "ECONNABORTED", "ENETRESET", "ENOTCONN"]],
  [WRITE_FAILED, ["EPIPE", "ESHUTDOWN"]],
  [CLOSED, ["EOF", "ERR_SOCKET_CLOSED", "ERR_STREAM_PREMATURE_CLOSE"]],
  [
    always("connection_reset_while_connecting"),
    ["ERR_SOCKET_CLOSED_BEFORE_CONNECTION", "ERR_PROXY_TUNNEL", "UND_ERR_PRX_CONN"],
  ],
  // Outside connect, TCP itself gave up: nothing came for many resends.
  [
    {
      connect: "connection_timeout",
      exchange: "connection_read_timeout",
      body: "connection_reset_in_body",
    },
    ["ETIMEDOUT"],
  ],
  [always("connection_timeout"), ["UND_ERR_CONNECT_TIMEOUT", "ERR_SOCKET_CONNECTION_TIMEOUT"]],
  [always("tls_handshake_timeout"), ["ERR_TLS_HANDSHAKE_TIMEOUT"]],
  [OURS, ["EINVAL", "EPROTONOSUPPORT", "EBADF", "ENOTSOCK", "EISCONN"]],
  [OURS, ["EALREADY", "EDESTADDRREQ", "ECANCELED", "ERR_CANCELED"]],
  [OURS, ["EBUSY", "EINTR", "EIO", "UNKNOWN"]],
  [NOT_HTTP, ["EMSGSIZE"]],

  // --- TLS ---
  [always("tls_certificate_expired"), ["CERT_HAS_EXPIRED"]],
  [CERTIFICATE, ["DEPTH_ZERO_SELF_SIGNED_CERT", "SELF_SIGNED_CERT_IN_CHAIN", "HOSTNAME_MISMATCH"]],
  [CERTIFICATE, ["INVALID_CA", "INVALID_PURPOSE", "PATH_LENGTH_EXCEEDED", "UND_ERR_PRX_TLS"]],
  // node:http reports failed handshakes and alerts as EPROTO.
  [always("tls_protocol_error"), ["EPROTO"]],
  // The peer closed without close_notify; after the handshake that is a closed connection.
  [{ ...CLOSED, connect: "tls_protocol_error" }, ["ERR_SSL_UNEXPECTED_EOF_WHILE_READING"]],

  // --- undici ---
  [
    { exchange: "http_response_timeout", body: "connection_read_timeout" },
    ["UND_ERR_HEADERS_TIMEOUT"],
  ],
  [
    { exchange: "connection_read_timeout", body: "connection_read_timeout" },
    ["UND_ERR_BODY_TIMEOUT"],
  ],
  [HEAD_TOO_LARGE, ["UND_ERR_HEADERS_OVERFLOW", "HPE_HEADER_OVERFLOW"]],
  [
    { exchange: "http_response_body_size", body: "http_response_body_size" },
    ["UND_ERR_RES_EXCEEDED_MAX_SIZE", "UND_ERR_WS_MESSAGE_SIZE_EXCEEDED"],
  ],
  [
    { exchange: "response_framing_invalid", body: "http_response_incomplete" },
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH"],
  ],
  [CLOSED, ["UND_ERR_SOCKET"]],
  [RESET, ["UND_ERR_INFO"]],
  // The pool is only closed when the gateway closes. A cut without a known cause is a fault here.
  [
    { connect: "draining", exchange: "draining", body: "proxy_internal_error" },
    ["UND_ERR_CLOSED", "UND_ERR_DESTROYED"],
  ],
  [OURS, ["UND_ERR_ABORTED", "UND_ERR_ABORT", "ABORT_ERR", "UND_ERR"]],
  // The declared length is not the body's: it was read or changed on the way to us.
  [OURS, ["UND_ERR_REQ_CONTENT_LENGTH_MISMATCH", "UND_ERR_INVALID_ARG", "UND_ERR_NOT_SUPPORTED"]],
  [OURS, ["UND_ERR_INVALID_RETURN_VALUE", "UND_MOCK_ERR_MOCK_NOT_MATCHED"]],
  [{ connect: "no_healthy_target" }, ["UND_ERR_BPL_MISSING_UPSTREAM"]],
  [{ connect: "connection_pool_timeout" }, ["UND_ERR_MAX_ORIGINS_REACHED"]],
  [CUT_SHORT, ["UND_ERR_REQ_RETRY"]],
  [SETTINGS, ["UND_ERR_RESPONSE", "ERR_WEBASSEMBLY_NOT_SUPPORTED", "ERR_PROXY_INVALID_CONFIG"]],
  [always("loop_detected"), ["UND_ERR_REDIRECT_MAX"]],
  [always("destination_ip_prohibited"), ["UND_ERR_SOCKS5_REPLY_2"]],
  [always("destination_ip_unroutable"), ["UND_ERR_SOCKS5_REPLY_3", "UND_ERR_SOCKS5_REPLY_4"]],
  [always("connection_refused"), ["UND_ERR_SOCKS5_REPLY_5"]],
  [always("connection_timeout"), ["UND_ERR_SOCKS5_REPLY_6"]],
  [SETTINGS, ["UND_ERR_SOCKS5_REPLY_7", "UND_ERR_SOCKS5_REPLY_8"]],
  // An assertion inside undici that an answer has violated, such as a status below 100.
  [HEAD_NOT_SENDABLE, ["ERR_ASSERTION"]],

  // --- HTTP parser: llhttp, and milo (opt-in in undici 8) ---
  [
    FRAMING,
    [
      "HPE_INVALID_TRANSFER_ENCODING",
      "HPE_UNEXPECTED_TRANSFER_ENCODING",
      "HPE_INVALID_CONTENT_LENGTH",
      "HPE_UNEXPECTED_CONTENT_LENGTH",
    ],
  ],
  [CHUNKS, ["HPE_INVALID_CHUNK_SIZE", "HPE_CHUNK_EXTENSIONS_OVERFLOW"]],
  // Inside a body these speak of trailers, or of bytes after the end.
  [NOT_HTTP, ["HPE_INVALID_HEADER_TOKEN", "HPE_UNEXPECTED_TRAILERS", "HPE_CLOSED_CONNECTION"]],
  [NOT_HTTP, ["HPE_INVALID_CONSTANT", "HPE_INVALID_VERSION", "HPE_UNSUPPORTED_HTTP_VERSION"]],
  [CUT_SHORT, ["HPE_INVALID_EOF_STATE", "HPE_UNEXPECTED_EOF"]],
  [
    { ...NOT_HTTP, exchange: "response_status_invalid" },
    ["HPE_INVALID_STATUS", "ERR_HTTP_INVALID_STATUS_CODE"],
  ],
  [
    { ...NOT_HTTP, exchange: "http_upgrade_failed" },
    ["HPE_PAUSED_UPGRADE", "HPE_PAUSED_H2_UPGRADE", "HPE_MISSING_CONNECTION_UPGRADE"],
  ],

  // --- Node's streams, http and arguments ---
  [
    HEAD_NOT_SENDABLE,
    [
      "ERR_INVALID_CHAR",
      "ERR_HTTP_INVALID_HEADER_VALUE",
      "ERR_HTTP_TRAILER_INVALID",
      "ERR_HTTP_BODY_NOT_ALLOWED",
      "ERR_HTTP_CONTENT_LENGTH_MISMATCH",
    ],
  ],
  [OURS, ["ERR_HTTP_HEADERS_SENT"]],
  // The client's path holds characters that must be escaped.
  [{ connect: "bad_request" }, ["ERR_UNESCAPED_CHARACTERS"]],
  [SETTINGS, ["ERR_INVALID_URL", "ERR_INVALID_PROTOCOL", "ERR_SOCKET_BAD_PORT"]],
  [SETTINGS, ["ERR_INVALID_ARG_TYPE", "ERR_INVALID_ARG_VALUE"]],

  // --- decoding ---
  [UNDECODABLE, ["ERR_BUFFER_TOO_LARGE"]],
  [OURS, ["Z_MEM_ERROR", "Z_STREAM_ERROR", "Z_VERSION_ERROR"]],
];

function byCode(): Readonly<Record<string, CodeMeaning>> {
  // Without a prototype: a code comes from outside and may be "constructor".
  const table: Record<string, CodeMeaning> = Object.create(null);
  for (const [meaning, codes] of CODE_FAMILIES) {
    for (const code of codes) table[code] = meaning;
  }
  return Object.freeze(table);
}

/** Meaning of exact codes. */
export const CODE_MEANINGS: Readonly<Record<string, CodeMeaning>> = byCode();

/**
 * A lookup that failed sooner than this cannot have timed out: one second is the shortest
 * `timeout:` that resolv.conf can express. getaddrinfo says EAI_AGAIN for both.
 */
const RESOLVER_TIMEOUT_MS_MIN = 1_000;

/** Codes whose meaning depends on one more property; checked before CODE_MEANINGS. */
export const CODE_REFINEMENTS: readonly CodeRefinement[] = [
  // getaddrinfo passes on what a call of the system came to: a socket, a file, a busy resolver.
  ...["EBUSY", "EINTR", "EIO", "ENOENT", "EACCES", "EPERM", "EAGAIN", "EINVAL", "UNKNOWN"].map(
    (code) => ({ code, syscall: "getaddrinfo", meaning: always("dns_error") }),
  ),
  // c-ares names a resolver that refuses us like a refused connection.
  { code: "ECONNREFUSED", syscall: "query", meaning: always("dns_error") },
  { code: "ECONNREFUSED", syscall: "getaddrinfo", meaning: always("dns_error") },
  {
    code: "EAI_AGAIN",
    tookMsMin: RESOLVER_TIMEOUT_MS_MIN,
    meaning: always("dns_timeout"),
  },
  { code: "ECONNRESET", syscall: "write", meaning: WRITE_FAILED },
  // node:http makes this one itself when the peer has sent FIN ("socket hang up", "aborted").
  { code: "ECONNRESET", syscall: "", meaning: CLOSED },
  {
    code: "ETIMEDOUT",
    syscall: "write",
    meaning: { ...RESET, exchange: "connection_write_timeout" },
  },
  // Linux says so of a route `blackhole`, where other routes that are closed say EHOSTUNREACH.
  { code: "EINVAL", syscall: "connect", meaning: { connect: "destination_ip_unroutable" } },
  // ICMP: there is something wrong with a packet that is the first of a connection.
  { code: "EPROTO", syscall: "connect", meaning: { connect: "destination_ip_unroutable" } },
  // No local port is free, or no local address is of the family (disable_ipv6).
  { code: "EADDRNOTAVAIL", withoutSix: true, meaning: { connect: "destination_ip_unroutable" } },
  // For a network address these come from a local firewall or a full table, not from a file.
  { code: "EACCES", withPort: true, meaning: { connect: "destination_ip_prohibited" } },
  { code: "EPERM", withPort: true, meaning: { connect: "destination_ip_prohibited" } },
  { code: "EAGAIN", withPort: true, meaning: { connect: "local_resources_exhausted" } },
];

/** Families, most specific first; looked at after CODE_MEANINGS. */
export const CODE_PREFIXES: readonly CodePrefix[] = [
  // Spellings differ between OpenSSL versions: SSLV3_ALERT_…, TLSV13_ALERT_…, SSL/TLS_ALERT_….
  { prefix: "ERR_SSL_", includes: "ALERT", meaning: always("tls_alert_received") },
  { prefix: "ERR_SSL_", meaning: always("tls_protocol_error") },
  { prefix: "ERR_TLS_CERT_", meaning: CERTIFICATE },
  { prefix: "ERR_TLS_", meaning: SETTINGS },
  // Keys and certificates of ours that OpenSSL cannot load.
  { prefix: "ERR_OSSL_", meaning: SETTINGS },
  { prefix: "CERT_", meaning: CERTIFICATE },
  { prefix: "CRL_", meaning: CERTIFICATE },
  { prefix: "UNABLE_TO_", meaning: CERTIFICATE },
  { prefix: "ERROR_IN_C", meaning: CERTIFICATE },
  { prefix: "HPE_", meaning: NOT_HTTP_OR_CHUNKS },
  { prefix: "EAI_", meaning: always("dns_error") },
  { prefix: "UND_ERR_SOCKS5_AUTH", meaning: SETTINGS },
  { prefix: "UND_ERR_SOCKS5", meaning: always("connection_reset_while_connecting") },
  { prefix: "UND_ERR_PRX_", meaning: always("connection_reset_while_connecting") },
  { prefix: "UND_", meaning: OURS },
  { prefix: "Z_", meaning: UNDECODABLE },
  // Node 20 spells the errors of Brotli ERR__ERROR_FORMAT_…; later versions ERR_BROTLI_….
  { prefix: "ERR__ERROR_", meaning: UNDECODABLE },
  { prefix: "ERR_BROTLI", meaning: UNDECODABLE },
  { prefix: "ERR_ZSTD", meaning: UNDECODABLE },
  // A form of the client's that http-proxy-middleware's `fixRequestBody` cannot write again.
  { prefix: "HPM_ERR_INVALID_MULTIPART", meaning: always("bad_request") },
  { prefix: "ERR_HTTP2_", meaning: CLOSED },
  { prefix: "ERR_STREAM_", meaning: OURS },
];

/** `error.name` of errors that come without a string code. */
export const NAME_MEANINGS: Readonly<Record<string, CodeMeaning>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, CodeMeaning>, {
    // The parser errors of undici 7 come without a code.
    HTTPParserError: NOT_HTTP_OR_CHUNKS,
    // A signal that is none of ours; ours are known before any error is looked at.
    AbortError: OURS,
    TimeoutError: {
      connect: "connection_timeout",
      exchange: "http_response_timeout",
      body: "response_body_timeout",
    },
  } satisfies Record<string, CodeMeaning>),
);

/** Codes of a node:http server's `clientError`, by what is wrong with the client's request. */
export const CLIENT_CODE_MEANINGS: Readonly<Record<string, FailureCode>> = Object.freeze(
  Object.assign(Object.create(null) as Record<string, FailureCode>, {
    HPE_HEADER_OVERFLOW: "request_header_too_large",
    HPE_CHUNK_EXTENSIONS_OVERFLOW: "request_body_too_large",
    ERR_HTTP_REQUEST_TIMEOUT: "request_body_timeout",
    HPE_INVALID_EOF_STATE: "client_closed_request",
    ECONNRESET: "client_closed_request",
    EPIPE: "client_closed_request",
    ETIMEDOUT: "client_closed_request",
  } satisfies Record<string, FailureCode>),
);

/** Meaning of a code without refinements: the exact table, then the prefixes. */
export function meaningOf(code: string): CodeMeaning | undefined {
  const exact = CODE_MEANINGS[code];
  if (exact !== undefined) return exact;
  return CODE_PREFIXES.find(
    ({ prefix, includes }) =>
      code.startsWith(prefix) && (includes === undefined || code.includes(includes)),
  )?.meaning;
}
