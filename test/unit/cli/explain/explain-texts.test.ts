/**
 * What stands around the sentences that are known: statuses, access lines, pages. A number that is
 * no status must not be told as one, since a person on call would look in the wrong place.
 */
import { describe, expect, it } from "vitest";
import { explain } from "../../../../src/cli/explain/explain.js";

const recognised = (text: string): readonly string[] =>
  explain(text).explanations.map((one) => one.recognised);
const first = (text: string) => explain(text).explanations[0];

const statusesOf = (text: string): readonly string[] =>
  recognised(text).flatMap((words) => /^status (\d{3})/.exec(words)?.[1] ?? []);

const STATUSES: readonly (readonly [text: string, statuses: readonly string[]])[] = [
  ["GET /orders answered with status 502", ["502"]],
  ["HTTP/1.1 503", ["503"]],
  ["error code: 504", ["504"]],
  ['{"status":502,"path":"/a"}', ["502"]],
  ["upstream returned 502", ["502"]],
  ["we get a 502 now and then", ["502"]],
  ["502 Bad Gateway", ["502"]],
  ["502 nginx", ["502"]],
  ["Request failed with status code 503", ["503"]],
  ["responded with 504", ["504"]],
  ['192.0.2.1 - - [x] "GET /a HTTP/1.1" 502 504 "-" "curl"', ["502"]],
  ['192.0.2.1 - - [x] "GET /a HTTP/1.1" 200 504 "-" "curl"', []],
  ['192.0.2.1 - - [x] "GET /502 HTTP/2.0" 200 503 "-" "curl"', []],
  ["Response status code does not indicate success: 502 (Bad Gateway).", ["502"]],
  ["Bad Gateway", ["502"]],
  ["<h1>Gateway Timeout</h1>", ["504"]],
  ["the page says Bad Gateway where the cart was", []],
  ['[GIN] 2026/04/06 - 10:00:00 | 502 |  1.2ms |  10.0.0.1 | GET "/504"', ["502"]],
  [
    "https 2026-04-06T10:00:00.1Z app/lb/1 10.0.0.1:5 10.0.0.2:80 0.001 -1 -1 408 - 504 0 x",
    ["408"],
  ],
  ["2026-04-06 10:00:00 10.2.0.5 GET /a - 443 - 10.9.1.20 curl - 429 0 64 504", ["429"]],
  ["server listening on port 443, 500 connections allowed", []],
  ["Listening on port 502", []],
  ["pid 502 started", []],
  ["worker process 504 exited", []],
  ["took 503 ms", []],
  ["sent 500 bytes in 504 ms", []],
  ["processed 502 of 504 rows", []],
  ["got 500 connections", []],
  ["at file.js:502:13", []],
];

const PAGES: readonly (readonly [name: string, page: string, says: RegExp, code: string])[] = [
  [
    "nginx",
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad " +
      "Gateway</h1></center>\r\n<hr><center>nginx/1.25.3</center>\r\n</body>\r\n</html>",
    /502, made by nginx/,
    "connection_refused",
  ],
  [
    "Apache",
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n' +
      "<html><head><title>503 Service Unavailable" +
      "</title></head><body><h1>Service Unavailable</h1><p>The server is temporarily unable to " +
      "service your request.</p><hr><address>Apache/2.4.57 (Debian) Server at a Port 80</address>",
    /503, made by Apache/,
    "no_healthy_target",
  ],
  [
    "AWS ALB",
    "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>\r\n<center><h1>504 " +
      "Gateway Time-out</h1></center>\r\n</body>\r\n</html>",
    /504, made by AWS ALB/,
    "http_response_timeout",
  ],
  [
    "HAProxy",
    "<html><body><h1>502 Bad Gateway</h1>\nThe server returned an invalid or incomplete " +
      "response.\n</body></html>",
    /^HAProxy/,
    "connection_terminated",
  ],
  [
    "HAProxy, nobody up",
    "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this " +
      "request.\n</body></html>",
    /^HAProxy/,
    "no_healthy_target",
  ],
  [
    "Varnish",
    "<!DOCTYPE html><html><head><title>503 Backend fetch failed</title></head>" +
      "<body><h1>Error 503 " +
      "Backend fetch failed</h1><p>Backend fetch failed</p><h3>Guru Meditation:</h3><p>XID: 1</p>" +
      "<hr><p>Varnish cache server</p></body></html>",
    /^Varnish/,
    "no_healthy_target",
  ],
];

const envoy = (result: string): string =>
  `[2024-01-01T10:00:00.000Z] "GET / HTTP/1.1" ${result} - "-" 0 0 30 - "-" "curl/8"`;

const FLAGS: readonly (readonly [result: string, code: string])[] = [
  ["404 NR route_not_found", "destination_not_found"],
  ["0 DC downstream_remote_disconnect", "client_closed_request"],
  [
    "503 UF,URX upstream_reset_before_response_started{remote_connection_failure}",
    "connection_refused",
  ],
  ["503 UH no_healthy_upstream", "no_healthy_target"],
  ["504 UT response_timeout", "http_response_timeout"],
];

describe("an exit code of curl", () => {
  it.each([
    ["curl exit code 28", "connection_timeout"],
    ["command curl -sf http://localhost:3000/ exited with code 7", "connection_refused"],
    ["curl: (52) Empty reply from server", "connection_terminated"],
  ])("%j is %s", (text, code) => expect(first(text)?.failures[0]).toBe(code));

  it("is not one of another program", () => {
    expect(explain("backup exited with code 7").explanations).toEqual([]);
  });
});

describe("explain", () => {
  it.each(STATUSES)("finds in %j the statuses %j", (text, statuses) => {
    expect(statusesOf(text)).toEqual(statuses);
  });

  it.each(PAGES)("reads the page of %s", (_name, page, says, code) => {
    expect(first(page)?.recognised).toMatch(says);
    expect(first(page)?.failures[0]).toBe(code);
  });

  it("takes the words of scripts, comments and styles of a page for none of its own", () => {
    const page = "<html><script>'502 Bad Gateway'</script><!-- status 503 --><body>hello</body>";
    expect(recognised(page)).toEqual([]);
  });

  it.each(FLAGS)("reads the flags of Envoy's access line %s", (result, code) => {
    expect(explain(envoy(result)).explanations.flatMap((one) => one.failures)).toContain(code);
  });

  it.each([
    ["DNS lookup failure for: backend", "dns_name_not_found"],
    ["Error during SSL Handshake with remote server", "tls_protocol_error"],
    ["Corrupt status line returned by remote server", "response_status_invalid"],
    ["Error reading from remote server", "connection_terminated"],
  ])("reads Apache's reason behind AH00898: %s", (reason, code) => {
    const line = `[proxy:error] [pid 7] [client 192.0.2.1:5000] AH00898: ${reason} returned by /`;
    expect(first(line)?.failures[0]).toBe(code);
  });

  it.each([
    ["TLS error: 1:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER", "tls_protocol_error"],
    [
      "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED",
      "tls_certificate_error",
    ],
    [
      "TLS error: 268436504:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA",
      "tls_alert_received",
    ],
    ["delayed connect error: 111", "connection_refused"],
    ["delayed connect error: 113", "destination_ip_unroutable"],
    ["delayed connect error: 110", "connection_timeout"],
  ])("reads Envoy's transport failure reason: %s", (reason, code) => {
    const line =
      "upstream connect error or disconnect/reset before headers. reset reason: connection " +
      `failure, transport failure reason: ${reason}`;
    expect(first(line)?.failures[0]).toBe(code);
  });

  it.each([
    ["unix:/run/app.sock", "unix_socket_forbidden"],
    ["127.0.0.1:8080", "destination_ip_prohibited"],
    ["[::1]:8080", "destination_ip_prohibited"],
  ])("tells a denied connection to %s", (place, code) => {
    const line = `[crit] 12#12: *1 connect() to ${place} failed (13: Permission denied) while`;
    expect(first(line)?.failures[0]).toBe(code);
  });

  it.each([
    ["no such file or directory", "unix_socket_missing"],
    ["permission denied", "unix_socket_forbidden"],
    ["resource temporarily unavailable", "unix_backlog_full"],
    ["connection refused", "connection_refused"],
  ])("knows Go's dial unix: %s", (reason, code) => {
    const line = `http: proxy error: dial unix /run/app.sock: connect: ${reason}`;
    expect(first(line)?.failures[0]).toBe(code);
  });

  it("knows a full disk of nginx", () => {
    const line = '[crit] 41#41: *88 pwritev() "/tmp/1" failed (28: No space left on device)';
    expect(first(line)?.recognised).toMatch(/^nginx error log/);
  });
});
