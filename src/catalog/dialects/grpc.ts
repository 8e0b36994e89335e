/**
 * gRPC's status codes: the sixteen words that its libraries print instead of an HTTP status, and
 * their form in logs.
 */
import type { FailureCode } from "../failures.js";
import type { Dialect, ForeignTerm } from "./foreign-term.js";

type Status = readonly [number: number, name: string, meaning: string, failures: FailureCode[]];

const STATUSES: readonly Status[] = [
  [
    1,
    "CANCELLED",
    "The caller cancelled the call, or a proxy did for it.",
    ["client_closed_request", "deadline_exceeded"],
  ],
  [
    2,
    "UNKNOWN",
    "The server failed without saying how, or a proxy's HTTP status has no gRPC code.",
    ["received_server_error", "http_protocol_error"],
  ],
  [
    3,
    "INVALID_ARGUMENT",
    "The request is invalid in any state of the server: an answer of the application.",
    [],
  ],
  [
    4,
    "DEADLINE_EXCEEDED",
    "The caller's deadline expired before the answer arrived.",
    ["deadline_exceeded", "http_response_timeout"],
  ],
  [5, "NOT_FOUND", "The requested entity does not exist: an answer of the application.", []],
  [6, "ALREADY_EXISTS", "The entity to create already exists: an answer of the application.", []],
  [7, "PERMISSION_DENIED", "The caller lacks permission; a proxy maps 403 to it.", []],
  [
    8,
    "RESOURCE_EXHAUSTED",
    "A quota, a queue or the largest message size is reached; a proxy maps 429 to it.",
    ["received_rate_limited", "rate_limited", "bulkhead_full"],
  ],
  [9, "FAILED_PRECONDITION", "The state of the system forbids it: an answer.", []],
  [10, "ABORTED", "A conflict with another call; the whole transaction may be retried.", []],
  [11, "OUT_OF_RANGE", "The request is beyond the valid range: an answer.", []],
  [
    12,
    "UNIMPLEMENTED",
    "The server does not know the method, or the answering program has no gRPC (404).",
    ["proxy_configuration_error", "http_protocol_error"],
  ],
  [
    13,
    "INTERNAL",
    "A library or a proxy found the stream broken, or the server failed internally.",
    ["stream_reset", "http_response_incomplete", "received_server_error"],
  ],
  [
    14,
    "UNAVAILABLE",
    "No connection, or it was lost, or a proxy answered 502, 503 or 504: retry it.",
    ["connection_refused", "connection_terminated", "no_healthy_target", "stream_refused"],
  ],
  [15, "DATA_LOSS", "Data was lost beyond repair: an answer of the application.", []],
  [16, "UNAUTHENTICATED", "The caller is not authenticated; a proxy maps 401 to it.", []],
];

/** `rpc error: code = Unavailable` of Go writes the same in another case. */
function camel(name: string): string {
  return name.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function wordOf([, name, meaning, failures]: Status): ForeignTerm {
  return { term: name, match: new RegExp(`^(?:grpc[-_]?)?${name}$`, "i"), meaning, failures };
}

function lineOf([number, name, meaning, failures]: Status): ForeignTerm {
  const said = [
    `code = ${camel(name)}\\b`,
    `grpc-status"?[:=] ?"?${number}\\b`,
    `\\b${number} ${name}\\b`,
    `StatusCode\\.${name}\\b`,
    `io\\.grpc\\.\\w*Exception: ${name}\\b`,
  ];
  const match = new RegExp(said.join("|"));
  return { term: `${number} ${name}`, match, meaning, failures, general: true };
}

export const GRPC_WORDS: Dialect = {
  speaker: "gRPC status",
  spoken: "as_a_word",
  terms: STATUSES.map(wordOf),
};

export const GRPC_LINES: Dialect = {
  speaker: "gRPC",
  spoken: "in_lines",
  terms: STATUSES.map(lineOf),
};
