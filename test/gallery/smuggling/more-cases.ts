/**
 * Further ways to be two things to two readers: what parsers are known to forgive at the edges of
 * lists, chunks, lines and names, and fields that a proxy copies into what it sends.
 */
import { CHUNKED, chunks, get, group, HIDDEN, HOST, line, PASSES, post, REFUSED } from "./words.js";

const EDGES = group(
  "edges of framing",
  [
    ["a length with a comma behind it", post("Content-Length: 5,\r\n", "hello")],
    ["a length with a comma before it", post("Content-Length: ,5\r\n", "hello")],
    ["a length with a NUL behind it", post("Content-Length: 5\0\r\n", "hello")],
    ["a length with a form feed before it", post("Content-Length: \f5\r\n", "hello")],
    ["a length with a no-break space", post("Content-Length: \xa05\r\n", "hello")],
    ["a length in digits of another script", post("Content-Length: \xef\xbc\x95\r\n", "hello")],
    ["a length in octal", post("Content-Length: 0o5\r\n", "hello")],
    ["a length with a comment", post("Content-Length: 5 (five)\r\n", "hello")],
    ["a length in quotes", post('Content-Length: "5"\r\n', "hello")],
    ["a length that is folded", post("Content-Length: 5\r\n 0\r\n", "hello")],
    ["a length that is folded away", post("Content-Length:\r\n\t5\r\n", "hello")],
    ["a length behind a bare CR", post("Content-Length:\r5\r\n", "hello")],
    [
      "a length twice, in two spellings",
      post("Content-Length: 5\r\ncontent-length: 0\r\n", "hello"),
    ],
    ["a coding with a comma behind it", post("Transfer-Encoding: chunked,\r\n", "0\r\n\r\n")],
    ["a coding with a comma before it", post("Transfer-Encoding: ,chunked\r\n", "0\r\n\r\n")],
    ["a coding with a form feed", post("Transfer-Encoding: \fchunked\r\n", "0\r\n\r\n")],
    ["a coding with a no-break space", post("Transfer-Encoding: chunked\xa0\r\n", "0\r\n\r\n")],
    ["a coding with a Kelvin sign", post("Transfer-Encoding: chun\xe2\x84\xaaed\r\n", "0\r\n\r\n")],
    ["a coding with a comment", post("Transfer-Encoding: chunked (x)\r\n", "0\r\n\r\n")],
    ["a coding in two spellings", post(`${CHUNKED}transfer-encoding: cow\r\n`, "0\r\n\r\n")],
    ["a coding whose name has a NUL", post("Transfer-Encoding\0: chunked\r\n", "0\r\n\r\n")],
    [
      "a coding and a length in one line",
      post("X: a\r\nContent-Length: 6 \rTransfer-Encoding: chunked\r\n", "0\r\n\r\nG"),
    ],
  ],
  REFUSED,
);

const CHUNK_EDGES = group(
  "edges of chunks",
  [
    ["a hidden request in an extension", chunks(`0;a\n${HIDDEN}\r\n\r\n`)],
    ["a line break in quotes", chunks(`5;a="\r\n0\r\n\r\n${HIDDEN}"\r\nhello\r\n0\r\n\r\n`)],
    ["a tab before the size", chunks("\t5\r\nhello\r\n0\r\n\r\n")],
    ["a comma behind the size", chunks("5,5\r\nhello\r\n0\r\n\r\n")],
    ["a NUL behind the size", chunks("5\0\r\nhello\r\n0\r\n\r\n")],
    ["a letter that is no digit", chunks("5g\r\nhello\r\n0\r\n\r\n")],
    ["a size in quotes", chunks('"5"\r\nhello\r\n0\r\n\r\n')],
    ["two CR behind the size", chunks("5\r\r\nhello\r\n0\r\n\r\n")],
    ["a bare CR behind the data", chunks("5\r\nhello\r0\r\n\r\n")],
    ["other bytes in place of a line break", chunks("5\r\nhelloXX0\r\n\r\n")],
    ["a bare LF behind the last", chunks("5\r\nhello\r\n0\n\r\n")],
    ["a bare LF as the end", chunks(`5\r\nhello\r\n0\r\n\n${HIDDEN}`)],
    ["a bare CR as the end", chunks(`5\r\nhello\r\n0\r\n\r${HIDDEN}`)],
    ["a trailer with a space in its name", chunks("0\r\nTransfer-Encoding : chunked\r\n\r\n")],
    ["a trailer with a NUL", chunks("0\r\nx: a\0b\r\n\r\n")],
    ["a trailer without a name", chunks("0\r\n: a\r\n\r\n")],
    ["a trailer behind a space", chunks("0\r\n x: a\r\n\r\n")],
  ],
  REFUSED,
);

const LINE_EDGES = group(
  "edges of lines",
  [
    ["a space before the method", line(" GET {path} HTTP/1.1")],
    ["a NUL before the method", line("\0GET {path} HTTP/1.1")],
    ["a tab behind the method", line("GET\t{path} HTTP/1.1")],
    ["a tab before the version", line("GET {path}\tHTTP/1.1")],
    ["a space behind the version", line("GET {path} HTTP/1.1 ")],
    ["a vertical tab before the version", line("GET {path}\vHTTP/1.1")],
    ["a version with a comma", line("GET {path} HTTP/1,1")],
    ["a version of three numbers", line("GET {path} HTTP/1.1.1")],
    ["a version with a zero before it", line("GET {path} HTTP/01.1")],
    ["another protocol", line("GET {path} ICY/1.1")],
    ["an authority as the target", line("GET edge.example:80 HTTP/1.1")],
    ["a star as the target", line("GET * HTTP/1.1")],
    ["an absolute target without a host", line("GET http://{path} HTTP/1.1")],
    [
      "an absolute target with a port and a user",
      line("GET http://edge.example:80@evil.example{path} HTTP/1.1"),
    ],
    ["an absolute target of another scheme", line("GET file://{path} HTTP/1.1")],
    ["an encoded way above the root", line("GET /%2e%2e%2f{path} HTTP/1.1")],
    ["a field before the request line", `X: a\r\n${get("")}`],
    [
      "a Host with a space before the colon",
      line("GET {path} HTTP/1.1", "Host : edge.example\r\n"),
    ],
    ["a Host with a NUL", line("GET {path} HTTP/1.1", "Host: edge.example\0\r\n")],
    ["two Hosts that are alike", line("GET {path} HTTP/1.1", `${HOST}${HOST}`)],
    ["two Hosts in two spellings", line("GET {path} HTTP/1.1", `${HOST}hOST: evil.example\r\n`)],
    ["a Host in HTTP/1.0, twice", line("GET {path} HTTP/1.0", `${HOST}Host: evil.example\r\n`)],
    [
      "a Host and an absolute target, twice",
      line("GET http://a.example{path} HTTP/1.1", `${HOST}Host: b\r\n`),
    ],
    ["a Host with a fragment", line("GET {path} HTTP/1.1", "Host: edge.example#@evil.example\r\n")],
    ["a Host with a backslash", line("GET {path} HTTP/1.1", "Host: edge.example\\x\r\n")],
  ],
  REFUSED,
);

// RFC 9112 §3: a reader may take any white space of a line for one; what is sent on has one.
const MORE_LINE_EDGES = group("edges of lines", [
  ["two spaces behind the method", line("GET  {path} HTTP/1.1")],
  ["two spaces before the version", line("GET {path}  HTTP/1.1")],
]);

const PLAIN = "GET /hidden HTTP/1.1\r\nHost: edge.example\r\n\r\n";

/** What is copied, judged or continued on the way; the request is one, and stays one. */
const COPIED = group(
  "fields that are copied",
  [
    [
      "a Connection that names what we write",
      get("Connection: via, forwarded, x-forwarded-for, x-request-id\r\n"),
    ],
    ["a Connection that names itself", get("Connection: connection, close\r\n")],
    ["a Connection that names nothing", get("Connection: ,,\r\n")],
    ["an Upgrade that Connection does not name", get("Upgrade: websocket\r\n")],
    ["a Connection that names no Upgrade", get("Connection: upgrade\r\n")],
    ["Trailer", post(`${CHUNKED}Trailer: content-length\r\n`, "5\r\nhello\r\n0\r\n\r\n")],
    ["a request id with markup", get('X-Request-Id: "><script>\r\n')],
    ["a request id without end", get(`X-Request-Id: ${"a".repeat(4_000)}\r\n`)],
    ["two request ids", get("X-Request-Id: a\r\nX-Request-Id: b\r\n")],
    ["a Forwarded with an open quote", get('Forwarded: for="evil\r\n')],
    ["a Forwarded with a host", get("Forwarded: for=evil;host=evil.example;proto=https\r\n")],
    ["an X-Forwarded-Host of two", get("X-Forwarded-Host: a.example, b.example\r\n")],
    ["an X-Forwarded-Proto that is none", get("X-Forwarded-Proto: javascript\r\n")],
    ["an X-Original-URL", get("X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\n")],
    ["a method override", post("X-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n", "")],
    ["a Via with quotes", get('Via: 1.1 "a, b" (c\\)\r\n')],
    ["underscores in names", get("X_Forwarded_For: 6.6.6.6\r\nContent_Type: x\r\n")],
    ["a traceparent that is none", get("traceparent: 00-x\r\n")],
    ["a cookie with quotes and commas", get('Cookie: a="b; c", d=e\r\n')],
    ["an empty value", get("X:\r\n")],
    ["a value of 8 KiB", get(`X: ${"a".repeat(8_192)}\r\n`)],
    ["a hundred fields", get("X: a\r\n".repeat(100))],
    ["a Host in capitals with a port", line("GET {path} HTTP/1.1", "HOST: EDGE.example:8080\r\n")],
    ["an encoded NUL in the path", line("GET {path}%00 HTTP/1.1")],
    ["an encoded line break in the path", line("GET {path}%0d%0aHost:%20evil HTTP/1.1")],
    ["a doubly encoded way above the root", line("GET {path}%252e%252e%252f HTTP/1.1")],
    ["parameters in the path", line("GET {path};a=b/x;c HTTP/1.1")],
    ["an absolute target of https", line("GET https://edge.example{path} HTTP/1.1")],
    ["a body on DELETE", `DELETE {path} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`],
    ["a body on OPTIONS", `OPTIONS {path} HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`],
    ["a body that is a request", post(`Content-Length: ${PLAIN.length}\r\n`, PLAIN)],
  ],
  PASSES,
);

export const MORE_SMUGGLING = [
  ...EDGES,
  ...CHUNK_EDGES,
  ...LINE_EDGES,
  ...MORE_LINE_EDGES,
  ...COPIED,
];
