/**
 * What an engine that is not ours cannot see of a failure, and what the failure is then called.
 */
import type { FailureCode } from "good-gateway";
import type { Row } from "../gallery/tools/provoke.js";
import type { Door, DoorEngine } from "./door.js";

type Seen = Partial<Pick<Row, "code" | "answer" | "error" | "sends" | "attempts">> & {
  /** So many calls, each with a record. @default 1 */
  readonly calls?: number;
};
type SeenAs = Partial<Record<FailureCode, Seen>>;

/** undici's parser says that a head is too large, and not which line of it. */
const OF_PARSER: SeenAs = {
  http_response_header_size: {
    code: "http_response_header_section_size",
    error: "http_response_header_section_size",
  },
};

/** Only its errors tell, and nothing tells how far it had got when it was cut. */
const OF_FOREIGN_FETCH: SeenAs = {
  ...OF_PARSER,
  dns_timeout: { code: "http_response_timeout", attempts: [3, 1] },
  connection_timeout: { code: "http_response_timeout", attempts: [3, 1] },
  tls_handshake_timeout: { code: "http_response_timeout", attempts: [3, 1] },
  deadline_exceeded_connecting: { code: "deadline_exceeded" },
  deadline_exceeded_in_handshake: { code: "deadline_exceeded" },
  event_loop_stalled: { code: "http_response_timeout", attempts: [3, 1] },
  connection_reset_while_connecting: { code: "connection_terminated", attempts: [3, 1] },
  tls_certificate_expired: { attempts: [3, 1] },
  connection_terminated_while_sending: { code: "connection_terminated", sends: [1, 1] },
  connection_write_timeout: { code: "http_response_timeout" },
  http_response_incomplete: { code: "connection_terminated" },
  connection_read_timeout: { code: "http_response_timeout" },
  tls_alert_received: { code: "tls_protocol_error", error: "tls_protocol_error" },
  // The caller has the head as soon as it is there, and a body that is broken says no more.
  http_response_transfer_coding: {
    code: "http_response_incomplete",
    answer: "cut",
    sends: [1, 1],
  },
  http_response_body_size: { answer: "cut" },
  http_response_trailer_section_size: { code: "http_response_incomplete", answer: "cut" },
  connection_reset_in_body: { code: "http_response_incomplete" },
};

const OF_DISPATCHER: SeenAs = {
  ...OF_PARSER,
  dns_timeout: { code: "connection_timeout" },
  // Targets with TLS settings of their own have connections of ours; without, only the agent knows.
  deadline_exceeded_in_handshake: { code: "deadline_exceeded_connecting" },
  http_response_incomplete: { code: "connection_terminated" },
  connection_read_timeout: { code: "http_response_timeout" },
  // The caller has the head as soon as it is there.
  http_response_transfer_coding: { answer: "cut", sends: [1, 1] },
  http_response_trailer_section_size: { answer: "cut" },
};

const OF_NODE: SeenAs = {
  // Its request is written into the handshake, and of an alert that ends it only the text tells.
  tls_alert_received: { code: "tls_protocol_error", error: "tls_protocol_error" },
  // What came with the trailers is on its way to the client by then, and is thrown away.
  http_response_trailer_size: { answer: null, error: null },
  http_response_trailer_section_size: { answer: null, error: null },
};

/** A Request has no length, and who has left it is there to be answered. */
const OF_REQUEST: SeenAs = {
  request_body_too_large: { attempts: [1, 1] },
  client_closed_request: { answer: 499 },
};

/** The Fetch Standard lets a fetch ask a second time, over another connection. */
const OF_FETCH: SeenAs = { received_misdirected: { sends: [2, 2], calls: 2 } };

const ENGINES: Readonly<Record<DoorEngine, SeenAs>> = {
  own: {},
  "http-proxy-middleware": OF_NODE,
  "foreign fetch": OF_FOREIGN_FETCH,
  dispatcher: OF_DISPATCHER,
};

/** How a row looks at a door. */
export function seenBy({ engine, requests, bodies }: Door, code: FailureCode): Seen {
  if (requests === true && bodies !== "wire") return OF_REQUEST[code] ?? {};
  const isFetch = bodies === "fetch" || bodies === "undici's fetch";
  return (isFetch ? OF_FETCH[code] : undefined) ?? ENGINES[engine][code] ?? {};
}
