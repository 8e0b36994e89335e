/**
 * HAProxy's termination states: the four letters of `--` or `SH--` in its log.
 *
 * The first letter is the side that ended the session, the second the phase; lower case means a
 * timer. The third and fourth are about cookies (HTTP mode) and are not needed to find the fault.
 * Letters and meanings are those of section 8.5 of HAProxy's configuration manual.
 */
import type { Dialect, ForeignTerm } from "./foreign-term.js";

/** Two letters and, if they were copied, the two of the cookie. */
function state(letters: string, rest: Omit<ForeignTerm, "term" | "match">): ForeignTerm {
  const match = new RegExp(`^${letters}(?:[-NIDVEOU][-NIURD])?$`);
  return { term: `${letters}--`, match, ...rest };
}

export const HAPROXY: Dialect = {
  speaker: "HAProxy termination state",
  spoken: "as_a_word",
  terms: [
    {
      term: "----",
      match: /^--[-NIDVEOU][-NIURD]$/,
      meaning: "A normal end on both sides; a 5xx beside it is the application's own answer.",
      failures: ["received_server_error", "received_gateway_error", "received_overloaded"],
    },
    state("SC", {
      meaning: "The connection was refused or could not be established. HAProxy answers 503.",
      failures: ["connection_refused", "destination_ip_unroutable", "no_healthy_target"],
      causes: [
        "The application is down, or listens on another port.",
        "<NOSRV> instead of the server: no server of the backend is up.",
      ],
      remedies: ["show stat, or the statistics page: which server is DOWN, since when and why?"],
    }),
    state("sC", {
      meaning: "timeout connect expired before the server accepted. HAProxy answers 503.",
      failures: ["connection_timeout"],
    }),
    state("sQ", {
      meaning: "The request waited for timeout queue, and no server had a free slot. Answer: 503.",
      failures: ["bulkhead_queue_timeout", "no_healthy_target"],
      remedies: ["Slots are maxconn of the servers: look at their latency before raising it."],
    }),
    state("SQ", {
      meaning: "The request was removed from the queue: its server went down or the queue is full.",
      failures: ["bulkhead_full", "no_healthy_target"],
    }),
    state("SH", {
      meaning: "The server closed before it sent a complete head. HAProxy answers 502.",
      failures: ["connection_terminated", "stale_connection", "http_response_incomplete"],
      causes: [
        "The application crashed or was killed while it served the request.",
        "The server closed a kept-alive connection just as HAProxy reused it.",
      ],
      remedies: [
        "Look in the application's log for a crash or restart at this second.",
        'Set keepAliveTimeout of Node above timeout server; with good-gateway: behind: "haproxy".',
        "retry-on empty-response conn-failure lets HAProxy repeat it where that is safe.",
      ],
    }),
    state("sH", {
      meaning: "timeout server expired before the server answered. HAProxy answers 504.",
      failures: ["http_response_timeout", "connection_write_timeout"],
    }),
    state("SD", {
      meaning: "The server closed in the middle of the body; the client got a truncated answer.",
      failures: ["http_response_incomplete", "connection_reset_in_body"],
    }),
    state("sD", {
      meaning: "timeout server expired in the middle of the body, or of a tunnel.",
      failures: ["connection_read_timeout"],
      remedies: ["WebSocket or server-sent events: set timeout tunnel, and send pings."],
    }),
    state("PH", {
      meaning: "HAProxy rejected the answer: it is invalid, or its head too large. Answer: 502.",
      failures: [
        "http_protocol_error",
        "http_response_header_section_size",
        "response_framing_invalid",
      ],
      remedies: [
        "show errors (on the statistics socket) prints the bytes of the last one.",
        "The head must fit tune.bufsize (16384) less tune.maxrewrite (1024).",
      ],
    }),
    state("PD", {
      meaning: "HAProxy aborted it in the body: the framing of the answer is broken.",
      failures: ["http_response_transfer_coding", "response_framing_invalid"],
    }),
    state("PR", {
      meaning: "HAProxy rejected the request: a rule, a limit, or an invalid request.",
      failures: ["request_denied", "bad_request", "rate_limited"],
    }),
    state("PT", {
      meaning: "HAProxy held the request in a tarpit, by a rule.",
      failures: ["request_denied"],
    }),
    state("CD", {
      meaning: "The client left in the middle of the body.",
      failures: ["client_closed_request"],
    }),
    state("cD", {
      meaning: "The client stopped reading or sending for timeout client.",
      failures: ["client_stalled", "client_closed_request"],
    }),
    state("CR", {
      meaning: "The client left before its request was complete.",
      failures: ["client_closed_request"],
    }),
    state("cR", {
      meaning: "The client did not complete its request within timeout http-request. Answer: 408.",
      failures: ["request_body_timeout", "client_closed_request"],
    }),
    state("CQ", {
      meaning: "The client left while its request waited in the queue.",
      failures: ["client_closed_request", "bulkhead_queue_timeout"],
    }),
    state("CC", {
      meaning: "The client left while HAProxy was connecting to the server.",
      failures: ["client_closed_request", "connection_timeout"],
    }),
    state("CH", {
      meaning: "The client left while the server was still working on its answer.",
      failures: ["client_closed_request", "http_response_timeout"],
    }),
    state("cH", {
      meaning: "timeout client expired while the server was still working on its answer.",
      failures: ["http_response_timeout", "client_stalled"],
      remedies: ["timeout client is shorter than timeout server; make it longer."],
    }),
    state("RC", {
      meaning: "HAProxy itself has no sockets, ports or memory left for a connection.",
      failures: ["local_resources_exhausted"],
      remedies: ["ulimit-n, maxconn, and net.ipv4.ip_local_port_range."],
    }),
    state("IC", {
      meaning: "HAProxy had an internal error.",
      failures: ["proxy_internal_error"],
    }),
    state("IH", {
      meaning: "HAProxy had an internal error while it read the answer.",
      failures: ["proxy_internal_error"],
    }),
    state("LR", {
      meaning: "HAProxy answered itself: a redirect, statistics, or a return rule.",
      failures: [],
    }),
    state("LH", {
      meaning: "HAProxy answered itself, by an http-response rule.",
      failures: [],
    }),
    state("DC", {
      meaning: "The server was marked down while HAProxy was connecting to it.",
      failures: ["connection_refused", "connection_timeout"],
    }),
    state("DH", {
      meaning: "The server was marked down while HAProxy waited for its answer.",
      failures: ["connection_terminated"],
    }),
    state("DD", {
      meaning: "The server was marked down in the middle of a session (on-marked-down).",
      failures: ["http_response_incomplete"],
    }),
    state("UD", {
      meaning: "A session on a backup server was ended, since a primary server is up again.",
      failures: [],
    }),
    state("KD", {
      meaning: "An operator ended the session.",
      failures: [],
    }),
  ],
};

export const HAPROXY_LINES: Dialect = {
  speaker: "HAProxy",
  spoken: "in_lines",
  terms: [
    {
      term: "<NOSRV>",
      fatal: true,
      match: /\S+\/<NOSRV> .*\bSC-/,
      meaning: "The backend has no server to choose from: all are down, or there is none.",
      failures: ["no_healthy_target", "connection_refused"],
      remedies: ["The lines `Server … is DOWN` before it say why each went down."],
    },
    {
      term: "page: No server is available to handle this request.",
      match: "No server is available to handle this request",
      meaning: "No server of the backend is up, or none had a free slot in time. Answer: 503.",
      failures: ["no_healthy_target", "connection_refused", "bulkhead_queue_timeout"],
      remedies: ["show stat, or the statistics page: which server is DOWN, since when and why?"],
    },
    {
      term: "page: The server returned an invalid or incomplete response.",
      match: "The server returned an invalid or incomplete response",
      meaning: "The server closed before a complete head, or sent one that is not valid. 502.",
      failures: ["connection_terminated", "http_protocol_error", "stale_connection"],
      remedies: ["The termination state in HAProxy's log shows which: SH-- or PH--."],
    },
    {
      term: "page: The server didn't respond in time.",
      match: /The server didn['’]t respond in time/i,
      meaning: "timeout server expired before the answer began. Answer: 504.",
      failures: ["http_response_timeout"],
    },
    {
      term: "page: Your browser sent an invalid request.",
      match: "Your browser sent an invalid request",
      meaning: "HAProxy could not parse the request, and sent it to no server. Answer: 400.",
      failures: ["bad_request", "request_header_too_large"],
    },
    {
      term: "page: Your browser didn't send a complete request in time.",
      match: /Your browser didn['’]t send a complete request/i,
      meaning: "timeout http-request expired before the request was complete. Answer: 408.",
      failures: ["request_body_timeout"],
    },
    {
      term: "page: Request forbidden by administrative rules.",
      match: "Request forbidden by administrative rules",
      meaning: "A rule of HAProxy (http-request deny) denied it. Answer: 403.",
      failures: ["request_denied"],
    },
    {
      term: "Server … is DOWN, reason: Layer4 connection problem",
      match: /is DOWN.*Layer4 connection problem|L4CON\b/,
      meaning: "The check of a server was refused or not routed: nothing listens there.",
      failures: ["connection_refused", "destination_ip_unroutable"],
    },
    {
      term: "Server … is DOWN, reason: Layer4 timeout",
      match: /is DOWN.*Layer4 timeout|L4TOUT\b/,
      meaning: "The check of a server got no connection in time.",
      failures: ["connection_timeout"],
    },
    {
      term: "Server … is DOWN, reason: Layer6 timeout",
      match: /is DOWN.*Layer6 timeout|L6TOUT\b/,
      meaning: "The check of a server got a connection, and TLS on it did not end in time.",
      failures: ["tls_handshake_timeout"],
    },
    {
      term: "Server … is DOWN, reason: Layer6 invalid response",
      match: /is DOWN.*Layer6|L6RSP\b/,
      meaning: "The check of a server failed in its TLS handshake.",
      failures: ["tls_protocol_error", "tls_certificate_error"],
    },
    {
      term: "Server … is DOWN, reason: Layer7 wrong status",
      match: /is DOWN.*Layer7 (?:wrong status|invalid response)|L7(?:STS|RSP)\b/,
      meaning: "The check of a server got another status than it expects; the server runs.",
      failures: ["no_healthy_target", "received_server_error"],
      remedies: ["option httpchk and http-check expect: path, Host and status of the check."],
    },
    {
      term: "Server … is DOWN, reason: Layer7 timeout",
      match: /is DOWN.*Layer7 timeout|L7TOUT\b/,
      meaning: "The check of a server connected but got no answer in time.",
      failures: ["http_response_timeout"],
    },
    {
      term: "backend … has no server available!",
      match: /has no server available/i,
      meaning: "No server of a backend is up; every request is answered with 503.",
      failures: ["no_healthy_target"],
    },
  ],
};
