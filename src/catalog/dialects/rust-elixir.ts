/**
 * Errors of HTTP clients of Rust (hyper 1, reqwest 0.12) and Elixir (Mint, Finch, hackney), by
 * their own names. What the system says is the same everywhere.
 */
import { type Dialect, dialectOfLines } from "./foreign-term.js";

const ITS_LOG = "The server's own log at this second: a crash, a restart, a limit.";

const RUST = dialectOfLines(
  "Rust",
  [
    "hyper::Error(IncompleteMessage) / connection closed before message completed",
    /\bIncompleteMessage\b|connection closed before message completed/,
    "The server closed the connection before its answer was complete.",
    ["connection_terminated", "stale_connection", "http_response_incomplete"],
    "pool_idle_timeout below the server's keep-alive time",
    ITS_LOG,
  ],
  [
    "hyper::Error(Parse(…))",
    /hyper::Error\(Parse|invalid HTTP (?:version|status-code|header) parsed/,
    "The received bytes are not valid HTTP: another protocol, TLS, or a faulty server.",
    ["http_protocol_error", "tls_protocol_error"],
    "curl -sv to the same address shows the bytes.",
  ],
  [
    "hyper::Error(Canceled / ChannelClosed)",
    /hyper::Error\((?:Canceled|ChannelClosed)|dispatch(?: task is)? gone/,
    "The connection's task ended before this request was sent.",
    ["connection_terminated", "client_closed_request"],
  ],
);

const ELIXIR = dialectOfLines(
  "Elixir",
  [
    "{:error, :econnrefused}",
    /:econnrefused\b/,
    "The host answers, but nothing listens on the port.",
    ["connection_refused"],
  ],
  [
    "{:error, :nxdomain}",
    /:nxdomain\b/,
    "The host name has no address.",
    ["dns_name_not_found", "dns_error"],
  ],
  [
    "{:error, :closed} / :socket_closed_remotely",
    /:(?:closed|econnreset|socket_closed_remotely)\b/,
    "The server closed the connection before it had answered.",
    ["connection_terminated", "stale_connection"],
    ITS_LOG,
  ],
  [
    "{:error, :checkout_timeout} / pool_timeout",
    /:(?:checkout_timeout|pool_timeout|connect_pool_timeout)\b|excess queuing for connections/,
    "The client's own pool had no free connection in time: the request was not sent.",
    ["connection_pool_timeout", "bulkhead_full"],
    "Read every body to its end; then give the pool more connections.",
  ],
  [
    "{:error, :connect_timeout} / :etimedout",
    /:(?:connect_timeout|etimedout)\b/,
    "No connection in time: packets are dropped, or the server accepts none.",
    ["connection_timeout"],
  ],
  [
    "{:error, :timeout}",
    /(?:reason: |\{:error, ):(?:recv_)?timeout\b/,
    "The request was sent, and nothing came within the client's timeout.",
    ["http_response_timeout", "connection_timeout"],
    "Find the slow part of the server; then receive_timeout (recv_timeout).",
  ],
  [
    "{:tls_alert, …}",
    /:tls_alert\b/,
    "TLS failed; the word beside it names the reason.",
    ["tls_alert_received", "tls_certificate_error", "tls_protocol_error"],
  ],
);

export const RUST_ELIXIR: readonly Dialect[] = [RUST, ELIXIR];
