/**
 * What `explain` recognises: a table of what people have in hand, and the failure that comes first.
 */
import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../../src/catalog/dialects/dialects.js";
import { CODE_MEANINGS } from "../../../src/catalog/error-codes.js";
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../../src/catalog/failures.js";
import { PROXY_ERRORS } from "../../../src/catalog/proxy-errors.js";
import { explain } from "../../../src/cli/explain/explain.js";

/** What is given, what it is taken for, and the failure that is most likely behind it. */
type Row = readonly [input: string, recognised: RegExp, first: FailureCode];

const WORDS: readonly Row[] = [
  ["502", /^status 502$/, "connection_refused"],
  ["503", /^status 503$/, "no_healthy_target"],
  ["504", /^status 504$/, "http_response_timeout"],
  ["429", /^status 429$/, "rate_limited"],
  ["connection_refused", /^connection_refused$/, "connection_refused"],
  ["Connection-Refused", /^connection_refused$/, "connection_refused"],
  ["destination_unavailable", /RFC 9209/, "no_healthy_target"],
  ["ECONNRESET", /^ECONNRESET/, "connection_terminated"],
  ["econnrefused", /^ECONNREFUSED/, "connection_refused"],
  ["UND_ERR_HEADERS_TIMEOUT", /UND_ERR/, "http_response_timeout"],
  ["UND_ERR_SOCKET", /UND_ERR/, "connection_terminated"],
  ["HPE_INVALID_CONSTANT", /HPE/, "http_protocol_error"],
  ["EAI_AGAIN", /EAI/, "dns_error"],
  ["ENOTFOUND", /ENOTFOUND/, "dns_name_not_found"],
  ["CERT_HAS_EXPIRED", /CERT/, "tls_certificate_expired"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", /ERR_SSL/, "tls_protocol_error"],
  ["520", /^Cloudflare/, "connection_terminated"],
  ["521", /^Cloudflare/, "connection_refused"],
  ["522", /^Cloudflare/, "connection_timeout"],
  ["523", /^Cloudflare/, "destination_ip_unroutable"],
  ["524", /^Cloudflare/, "http_response_timeout"],
  ["525", /^Cloudflare/, "tls_protocol_error"],
  ["526", /^Cloudflare/, "tls_certificate_error"],
  ["527", /^Cloudflare/, "connection_timeout"],
  ["460", /^AWS ALB/, "client_closed_request"],
  ["463", /^AWS ALB/, "loop_detected"],
  ["SH--", /^HAProxy/, "connection_terminated"],
  ["SH", /^HAProxy/, "connection_terminated"],
  ["sH--", /^HAProxy/, "http_response_timeout"],
  ["SC--", /^HAProxy/, "connection_refused"],
  ["sC--", /^HAProxy/, "connection_timeout"],
  ["sQ--", /^HAProxy/, "bulkhead_queue_timeout"],
  ["PH--", /^HAProxy/, "http_protocol_error"],
  ["SDNN", /^HAProxy/, "http_response_incomplete"],
  ["CD--", /^HAProxy/, "client_closed_request"],
  ["UC", /^Envoy/, "connection_terminated"],
  ["UF", /^Envoy/, "connection_refused"],
  ["UF,URX", /^Envoy/, "connection_refused"],
  ["UH", /^Envoy/, "no_healthy_target"],
  ["UT", /^Envoy/, "http_response_timeout"],
  ["UO", /^Envoy/, "bulkhead_full"],
  ["AH01102", /^Apache/, "stale_connection"],
  ["AH01114", /^Apache/, "connection_refused"],
];

const LOG_LINES: readonly Row[] = [
  [
    "2026/11/23 06:00:00 [error] 31#31: *1 connect() failed (111: Connection refused) while " +
      'connecting to upstream, client: 10.0.0.1, upstream: "http://127.0.0.1:3000/"',
    /^nginx/,
    "connection_refused",
  ],
  [
    "[error] upstream prematurely closed connection while reading response header from upstream",
    /^nginx/,
    "connection_terminated",
  ],
  [
    "[error] upstream prematurely closed connection while reading upstream",
    /^nginx/,
    "http_response_incomplete",
  ],
  [
    "recv() failed (104: Connection reset by peer) while reading response header from upstream",
    /^nginx/,
    "connection_terminated",
  ],
  [
    "upstream timed out (110: Connection timed out) while reading response header from upstream",
    /^nginx/,
    "http_response_timeout",
  ],
  [
    "upstream timed out (110: Connection timed out) while connecting to upstream",
    /^nginx/,
    "connection_timeout",
  ],
  ["no live upstreams while connecting to upstream", /^nginx/, "no_healthy_target"],
  [
    "upstream sent too big header while reading response header",
    /^nginx/,
    "http_response_header_section_size",
  ],
  [
    "connect() to unix:/run/php/php8.2-fpm.sock failed (2: No such file or directory) while " +
      "connecting to upstream",
    /^nginx/,
    "unix_socket_missing",
  ],
  [
    "connect() to unix:/run/php/php8.2-fpm.sock failed (13: Permission denied)",
    /^nginx/,
    "unix_socket_forbidden",
  ],
  [
    "connect() to unix:/run/php/php8.2-fpm.sock failed (11: Resource temporarily unavailable)",
    /^nginx/,
    "unix_backlog_full",
  ],
  [
    "SSL_do_handshake() failed (SSL: error:0A00010B:SSL routines::wrong version number) while " +
      "SSL handshaking to upstream",
    /^nginx/,
    "tls_protocol_error",
  ],
  [
    "[proxy:error] (111)Connection refused: AH00957: http: attempt to connect to 127.0.0.1:3000",
    /^Apache/,
    "connection_refused",
  ],
  [
    "(70007)The timeout specified has expired: AH01102: error reading status line from remote",
    /^Apache/,
    "http_response_timeout",
  ],
  [
    'haproxy[1]: 10.0.0.1:5 [23/Nov] fe be/s1 0/0/0/-1/12 502 208 - - SH-- 1/1/0/0/0 0/0 "GET /"',
    /^HAProxy/,
    "connection_terminated",
  ],
  ["TypeError: fetch failed", /^Node/, "connection_refused"],
  ["Error: socket hang up", /^Node/, "connection_terminated"],
  ["Error: getaddrinfo EAI_AGAIN db.internal", /EAI_AGAIN/, "dns_error"],
  ["Error: read ECONNRESET at TCP.onStreamRead", /^read ECONNRESET/, "connection_terminated"],
  [
    "Error: connect ECONNRESET 10.0.0.1:80",
    /^connect ECONNRESET/,
    "connection_reset_while_connecting",
  ],
  ["Error: write EPIPE", /^write EPIPE/, "connection_terminated_while_sending"],
  [
    "TypeError: fetch failed\n    at x {\n  [cause]: Error: connect ECONNREFUSED 127.0.0.1:1 {\n" +
      "    code: 'ECONNREFUSED',\n    syscall: 'connect'\n",
    /ECONNREFUSED/,
    "connection_refused",
  ],
  [
    '{"err":{"message":"Parse Error","code":"HPE_INVALID_CHUNK_SIZE"}}',
    /HPE/,
    "http_response_transfer_coding",
  ],
  ["curl: (52) Empty reply from server", /^client/, "connection_terminated"],
  [
    "upstream connect error or disconnect/reset before headers. reset reason: " +
      "connection termination",
    /^Envoy/,
    "connection_terminated",
  ],
  ["kernel: Out of memory: Killed process 4242 (node)", /kernel/, "connection_terminated"],
  ["Main process exited, code=killed, status=9/KILL", /manager/, "connection_terminated"],
  [
    "WARNING: [pool www] server reached pm.max_children setting (5)",
    /manager/,
    "unix_backlog_full",
  ],
];

const HEADS: readonly Row[] = [
  [
    "HTTP/1.1 502 Bad Gateway\r\nproxy-status: edge; error=connection_terminated; " +
      'details="code=stale_connection blame=proxy attempts=2 stopped=method_not_idempotent"\r\n',
    /^stale_connection, reported by "edge"$/,
    "stale_connection",
  ],
  [
    "edge; error=connection_timeout",
    /^connection_timeout, reported by "edge"$/,
    "connection_timeout",
  ],
  [
    'HTTP/2 503\nproxy-status: "far, far away"; received-status=503, edge\n',
    /^received-status=503$/,
    "received_gateway_error",
  ],
  ["HTTP/1.1 502 Bad Gateway\nServer: awselb/2.0\n", /AWS ALB/, "stale_connection"],
  ["< HTTP/2 524\n< server: cloudflare\n", /Cloudflare/, "http_response_timeout"],
  ["HTTP/1.1 504 Gateway Time-out\nServer: nginx/1.22.1\n", /nginx/, "http_response_timeout"],
  ["HTTP/1.1 503 Service Unavailable\nConnection: close\n", /^status 503$/, "no_healthy_target"],
];

describe.each([
  ["words", WORDS],
  ["lines of logs and stacks", LOG_LINES],
  ["heads of answers", HEADS],
])("%s", (_, rows) => {
  it.each(rows)(
    "%j is recognised, and the most likely failure comes first",
    (input, taken, first) => {
      const [one] = explain(input).explanations;
      expect(one?.recognised).toMatch(taken);
      expect(one?.failures[0]).toBe(first);
    },
  );
});

describe("explain", () => {
  it("knows every failure of the catalog by its name", () => {
    for (const code of FAILURE_CODES) {
      expect(explain(code).explanations[0]?.failures, code).toEqual([code]);
    }
  });

  it("lists every failure that is answered with a status", () => {
    for (const status of [500, 502, 503, 504]) {
      const listed = explain(String(status)).explanations[0]?.failures ?? [];
      expect(new Set(listed).size).toBe(listed.length);
      const own = FAILURE_CODES.filter((code) => FAILURES[code].status === status);
      expect(listed, String(status)).toEqual(expect.arrayContaining(own));
    }
  });

  it("knows every error type of RFC 9209, and every error code of the catalog", () => {
    for (const word of [...Object.keys(PROXY_ERRORS), ...Object.keys(CODE_MEANINGS)]) {
      expect(explain(word).explanations, word).not.toEqual([]);
    }
  });

  it("finds every term of the foreign dialects by what it says of itself", () => {
    for (const { speaker, spoken, terms } of DIALECTS.filter((one) => one.spoken === "as_a_word")) {
      for (const { term } of terms) {
        const [word = ""] = term.split(" / ");
        const found = explain(word).explanations.map(({ recognised }) => recognised);
        expect(found, `${spoken} ${term}`).toContain(`${speaker}: ${term}`);
      }
    }
  });

  it("says that it does not know, and offers the nearest known words", () => {
    expect(explain("conection_refussed")).toEqual({
      explanations: [],
      guesses: expect.arrayContaining(["connection_refused"]),
    });
    expect(explain("the frobnicator failed")).toEqual({ explanations: [], guesses: [] });
    expect(explain("")).toEqual({ explanations: [], guesses: [] });
  });

  it("tells of a long log what is in it most often, and how often", () => {
    const timeout =
      "upstream timed out (110: Connection timed out) while reading response header\n";
    const refused = "connect() failed (111: Connection refused) while connecting to upstream\n";
    const [first, second] = explain(refused + timeout.repeat(30)).explanations;
    expect(first?.recognised).toMatch(/\(30 lines\)$/);
    expect(second?.failures).toEqual(["connection_refused"]);
  });

  it("says why no further attempt was made", () => {
    const field =
      'edge; error=connection_refused; details="code=connection_refused stopped=budget_exhausted"';
    expect(explain(field).explanations[0]?.meaning).toMatch(/retry budget/);
  });
});
