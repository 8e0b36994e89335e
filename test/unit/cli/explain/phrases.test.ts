/**
 * Lines of programs that no table knows: they are read by words that any program may use, after
 * all that is known by its sentence, and a line without such words says nothing.
 */
import { describe, expect, it } from "vitest";
import { explain } from "../../../../src/cli/explain/explain.js";
import { isByWords } from "../../../../src/cli/explain/lines.js";

const READ: readonly (readonly [line: string, first: string])[] = [
  ["edge 7: the viewer disconnected while we were waiting", "client_closed_request"],
  ["job aborted by the client", "client_closed_request"],
  ["frob[3]: peer certificate expired two days ago", "tls_certificate_expired"],
  ["frob[3]: the certificate of pay.internal is not trusted", "tls_certificate_error"],
  ["TLS setup with pay.internal failed", "tls_protocol_error"],
  ["frob: no answer of the resolver for pay.internal: timeout", "dns_timeout"],
  ["frob: unable to resolve pay.internal", "dns_name_not_found"],
  ["X-Frob-Error: ERR_DNS_FAILURE", "dns_name_not_found"],
  ["frobResult=originConnectRefused", "connection_refused"],
  ["frob: the network of pay.internal is unreachable", "destination_ip_unroutable"],
  ["frob: connect to pay.internal took too long: timeout", "connection_timeout"],
  ["frob: health probe of pay failed", "no_healthy_target"],
  ["frob: no available backends for pay", "no_healthy_target"],
  ["frob: all replicas are down", "no_healthy_target"],
  ["frob: the process of pay exited at its start", "connection_refused"],
  ["frob: child 7 died", "connection_terminated"],
  ["frob: the response body was truncated", "http_response_incomplete"],
  ["frob: response headers of pay exceed 8 KiB", "http_response_header_section_size"],
  ["frob: request headers too large", "request_header_too_large"],
  ["frob: payload is larger than 1 MB", "request_body_too_large"],
  ["frob: you were throttled", "rate_limited"],
  ["frob: 100 of 100 workers are busy", "bulkhead_full"],
  ["frob: blocked by policy 7", "request_denied"],
  ["frob: unhandled exception in the cart", "received_server_error"],
  ["frob: the reply is malformed", "http_protocol_error"],
  ["frob: pay did not answer within 30 s", "http_response_timeout"],
  ["frob: session closed unexpectedly", "connection_terminated"],
  ["frob: no such route: /pay", "destination_not_found"],
  ["frob: redirect loop", "loop_detected"],
  ["frob: could not reach pay", "connection_refused"],
  ["frob: syntax error in line 7", "proxy_configuration_error"],
  ["frob: no space left", "local_resources_exhausted"],
  ["frob: nothing is listening on port 7", "connection_refused"],
  ["frob: pay speaks http, https was expected", "tls_protocol_error"],
  ["frob: the shop is down for maintenance", "maintenance"],
  ["frob: the cluster has no leader", "no_healthy_target"],
  ["frob: pay is still loading", "no_healthy_target"],
  ["frob: the request took too long, worker restarted", "http_response_timeout"],
  ["frob: <html> is not valid JSON", "http_protocol_error"],
  ["frob: gave up after 3 retries", "connection_refused"],
  ["frob: query_wait_timeout", "bulkhead_full"],
  ["frob: recv failed", "connection_terminated"],
  ["frob: process 7 aborted, signo=6", "connection_terminated"],
  ["frob: the gateway keeps calling itself", "loop_detected"],
  ["frob: NSG blocks traffic to pay", "connection_timeout"],
  ["frob: pay is short-circuited", "breaker_open"],
  ["frob: failed to initialize the store", "connection_refused"],
  ["frob: needs a store; requires Frob 7 or later", "connection_refused"],
  ["frob: 0 of 3 backends in rotation", "no_healthy_target"],
  ["frob: pay was removed from the pool", "no_healthy_target"],
  ["frob: port 7 is closed", "connection_refused"],
  ["frob: pay did not send a line within 30 s", "http_response_timeout"],
  ["frob: this port requires TLS", "tls_protocol_error"],
  ["frob: slow down", "rate_limited"],
  ["frob: the token expired", "request_denied"],
  ["frob: cannot create upstream cluster pay", "proxy_configuration_error"],
  ["frob: invalid request", "bad_request"],
  ["frob: PANIC: the ledger is torn", "connection_refused"],
  ["frob: network outage, next check in 3 s", "connection_refused"],
  ["frob: no rule matched the host name pay", "destination_not_found"],
  ["frob: the protocol of a probe does not match that of its target", "proxy_configuration_error"],
  ["frob: maximum number of threads (7) created", "bulkhead_full"],
  ["frob: error while reading from pay", "connection_terminated"],
  ["frob: CSRF check failed", "request_denied"],
  ["frob: the file /srv/a could not be opened", "received_server_error"],
  ["frob: request body read error", "request_body_failed"],
  ["frob: circuit of pay is open", "breaker_open"],
  ["[UFW BLOCK] SRC=10.0.0.1 DPT=3000", "connection_timeout"],
  ["frob: access denied for user shop", "received_server_error"],
  ["frob: function pay crashed", "received_server_error"],
  ["frob: upgrade to websocket rejected", "http_upgrade_failed"],
];

const SAYS_NOTHING: readonly string[] = [
  "frob 1.2 is starting",
  "listening on 0.0.0.0:3000",
  "GET /pay took 12 ms",
  "loaded 12 certificates",
  "connected to pay.internal:443 in 3 ms",
  "reloaded the configuration",
  "route /pay added for pay.internal",
  "health check of pay passed",
  "backup exited with code 7",
];

describe("a line of an unknown program", () => {
  it.each(READ)("%j is read by its words", (line, failure) => {
    const [one] = explain(line).explanations;
    expect(one?.recognised).toMatch(/^by its words: /);
    expect(one?.failures[0]).toBe(failure);
  });

  it.each(SAYS_NOTHING)("%j says nothing", (line) => {
    expect(explain(line).explanations.filter(isByWords)).toEqual([]);
  });

  it("comes before a status that everybody has, and after one of a program's own", () => {
    const names = (text: string) => explain(text).explanations.map((one) => one.recognised);
    expect(names("frob: status 502 for /pay: could not reach pay")).toEqual([
      expect.stringMatching(/^by its words/),
      "status 502",
    ]);
    expect(names("error code: 524, the origin is slow: timeout")[0]).toMatch(/^Cloudflare/);
  });

  it("never takes the place of a sentence that is known, however often it is met", () => {
    const unknown = Array.from({ length: 50 }, (_, at) => `frob ${at}: could not reach pay`);
    const known = "connect() failed (111: Connection refused) while connecting to upstream";
    expect(explain([...unknown, known].join("\n")).explanations[0]?.recognised).toMatch(/^nginx/);
  });

  it("reads fields of a structured line", () => {
    const line = (flag: string) => `{"response_code":503,"response_flags":"${flag}"}`;
    const codes = (flag: string) => explain(line(flag)).explanations[0]?.failures[0];
    expect(["UH", "UC", "NR"].map(codes)).toEqual([
      "no_healthy_target",
      "connection_terminated",
      "destination_not_found",
    ]);
    expect(explain("level=error upstream_status=503").explanations[0]?.recognised).toBe(
      "status 503",
    );
  });

  it("does not read the reason of a status as words", () => {
    expect(explain("HTTP/1.1 504 Gateway Timeout").explanations.filter(isByWords)).toEqual([]);
    expect(explain("429 Too Many Requests").explanations.filter(isByWords)).toEqual([]);
  });
});
