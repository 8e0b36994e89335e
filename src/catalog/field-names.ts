/**
 * Names of header fields that the gateway removes, writes, or must not take from a trailer.
 *
 * All names are in lower case; compare lower-cased names only (RFC 9110 §5.1: field names are
 * case-insensitive). Fields that a message's own Connection field names are removed as well; that
 * is the work of wire/forwarding, since it differs from message to message.
 */
/** Fields in which a target says of itself whether it takes calls; they go no further than here. */
export const TARGET_STATE_FIELDS = {
  /** Ours, with the words of HAProxy's agent check: `drain`, `maint`, `down`, `up` … */
  own: "x-target-state",
  /** Envoy's: whatever its value, the target is unhealthy until a health check says otherwise. */
  envoy: "x-envoy-immediate-health-check-fail",
} as const satisfies Record<string, string>;

/** Fields that are meant for one connection and never cross the gateway, in either direction. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  // RFC 9110 §7.6.1: the field that names the others.
  "connection",
  // RFC 9110 §7.6.1: known to be of one hop even when Connection does not name them.
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
  // RFC 9110 §11.7.1–11.7.3: the dialogue of a client with the next proxy. The gateway is that
  // proxy; credentials meant for it must not reach the application, and a challenge of the
  // application in this form is not one that the client may answer.
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  // RFC 7540 §3.2.1: only ever part of an h2c upgrade on this connection.
  "http2-settings",
  // What a target says to its gateway is for no client, and no client may say it for a target.
  ...Object.values(TARGET_STATE_FIELDS),
]);
// Trailer is not in the set. RFC 9110 §6.6.2 makes it an ordinary field that announces what may
// follow the body; the wire drops it when the body is not sent on in chunks, because without
// chunks there is no place for a trailer section.

/** Fields that delimit a body: computed anew for each hop, never copied from a trailer section. */
export const FRAMING_FIELDS: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

/**
 * Fields that are dropped from a trailer section.
 *
 * RFC 9110 §6.5.1: framing, routing, request modifiers, authentication, response control and
 * content format decide how a message is handled, which cannot change after its body.
 */
export const FORBIDDEN_IN_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...FRAMING_FIELDS,
  "age",
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "expires",
  "forwarded",
  "host",
  "location",
  "max-forwards",
  "pragma",
  "range",
  "retry-after",
  "set-cookie",
  "trailer",
  "vary",
  "via",
  "warning",
  "www-authenticate",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
]);

/**
 * Fields of which Node's HTTP/2 takes one value and throws for more (`lib/internal/http2/util.js`),
 * and whether several are one list by their definition (RFC 9110 §5.3).
 */
export const ONE_VALUE_OVER_HTTP2: ReadonlyMap<string, "list" | "single"> = new Map([
  ["access-control-allow-credentials", "single"],
  ["access-control-max-age", "single"],
  ["access-control-request-method", "single"],
  ["age", "single"],
  ["authorization", "single"],
  ["content-encoding", "list"],
  ["content-language", "list"],
  ["content-length", "single"],
  ["content-location", "single"],
  ["content-md5", "single"],
  ["content-range", "single"],
  ["content-type", "single"],
  ["date", "single"],
  ["dnt", "single"],
  ["etag", "single"],
  ["expires", "single"],
  ["from", "single"],
  ["host", "single"],
  ["if-match", "list"],
  ["if-modified-since", "single"],
  ["if-none-match", "list"],
  ["if-range", "single"],
  ["if-unmodified-since", "single"],
  ["last-modified", "single"],
  ["location", "single"],
  ["max-forwards", "single"],
  ["proxy-authorization", "single"],
  ["range", "single"],
  ["referer", "single"],
  ["retry-after", "single"],
  ["tk", "single"],
  ["upgrade-insecure-requests", "single"],
  ["user-agent", "single"],
  ["x-content-type-options", "single"],
]);

/** Fields that the gateway writes itself. */
export const FIELD = {
  /** RFC 9209. */
  proxyStatus: "proxy-status",
  /** RFC 9110 §7.6.3. */
  via: "via",
  /** RFC 7239. */
  forwarded: "forwarded",
  xForwardedFor: "x-forwarded-for",
  xForwardedHost: "x-forwarded-host",
  xForwardedProto: "x-forwarded-proto",
  serverTiming: "server-timing",
  /** RFC 9110 §10.2.3. */
  retryAfter: "retry-after",
  xRequestId: "x-request-id",
} as const satisfies Record<string, string>;

/** Fields between layers, with the names that service meshes and their tools know: Envoy's. */
export const LAYER_FIELD = {
  /** The number of the attempt, from 1. */
  attempt: "x-envoy-attempt-count",
  /** Milliseconds that the caller still waits. */
  deadline: "x-envoy-expected-rq-timeout-ms",
} as const satisfies Record<string, string>;

/** The names of `FIELD` as a set. */
export const WRITTEN_FIELDS: ReadonlySet<string> = new Set(Object.values(FIELD));
