/**
 * Requests that two readers could take for different ones: every way that is known of hiding a
 * request behind another one, or a field inside one, and some that only look like it.
 *
 * `{path}` stands for the path of the case, by which a request that reaches the upstream is told
 * apart; a hidden request asks for the same path with `/hidden` behind it.
 */

import { MORE_SMUGGLING } from "./more-cases.js";
import {
  CHUNKED,
  chunks,
  get,
  group,
  HIDDEN,
  HOST,
  line,
  PASSES,
  post,
  REFUSED,
  type SmugglingCase,
} from "./words.js";

const LENGTHS = group(
  "Content-Length",
  [
    ["two that differ", post("Content-Length: 5\r\nContent-Length: 0\r\n", `hello${HIDDEN}`)],
    ["a list", post("Content-Length: 5, 5\r\n", "hello")],
    ["a list that differs", post("Content-Length: 5, 0\r\n", `hello${HIDDEN}`)],
    ["a plus sign", post("Content-Length: +5\r\n", "hello")],
    ["a minus sign", post("Content-Length: -5\r\n", "hello")],
    ["an underscore", post("Content-Length: 5_0\r\n", "hello".repeat(10))],
    ["hexadecimal", post("Content-Length: 0x5\r\n", "hello")],
    ["a space inside", post("Content-Length: 1 5\r\n", "hello".repeat(3))],
    ["a fraction", post("Content-Length: 5.0\r\n", "hello")],
    ["an exponent", post("Content-Length: 1e1\r\n", "hellohello")],
    ["nothing", post("Content-Length: \r\n", HIDDEN)],
    ["a semicolon", post("Content-Length: 5;x\r\n", "hello")],
    ["more than 64 bits", post(`Content-Length: 18446744073709551621\r\n`, `hello${HIDDEN}`)],
    ["a vertical tab before it", post("Content-Length: \v5\r\n", "hello")],
    ["a space before the colon", post("Content-Length : 5\r\n", `hello${HIDDEN}`)],
    ["a tab before the colon", post("Content-Length\t: 5\r\n", `hello${HIDDEN}`)],
  ],
  REFUSED,
);

const MORE_LENGTHS = group("Content-Length", [
  ["two that are alike", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")],
  ["an underscore in the name", post("Content_Length: 5\r\n", "")],
  ["named in Connection", post("Connection: content-length\r\nContent-Length: 5\r\n", "hello")],
  ["leading zeros", post("Content-Length: 005\r\n", "hello")],
  ["spaces around it", post("Content-Length: \t 5 \t\r\n", "hello")],
  ["on a GET", get("Content-Length: 5\r\n", "hello"), PASSES],
  ["0, and a request behind it", post("Content-Length: 0\r\n", HIDDEN), { requests: 2 }],
]);

const BOTH = group(
  "Content-Length and Transfer-Encoding",
  [
    ["CL.TE", post(`Content-Length: 6\r\n${CHUNKED}`, `0\r\n\r\nG`)],
    ["CL.TE with a request", post(`Content-Length: 60\r\n${CHUNKED}`, `0\r\n\r\n${HIDDEN}`)],
    ["TE.CL", post(`${CHUNKED}Content-Length: 4\r\n`, `3d\r\n${HIDDEN.padEnd(61)}\r\n0\r\n\r\n`)],
    ["both, and they agree", post(`${CHUNKED}Content-Length: 15\r\n`, "5\r\nhello\r\n0\r\n\r\n")],
    ["both on a GET", get(`${CHUNKED}Content-Length: 0\r\n`, `0\r\n\r\n${HIDDEN}`)],
    ["the length hidden by a bare CR", post(`X: a\rContent-Length: 50\r\n${CHUNKED}`, "0\r\n\r\n")],
  ],
  REFUSED,
);

/** Bytes that are one request to who honours the coding, and two to who does not. */
const CODED = `0\r\n\r\n${HIDDEN}`;

function coding(value: string): string {
  return post(`Content-Length: 70\r\n${value}`, CODED.padEnd(70));
}

const CODINGS = group(
  "Transfer-Encoding",
  [
    ["two fields", post(`${CHUNKED}Transfer-Encoding: identity\r\n`, CODED)],
    ["two fields, the last is chunked", post(`Transfer-Encoding: x\r\n${CHUNKED}`, "0\r\n\r\n")],
    ["chunked twice", post("Transfer-Encoding: chunked, chunked\r\n", CODED)],
    ["identity", coding("Transfer-Encoding: identity\r\n")],
    ["gzip, chunked", coding("Transfer-Encoding: gzip, chunked\r\n")],
    ["chunked, gzip", coding("Transfer-Encoding: chunked, gzip\r\n")],
    ["xchunked", coding("Transfer-Encoding: xchunked\r\n")],
    ["chunkedx", coding("Transfer-Encoding: chunkedx\r\n")],
    ["in quotes", coding('Transfer-Encoding: "chunked"\r\n')],
    ["with a parameter", coding("Transfer-Encoding: chunked;q=0.5\r\n")],
    ["a vertical tab before it", coding("Transfer-Encoding: \vchunked\r\n")],
    ["a NUL behind it", coding("Transfer-Encoding: chunked\0\r\n")],
    ["a bare CR before it", coding("X: a\rTransfer-Encoding: chunked\r\n")],
    ["a bare LF before it", coding("X: a\nTransfer-Encoding: chunked\r\n")],
    ["a space before the colon", coding("Transfer-Encoding : chunked\r\n")],
    ["a space before the name", coding(" Transfer-Encoding: chunked\r\n")],
    ["folded", coding("Transfer-Encoding:\r\n chunked\r\n")],
    ["folded behind a name", coding("X: a\r\n Transfer-Encoding: chunked\r\n")],
    ["nothing", coding("Transfer-Encoding: \r\n")],
    ["in HTTP/1.0", `POST {path} HTTP/1.0\r\n${HOST}Content-Length: 70\r\n${CHUNKED}\r\n${CODED}`],
  ],
  REFUSED,
);

const MORE_CODINGS = group("Transfer-Encoding", [
  ["in capitals", post("Transfer-Encoding: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"), PASSES],
  ["an underscore in the name", coding("Transfer_Encoding: chunked\r\n")],
  [
    "named in Connection",
    post(`Connection: transfer-encoding\r\n${CHUNKED}`, "1\r\nx\r\n0\r\n\r\n"),
  ],
  ["on a GET", get(CHUNKED, "5\r\nhello\r\n0\r\n\r\n")],
  ["and a request behind it", post(CHUNKED, `0\r\n\r\n${HIDDEN}`), { requests: 2 }],
  ["TE: chunked", get("Connection: te\r\nTE: chunked, trailers\r\n"), PASSES],
]);

const CHUNKS = group(
  "chunks",
  [
    ["a plus sign", chunks("+5\r\nhello\r\n0\r\n\r\n")],
    ["a minus sign", chunks("-5\r\nhello\r\n0\r\n\r\n")],
    ["0x", chunks("0x5\r\nhello\r\n0\r\n\r\n")],
    ["an underscore", chunks("1_0\r\nhellohellohello1\r\n0\r\n\r\n")],
    ["a space before the size", chunks(" 5\r\nhello\r\n0\r\n\r\n")],
    ["more than 64 bits", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n")],
    ["63 bits", chunks("7fffffffffffffff\r\nhello\r\n0\r\n\r\n")],
    ["no size", chunks("\r\nhello\r\n0\r\n\r\n")],
    ["a bare LF behind the size", chunks("5\nhello\r\n0\r\n\r\n")],
    ["a bare CR behind the size", chunks("5\rhello\r\n0\r\n\r\n")],
    ["no line break behind the data", chunks("5\r\nhello0\r\n\r\n")],
    ["a bare LF behind the data", chunks("5\r\nhello\n0\r\n\r\n")],
    ["an extension with a bare LF", chunks(`5;a\nb\r\nhello\r\n0\r\n\r\n`)],
    ["an extension with a bare CR", chunks(`5;a\rb\r\nhello\r\n0\r\n\r\n`)],
    ["an extension with a NUL", chunks(`5;a=\0\r\nhello\r\n0\r\n\r\n`)],
    ["a trailer with a bare LF", chunks(`0\r\nx: a\nGET {path}/hidden HTTP/1.1\r\n\r\n`)],
    ["a trailer that is folded", chunks("0\r\nx: a\r\n b\r\n\r\n")],
    ["a trailer without a colon", chunks(`0\r\nGET {path}/hidden HTTP/1.1\r\n\r\n`)],
    ["longer than announced", chunks(`3\r\nhello\r\n0\r\n\r\n`)],
  ],
  REFUSED,
);

const MORE_CHUNKS = group("chunks", [
  ["an extension", chunks("5;a=b\r\nhello\r\n0\r\n\r\n")],
  ["an extension in quotes", chunks('5;a="b;c"\r\nhello\r\n0;x\r\n\r\n')],
  ["a space behind the size", chunks("5 \r\nhello\r\n0\r\n\r\n")],
  ["leading zeros", chunks("0000005\r\nhello\r\n000\r\n\r\n")],
  ["a trailer", chunks("5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n")],
  ["a length in the trailer", chunks("0\r\nContent-Length: 50\r\n\r\n")],
  ["a coding in the trailer", chunks("0\r\nTransfer-Encoding: chunked\r\n\r\n")],
  ["a Host in the trailer", chunks("0\r\nHost: evil.example\r\n\r\n")],
]);

const LINES = group(
  "lines and fields",
  [
    ["a bare LF behind a field", `GET {path} HTTP/1.1\r\n${HOST}X: a\nY: b\r\n\r\n`],
    ["a bare CR in a value", get("X: a\rY: b\r\n")],
    ["a NUL in a value", get("X: a\0b\r\n")],
    ["folded", get("X: a\r\n b\r\n")],
    ["folded before the first field", `GET {path} HTTP/1.1\r\n ${HOST}\r\n`],
    ["no name", get(": a\r\n")],
    ["no colon", get("nonsense\r\n")],
    ["a space in the name", get("X Y: a\r\n")],
    ["a control character in the name", get("X\x01Y: a\r\n")],
    ["a line break in X-Request-Id", get("X-Request-Id: a\rX-Admin: 1\r\n")],
    ["a line break in X-Forwarded-For", get("X-Forwarded-For: 1.2.3.4\n X-Admin: 1\r\n")],
    ["bare LF all over", `GET {path} HTTP/1.1\nHost: edge.example\n\n`],
  ],
  REFUSED,
);

const FIELDS = group("lines and fields", [
  ["obs-text in a value", get("X: \xe4\xf6\r\n")],
  ["a tab in a value", get("X: a\tb\r\n"), PASSES],
  ["Connection names Host", get("Connection: host\r\n"), PASSES],
  [
    "Connection names Authorization",
    get("Connection: authorization\r\nAuthorization: x\r\n"),
    PASSES,
  ],
  [
    "Keep-Alive, Proxy-Connection",
    get("Keep-Alive: 1\r\nProxy-Connection: keep-alive\r\n"),
    PASSES,
  ],
  ["an empty line before the request", `\r\n${get("")}`],
  ["Expect with a body", post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello")],
  ["Expect of something else", post("Expect: x\r\nContent-Length: 5\r\n", "hello")],
]);

const TARGETS = group(
  "request line",
  [
    ["a space in the path", line("GET {path} /x HTTP/1.1")],
    ["a tab in the path", line("GET {path}\t/x HTTP/1.1")],
    ["a NUL in the path", line("GET {path}\0 HTTP/1.1")],
    ["a bare CR in the path", line("GET {path}\rX: a HTTP/1.1")],
    ["two versions", line("GET {path} HTTP/1.1 HTTP/1.1")],
    ["HTTP/0.9", "GET {path}\r\n\r\n"],
    ["HTTP/2.0", line("GET {path} HTTP/2.0")],
    ["HTTP/1.10", line("GET {path} HTTP/1.10")],
    ["http/1.1", line("GET {path} http/1.1")],
    ["a method with a colon", line("GE:T {path} HTTP/1.1")],
    ["a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["an authority with a user", line("GET http://a@edge.example{path} HTTP/1.1")],
    ["CONNECT", `CONNECT edge.example:443 HTTP/1.1\r\n${HOST}\r\n`],
    ["a path without a slash", line("GET x{path} HTTP/1.1")],
    ["a path above the root", line("GET /..{path} HTTP/1.1")],
  ],
  REFUSED,
);

const MORE_TARGETS = group("request line", [
  ["a line break as %0d%0a", line("GET {path}?a=%0d%0aX-Admin:%201 HTTP/1.1"), PASSES],
  ["absolute-form", line("GET http://edge.example{path} HTTP/1.1")],
  ["absolute-form, another Host", line("GET http://other.example{path} HTTP/1.1")],
  ["two slashes", line("GET //evil.example{path} HTTP/1.1")],
  ["a fragment", line("GET {path}#x HTTP/1.1")],
  ["a backslash", line("GET {path}\\x HTTP/1.1")],
  ["obs-text in the path", line("GET {path}\xe4 HTTP/1.1")],
  ["OPTIONS *", line("OPTIONS * HTTP/1.1")],
  ["TRACE with a body", `TRACE {path} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`],
  ["HEAD with a body", `HEAD {path} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`],
  ["two requests at once", `${get("")}${HIDDEN}`, { requests: 2 }],
]);

const HOSTS = group(
  "Host",
  [
    ["two", `GET {path} HTTP/1.1\r\n${HOST}Host: evil.example\r\n\r\n`],
    ["none", "GET {path} HTTP/1.1\r\n\r\n"],
    ["a path in it", line("GET {path} HTTP/1.1", "Host: edge.example/x\r\n")],
    ["a user in it", line("GET {path} HTTP/1.1", "Host: a@edge.example\r\n")],
    ["a space in it", line("GET {path} HTTP/1.1", "Host: edge.example evil.example\r\n")],
    ["a list", line("GET {path} HTTP/1.1", "Host: edge.example, evil.example\r\n")],
    ["a folded one", line("GET {path} HTTP/1.1", "Host: edge.example\r\n evil.example\r\n")],
  ],
  REFUSED,
);

const WS = "Connection: upgrade\r\nUpgrade: websocket\r\n";
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/** The upstream switches protocols for nobody: what follows must not reach it over a tunnel. */
const UPGRADES = group("upgrade that is refused", [
  ["WebSocket", get(`${WS}${KEY}`)],
  ["a wrong version", get(`${WS}${KEY.replace("13", "777")}`)],
  ["with a request behind it at once", get(`${WS}${KEY}`, HIDDEN), { requests: 3 }],
  ["with a length", get(`${WS}${KEY}Content-Length: 5\r\n`, "hello")],
  ["with chunks", post(`${WS}${CHUNKED}`, "0\r\n\r\n")],
  ["h2c", get("Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n")],
  ["TLS", get("Connection: upgrade\r\nUpgrade: TLS/1.0\r\n")],
  ["with a line break in Upgrade", get("Connection: upgrade\r\nUpgrade: a\rX: b\r\n")],
]).map((one) => ({ requests: 2, ...one, after: HIDDEN }));

export const SMUGGLING: readonly SmugglingCase[] = [
  ...LENGTHS,
  ...MORE_LENGTHS,
  ...BOTH,
  ...CODINGS,
  ...MORE_CODINGS,
  ...CHUNKS,
  ...MORE_CHUNKS,
  ...LINES,
  ...FIELDS,
  ...TARGETS,
  ...MORE_TARGETS,
  ...HOSTS,
  ...UPGRADES,
  ...MORE_SMUGGLING,
];
