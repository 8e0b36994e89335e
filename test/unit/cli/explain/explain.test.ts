/**
 * What `explain` recognises: a table of what people have in hand, and the failure that comes first.
 */
import { describe, expect, it } from "vitest";
import { DIALECTS } from "../../../../src/catalog/dialects/dialects.js";
import { CODE_MEANINGS } from "../../../../src/catalog/error-codes.js";
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../../../src/catalog/failures.js";
import { PROXY_ERRORS } from "../../../../src/catalog/rows/proxy-errors.js";
import { explain } from "../../../../src/cli/explain/explain.js";

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

/** What platforms, gRPC and newer Envoys say in one word. */
const MORE_WORDS: readonly Row[] = [
  ["464", /^AWS ALB/, "proxy_configuration_error"],
  ["561", /^AWS ALB/, "received_server_error"],
  ["530", /^Cloudflare/, "dns_name_not_found"],
  ["RFCF", /^Envoy/, "proxy_configuration_error"],
  ["NFCF", /^Envoy/, "proxy_configuration_error"],
  ["UDO", /^Envoy/, "load_shed"],
  ["UT,URX", /^Envoy/, "connection_refused"],
  ["H10", /^Heroku/, "connection_refused"],
  ["H12", /^Heroku/, "http_response_timeout"],
  ["h13", /^Heroku/, "connection_terminated"],
  ["R14", /^Heroku/, "http_response_timeout"],
  ["UNAVAILABLE", /^gRPC/, "connection_refused"],
  ["RESOURCE_EXHAUSTED", /^gRPC/, "received_rate_limited"],
  ["EHOSTUNREACH", /^EHOSTUNREACH/, "destination_ip_unroutable"],
  ["EADDRNOTAVAIL", /^EADDRNOTAVAIL/, "local_resources_exhausted"],
  ["502.3", /IIS/, "connection_refused"],
  ["AH01079", /^Apache/, "connection_refused"],
  ["NGHTTP2_REFUSED_STREAM", /REFUSED_STREAM/, "stream_refused"],
  ["CrashLoopBackOff", /^Kubernetes/, "connection_refused"],
  ["FUNCTION_INVOCATION_TIMEOUT", /Vercel/, "http_response_timeout"],
  ["backend_early_response_with_non_error_status", /^Google/, "http_protocol_error"],
];

/** Go, Python, Java, and those who hand on what they say; platforms; orchestrators. */
const MORE_LINES: readonly Row[] = [
  [
    "read tcp 10.0.0.1:1->10.0.0.2:80: read: connection reset by peer",
    /^client l/,
    "connection_terminated",
  ],
  ['Get "http://x/": EOF', /EOF$/, "connection_terminated"],
  ["unexpected EOF", /unexpected EOF/, "http_response_incomplete"],
  ["dial tcp 10.0.0.1:80: i/o timeout", /i\/o timeout/, "connection_timeout"],
  ["dial tcp 10.0.0.1:80: connect: no route to host", /no route/, "destination_ip_unroutable"],
  ["dial tcp: lookup orders on 127.0.0.53:53: no such host", /no such host/, "dns_name_not_found"],
  ["dial tcp: lookup orders: server misbehaving", /misbehaving/, "dns_error"],
  [
    "net/http: request canceled (Client.Timeout exceeded while awaiting headers)",
    /awaiting/,
    "http_response_timeout",
  ],
  ["context deadline exceeded", /deadline/, "deadline_exceeded"],
  ["http: proxy error: context canceled", /canceled/, "client_closed_request"],
  ["http: server gave HTTP response to HTTPS client", /HTTPS/, "tls_protocol_error"],
  ["x509: certificate signed by unknown authority", /unknown authority/, "tls_certificate_error"],
  [
    "ConnectionError: ('Connection aborted.', RemoteDisconnected('Remote end closed connection'))",
    /Remote end/,
    "connection_terminated",
  ],
  ["[Errno 111] Connection refused", /refused/, "connection_refused"],
  [
    "requests.exceptions.ReadTimeout: Read timed out. (read timeout=5)",
    /Read timed out/,
    "http_response_timeout",
  ],
  ["java.net.SocketTimeoutException: Read timed out", /Read timed out/, "http_response_timeout"],
  ["java.net.SocketTimeoutException: connect timed out", /connect timed out/, "connection_timeout"],
  ["java.net.ConnectException: Connection refused", /refused/, "connection_refused"],
  [
    "org.apache.http.NoHttpResponseException: x:80 failed to respond",
    /NoHttp/,
    "connection_terminated",
  ],
  [
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed",
    /PKIX/,
    "tls_certificate_error",
  ],
  ["AxiosError: timeout of 5000ms exceeded", /Timeout/, "http_response_timeout"],
  ["14 UNAVAILABLE: Connection dropped", /^gRPC: 14 UNAVAILABLE$/, "connection_refused"],
  ["rpc error: code = DeadlineExceeded desc = stream terminated", /^gRPC: 4/, "deadline_exceeded"],
  ['at=error code=H18 desc="Server Request Interrupted"', /^Heroku/, "connection_reset_in_body"],
  ["2026-01-01 Task timed out after 3.00 seconds", /Lambda/, "http_response_timeout"],
  ["sc-status 502 3 12029", /12029/, "connection_refused"],
  ['{"level":"error","msg":"no upstreams available"}', /^Caddy/, "no_healthy_target"],
  ["'502 Bad Gateway' caused by: EOF", /^Traefik/, "stale_connection"],
  ["'504 Gateway Timeout' caused by: context deadline exceeded", /^Traefik/, "connection_timeout"],
  [
    "Readiness probe failed: HTTP probe failed with statuscode: 503",
    /^Kubernetes/,
    "no_healthy_target",
  ],
  [
    "Liveness probe failed: Get http://x: context deadline exceeded",
    /^Kubernetes/,
    "http_response_timeout",
  ],
  ['no endpoints available for service "orders"', /^Kubernetes/, "no_healthy_target"],
  ["Main process exited, code=exited, status=203/EXEC", /203/, "connection_refused"],
  ["PM2 | App [api:0] exited with code [1] via signal [SIGINT]", /PM2/, "connection_refused"],
  ["[CRITICAL] WORKER TIMEOUT (pid:12)", /^application server/, "connection_terminated"],
  ["curl: (55) Send failure: Broken pipe", /\(55\)/, "connection_terminated_while_sending"],
  ["curl: (92) HTTP/2 stream 1 was not closed cleanly", /92/, "stream_reset"],
  [
    "Server web/s1 is DOWN, reason: Layer4 timeout, check duration: 2001ms",
    /^HAProxy/,
    "connection_timeout",
  ],
  [
    "Server web/s1 is DOWN, reason: Layer6 timeout, check duration: 2001ms",
    /^HAProxy/,
    "tls_handshake_timeout",
  ],
  [
    "upstream timed out (110: Connection timed out) while SSL handshaking to upstream",
    /^nginx/,
    "tls_handshake_timeout",
  ],
  ['Get "https://a.test/": net/http: TLS handshake timeout', /handshake/, "tls_handshake_timeout"],
  ["ssl.SSLError: The handshake operation timed out", /handshake/, "tls_handshake_timeout"],
  ["backend 'web' has no server available!", /^HAProxy/, "no_healthy_target"],
  [
    "503 UC upstream_reset_before_response_started{connection_termination} - -",
    /termination/,
    "connection_terminated",
  ],
  [
    "upstream sent invalid chunked response while reading upstream",
    /^nginx/,
    "http_protocol_error",
  ],
  ["no resolver defined to resolve orders.internal", /^nginx/, "proxy_configuration_error"],
  ["Unexpected server response: 400", /handshake/, "upgrade_refused"],
];

describe.each([
  ["words", WORDS],
  ["lines of logs and stacks", LOG_LINES],
  ["heads of answers", HEADS],
  ["words of platforms", MORE_WORDS],
  ["lines of many languages", MORE_LINES],
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

  it("takes no plain word of a sentence for a term of its own", () => {
    expect(explain("the upstream of the proxy is odd for this client").explanations).toEqual([]);
  });

  it("offers for a sentence those that share words with it, for a code in it the nearest", () => {
    expect(explain("could never be upstream").guesses).toEqual([
      "could not be resolved / host not found in upstream",
    ]);
    expect(explain("it says ECONREFUSED today").guesses).toContain("ECONNREFUSED");
  });

  it("tells what many programs say only of a line that no program is known by", () => {
    const line = "connect() failed (111: Connection refused) while connecting to upstream";
    expect(explain(line).explanations.map(({ recognised }) => recognised)).toEqual([
      expect.stringMatching(/^nginx/),
    ]);
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
