/**
 * Answers whose head violates RFC 9110 or RFC 9112, or looks as if it did.
 */
import { type Bytes, OK, POISON, type Verdict, WORKS } from "./fault.js";

type End = Bytes["end"];
const BODY = "content-length: 2\r\n\r\nok";

function bad(
  name: string,
  text: string,
  end: End = "hang",
  allowed: readonly Verdict[] = [502],
): Bytes {
  return { name, text, end, allowed };
}

function good(name: string, text: string, end: End = "hang", status = 200): Bytes {
  return { name, text, end, allowed: [status] };
}

const STATUS_LINES: readonly Bytes[] = [
  good("no reason and no space before it", `HTTP/1.1 200\r\n${BODY}`),
  good("an empty reason", `HTTP/1.1 200 \r\n${BODY}`),
  good("a reason in latin1", `HTTP/1.1 200 Gr\xfc\xdfe\r\n${BODY}`),
  good("HTTP/1.0", `HTTP/1.0 200 OK\r\n${BODY}`),
  ...[
    "HTTP/1.1 99 X",
    "HTTP/1.1 000 X",
    "HTTP/1.1 600 X",
    "HTTP/1.1 999 X",
    "HTTP/1.1 20 X",
    "HTTP/1.1 2000 X",
    "HTTP/1.1 0200 X",
    "HTTP/1.1 20x X",
    "HTTP/1.1 -200 X",
    "HTTP/1.1 +200 X",
    "HTTP/1.1 2e2 X",
    "HTTP/1.1  X",
    "HTTP/1.1 ",
    "HTTP/1.1",
    "HTTP/1.1 200OK",
    "HTTP/1.1  200 OK",
    "HTTP/1.1\t200\tOK",
    " HTTP/1.1 200 OK",
    "HTTP/1.1 200 O\0K",
    "HTTP/1.1 200 O\x01K",
    "HTTP/1.1 200 O\x7fK",
    "HTTP/1.1 200 O\rK",
    "http/1.1 200 OK",
    "HTTP/2.0 200 OK",
    "HTTP/2 200",
    "HTTP/3 200",
    "HTTP/9.9 200 OK",
    "HTTP/0.9 200 OK",
    "HTTP/1 200 OK",
    "HTTP/1. 200 OK",
    "HTTP/1.10 200 OK",
    "HTTP/01.1 200 OK",
    "HTTP/1,1 200 OK",
    "HTTP /1.1 200 OK",
    "HTTPS/1.1 200 OK",
    "ICY 200 OK",
    "RTSP/1.0 200 OK",
    "GET / HTTP/1.1",
    "\xef\xbb\xbfHTTP/1.1 200 OK",
  ].map((line) => bad(`the status line ${JSON.stringify(line)}`, `${line}\r\n${BODY}`)),
  bad("an empty line before the status line", `\r\n${WORKS}`),
  // RFC 9110 §2.5 lets a higher minor version be read as ours; nobody has ever seen one.
  { ...bad("HTTP/1.2", `HTTP/1.2 200 OK\r\n${BODY}`), allowed: [200, 502] },
];

const NO_HTTP: readonly Bytes[] = [
  bad("text", "this is not http at all\r\n\r\n"),
  bad("text without an end of line", "garbage"),
  bad("a single byte", "\0"),
  bad("bytes", "\0\x01\x02\x03\xff\xfe\0\0\n\r\n"),
  bad("an SSH server", "SSH-2.0-OpenSSH_9.2p1\r\n"),
  bad("an SMTP server", "220 mail.example ESMTP\r\n"),
  bad("a Redis server", "-ERR unknown command 'GET'\r\n"),
  bad("a MySQL server", "J\0\0\0\n8.0.36\0\x08\0\0\0"),
  bad("HTTP/2 settings", "\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0d"),
  bad("the HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  bad("a TLS alert", "\x15\x03\x01\0\x02\x02F", "close"),
  bad("a TLS server hello", "\x16\x03\x03\0\x05\x02\0\0\x01\0"),
  bad("HTTP/0.9", "<html><body>hello</body></html>", "close"),
  bad("empty lines only", "\r\n\r\n\r\n\r\n"),
];

function field(line: string): string {
  return `${OK}${line}\r\n${BODY}`;
}

const FIELDS: readonly Bytes[] = [
  ...[
    "nocolon",
    "x : y",
    "x\t: y",
    ": y",
    "x y: z",
    "x(: y",
    'x"y: z',
    "x/y: z",
    "x@y: z",
    "[x]: y",
    "\xfcx: y",
    "x\0: y",
    "x: a\0b",
    "x: a\x01b",
    "x: a\x0bb",
    "x: a\x7fb",
    "x: a\rb: c",
    "x: a\r\r\nb: c",
    "x: a\nb: c",
    "x: a\r\n b",
    "x: a\r\n\tb",
    " x: a",
    "\tx: a",
  ].map((line) => bad(`the field line ${JSON.stringify(line)}`, field(line))),
  good("a value in UTF-8", field("x-name: \xc3\xbc")),
  good("no space after the colon", field("x:y")),
  good("an empty value", field("x:")),
  good("tabs around a value", field("x:\t y \t")),
  good("names that objects have", field("__proto__: x\r\nconstructor: y\r\ntoString: z")),
  good("a field twice", field("set-cookie: a=1\r\nset-cookie: b=2")),
  good("a keep-alive of zero", field("keep-alive: timeout=0, max=0")),
  good("a keep-alive without sense", field("keep-alive: timeout=-1; x=%00")),
  good("a trailer field without trailers", field("trailer: x-t")),
  good("a Connection that names the length", field("connection: content-length")),
  good("a Connection that names itself", field("connection: connection, close")),
  good("a forged Proxy-Status", field(`proxy-status: edge; error=${POISON}`)),
  good("a field of its own hop", field(`connection: x-secret\r\nx-secret: ${POISON}`)),
  good(
    "hop-by-hop fields",
    field(`proxy-connection: ${POISON}\r\nupgrade: ${POISON}\r\nte: ${POISON}`),
  ),
  // RFC 9112 §2.2 lets a bare LF be read as an end of line, which two readers may do differently.
  bad("bare line feeds", "HTTP/1.1 200 OK\ncontent-length: 2\n\nok"),
  bad("one bare line feed", `HTTP/1.1 200 OK\r\nx: y\n${BODY}`),
  bad("a bare line feed at the end", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\nok"),
  bad("a section of 40 KB", field("x-a: ".concat("b".repeat(1_000), "\r\n").repeat(40).trimEnd())),
  bad("a line of 70 KB", field(`x-a: ${"b".repeat(70_000)}`)),
  bad("a name of 20 KB", field(`${"n".repeat(20_000)}: v`)),
  bad("2000 fields", field("x: y\r\n".repeat(2_000).trimEnd())),
  bad("300 short fields", field("a:b\r\n".repeat(300).trimEnd())),
  bad("a reason of 40 KB", `HTTP/1.1 200 ${"r".repeat(40_000)}\r\n${BODY}`),
];

const CUT_HEADS: readonly Bytes[] = [
  ...(["close", "reset"] as const).flatMap((end) => [
    bad(`no byte, then ${end}`, "", end),
    bad(`part of the status line, then ${end}`, "HTTP/1.1 20", end),
    bad(`part of a field, then ${end}`, `${OK}content-le`, end),
    bad(`no empty line, then ${end}`, `${OK}content-length: 2\r\n`, end),
    bad(`half an empty line, then ${end}`, `${OK}content-length: 2\r\n\r`, end),
    bad(`an interim answer, then ${end}`, "HTTP/1.1 100 Continue\r\n\r\n", end),
    bad(`early hints, then ${end}`, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", end),
    bad(`half an interim answer, then ${end}`, "HTTP/1.1 103 Early H", end),
  ]),
  ...[
    ["no byte", ""],
    ["one letter", "H"],
    ["part of the status line", "HTTP/1.1 20"],
    ["part of a field", `${OK}content-le`],
    ["half an empty line", `${OK}content-length: 2\r\n\r`],
    ["an interim answer", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["a bare CR", `${OK}x: y\r`],
  ].map(([name = "", text = ""]) => bad(`${name}, then silence`, text, "hang", [504])),
];

const INTERIM: readonly Bytes[] = [
  good("100, then the answer", `HTTP/1.1 100 Continue\r\n\r\n${WORKS}`),
  good("103, then the answer", `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${WORKS}`),
  good("an interim status that nobody knows", `HTTP/1.1 199 Odd\r\nx: y\r\n\r\n${WORKS}`),
  good("several interim answers", `${"HTTP/1.1 102 Processing\r\n\r\n".repeat(5)}${WORKS}`),
  bad("too many interim answers", `${"HTTP/1.1 102 Processing\r\n\r\n".repeat(200)}${WORKS}`),
  bad(
    "an interim answer with a body",
    `HTTP/1.1 100 Continue\r\ncontent-length: 5\r\n\r\nhello${WORKS}`,
  ),
  bad("a broken interim answer", `HTTP/1.1 100 Continue\r\nno colon\r\n\r\n${WORKS}`),
  bad(
    "an interim answer above the limit",
    `HTTP/1.1 103 X\r\nx: ${"y".repeat(40_000)}\r\n\r\n${WORKS}`,
  ),
  bad(
    "101 unasked",
    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
  ),
  bad("101 without fields", "HTTP/1.1 101 Switching Protocols\r\n\r\n"),
  bad("101 after 100", `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 X\r\n\r\n${WORKS}`),
  bad("garbage after 100", "HTTP/1.1 100 Continue\r\n\r\ngarbage\r\n\r\n"),
];

export const HEADS: readonly Bytes[] = [
  ...STATUS_LINES,
  ...NO_HTTP,
  ...FIELDS,
  ...CUT_HEADS,
  ...INTERIM,
];
