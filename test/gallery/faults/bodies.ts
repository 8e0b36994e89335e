/**
 * Answers that contradict themselves about where they end, and bodies that do not end as promised.
 * RFC 9112 §6 and §7; what is in doubt is refused, since two readers would not agree about it.
 */
import { type Bytes, OK, POISON, type Verdict, WORKS } from "./fault.js";

type End = Bytes["end"];
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;
/** When the head is out, the client's connection is cut; otherwise it gets a failure. */
const BROKEN: readonly Verdict[] = [502, "cut"];
/**
 * Odd but harmless; refusing it is right as well, and so is a broken answer that is shown as
 * broken.
 */
const EITHER: readonly Verdict[] = [200, 502, "cut"];

function bad(
  name: string,
  text: string,
  end: End = "hang",
  allowed: readonly Verdict[] = [502],
): Bytes {
  return { name, text, end, allowed };
}

function broken(name: string, text: string, end: End = "hang"): Bytes {
  return { name, text, end, allowed: BROKEN };
}

function good(name: string, text: string, end: End = "hang", status = 200): Bytes {
  return { name, text, end, allowed: [status] };
}

function length(value: string): string {
  return `${OK}content-length: ${value}\r\n\r\nhello`;
}

function coding(value: string): string {
  return `${OK}transfer-encoding: ${value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`;
}

const LENGTHS: readonly Bytes[] = [
  ...[
    "5, 5",
    "5,5",
    "5, 6",
    "-5",
    "-0",
    "+5",
    "0x5",
    "5 5",
    "5;q=1",
    "1e1",
    "5.0",
    "abc",
    "",
    '"5"',
    "\xb2",
    "Infinity",
    "99999999999999999999",
    "18446744073709551621",
  ].map((value) => bad(`the length ${JSON.stringify(value)}`, length(value))),
  good("a length with zeros in front", length("0005")),
  good("a length with spaces around", length("  5 \t")),
  bad("two lengths that differ", `${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`),
  bad(
    "two lengths that differ in the case of their names",
    `${OK}content-length: 5\r\nContent-Length: 6\r\n\r\nhello`,
  ),
  // RFC 9112 §6.3 allows to take the same value once.
  {
    ...bad("a length twice", `${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`),
    allowed: [200, 502],
  },
  bad(
    "a length and chunks",
    `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  bad(
    "chunks and a length",
    `${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
  ),
  bad(
    "chunks and a length of the chunks",
    `${OK}transfer-encoding: chunked\r\ncontent-length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
];

const CODINGS: readonly Bytes[] = [
  ...[
    "gzip, chunked",
    "chunked, gzip",
    "gzip",
    "identity",
    "identity, chunked",
    "chunked, identity",
    "chunked, chunked",
    ", chunked",
    "chunked,",
    "chunked;q=1",
    "xchunked",
    "x-chunked",
    '"chunked"',
    "chunk",
    "\x0bchunked",
    "",
  ].map((value) => bad(`the coding ${JSON.stringify(value)}`, coding(value), "close")),
  good("a coding in capitals", coding("CHUNKED")),
  good("a coding with spaces around", coding(" \tchunked\t ")),
  bad(
    "chunked in two fields",
    `${OK}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  bad(
    "two codings in two fields",
    `${OK}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ),
  bad(
    "chunks in HTTP/1.0",
    "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "close",
  ),
];

function chunks(text: string): string {
  return CHUNKED + text;
}

const CHUNKS: readonly Bytes[] = [
  good("chunks", chunks("5\r\nhello\r\n0\r\n\r\n")),
  good("a chunk size in capitals", chunks("A\r\n0123456789\r\n0\r\n\r\n")),
  good("a chunk size with zeros in front", chunks("0005\r\nhello\r\n0\r\n\r\n")),
  good("a last chunk of several zeros", chunks("5\r\nhello\r\n000\r\n\r\n")),
  good("a chunk extension", chunks("5;a=b\r\nhello\r\n0\r\n\r\n")),
  good("no chunk but the last", chunks("0\r\n\r\n")),
  good("trailers", chunks("5\r\nhello\r\n0\r\nx-t: 1\r\n\r\n")),
  good("a trailer that may not be one", chunks(`5\r\nhello\r\n0\r\nset-cookie: ${POISON}\r\n\r\n`)),
  {
    ...broken("a length in the trailers", chunks("5\r\nhello\r\n0\r\ncontent-length: 9\r\n\r\n")),
    allowed: EITHER,
  },
  {
    ...broken("a coding in the trailers", chunks("0\r\ntransfer-encoding: chunked\r\n\r\n")),
    allowed: EITHER,
  },
  ...[
    "ZZ",
    "-5",
    "+5",
    "0x5",
    " 5",
    "",
    ";a=b",
    "5,5",
    "5.0",
    "\0",
    "FFFFFFFFFFFFFFFFF",
    "FFFFFFFFFFFFFFFF",
    "8000000000000000",
    "5\r",
  ].map((size) =>
    broken(`the chunk size ${JSON.stringify(size)}`, chunks(`${size}\r\nhello\r\n0\r\n\r\n`)),
  ),
  { ...broken("a space after a chunk size", chunks("5 \r\nhello\r\n0\r\n\r\n")), allowed: EITHER },
  { ...broken("line feeds in chunks", chunks("5\nhello\n0\n\n")), allowed: BROKEN },
  {
    ...broken("an extension of 200 KB", chunks(`5;a=${"b".repeat(200_000)}\r\nhello\r\n0\r\n\r\n`)),
    allowed: EITHER,
  },
  {
    ...broken("a bare LF in an extension", chunks("5;a\nb\r\nhello\r\n0\r\n\r\n")),
    allowed: BROKEN,
  },
  broken("no line end after a chunk", chunks("5\r\nhelloXX0\r\n\r\n")),
  broken("a chunk longer than said", chunks("3\r\nhello\r\n0\r\n\r\n")),
  broken("a chunk shorter than said", chunks("9\r\nhello\r\n0\r\n\r\n"), "close"),
  broken("a second chunk that is none", chunks("5\r\nhello\r\nXX\r\n")),
  broken("garbage after a chunk", chunks("5\r\nhello\r\ngarbage")),
  broken("an answer in place of a chunk", chunks(`5\r\nhello\r\n${WORKS}`)),
  broken("trailers of 100 KB", chunks(`5\r\nhello\r\n0\r\nx-t: ${"1".repeat(100_000)}\r\n\r\n`)),
  broken("a trailer without a colon", chunks("5\r\nhello\r\n0\r\nbad trailer\r\n\r\n")),
  broken("a trailer that is folded", chunks("5\r\nhello\r\n0\r\nx: a\r\n b: c\r\n\r\n")),
  broken("a trailer with a NUL", chunks("5\r\nhello\r\n0\r\nx: a\0b\r\n\r\n")),
  broken("a trailer with a bare CR", chunks("5\r\nhello\r\n0\r\nx: a\rb\r\n\r\n")),
  ...(["close", "reset", "hang"] as const)
    .flatMap((end) => [
      broken(`within a chunk size, then ${end}`, chunks("5"), end),
      broken(`within a chunk, then ${end}`, chunks("5\r\nhel"), end),
      broken(`between chunks, then ${end}`, chunks("5\r\nhello\r\n"), end),
      broken(`within the last chunk, then ${end}`, chunks("5\r\nhello\r\n0\r\n"), end),
      broken(
        `half a line end after the last chunk, then ${end}`,
        chunks("5\r\nhello\r\n0\r\n\r"),
        end,
      ),
      broken(`within trailers, then ${end}`, chunks("5\r\nhello\r\n0\r\nx-t: 1\r\n"), end),
      broken(`before any chunk, then ${end}`, CHUNKED, end),
    ])
    .map((one) => (one.end === "hang" ? { ...one, allowed: ["cut", 504] as const } : one)),
];

const SHORT: readonly Bytes[] = [
  ...(["close", "reset"] as const).flatMap((end) => [
    broken(`a body too short, then ${end}`, `${OK}content-length: 100\r\n\r\nhello`, end),
    broken(`no body, then ${end}`, `${OK}content-length: 100\r\n\r\n`, end),
    broken(
      `a body too short before an announced close, then ${end}`,
      `${OK}connection: close\r\ncontent-length: 100\r\n\r\nhello`,
      end,
    ),
  ]),
  {
    ...broken("a body too short, then silence", `${OK}content-length: 100\r\n\r\nhello`),
    allowed: ["cut", 504],
  },
  { ...broken("no body, then silence", `${OK}content-length: 100\r\n\r\n`), allowed: ["cut", 504] },
  good("a body that the close ends", `${OK}\r\nhello`, "close"),
  good("a body of HTTP/1.0 that the close ends", "HTTP/1.0 200 OK\r\n\r\nhello", "close"),
  good("an empty body that the close ends", `${OK}\r\n`, "close"),
  broken("a body that a reset ends", `${OK}\r\nhello`, "reset"),
  { ...broken("a body that nothing ends", `${OK}\r\nhello`), allowed: ["cut", 504] },
];

const LONG: readonly Bytes[] = [
  good("a body longer than said", `${OK}content-length: 2\r\n\r\nok${POISON}`),
  good("a body where none was said", `${OK}content-length: 0\r\n\r\n${POISON}`),
  good(
    "bytes after an announced close",
    `${OK}connection: close\r\ncontent-length: 2\r\n\r\nok${POISON}`,
    "close",
  ),
  good("bytes after the last chunk", chunks(`5\r\nhello\r\n0\r\n\r\n${POISON}`)),
  good("a second answer", `${WORKS}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n${POISON}`),
  good(
    "a second answer after chunks",
    `${chunks("0\r\n\r\n")}${OK}content-length: 6\r\n\r\n${POISON}`,
  ),
  good("a second answer that is interim", `${WORKS}HTTP/1.1 103 ${POISON}\r\n\r\n`),
  good("empty lines after the answer", `${WORKS}\r\n\r\n`),
  good(
    "204 with a body",
    `HTTP/1.1 204 No Content\r\ncontent-length: 6\r\n\r\n${POISON}`,
    "hang",
    204,
  ),
  good(
    "204 with chunks",
    `HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n6\r\n${POISON}\r\n0\r\n\r\n`,
    "hang",
    204,
  ),
  good("304 with a length", "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "hang", 304),
  good(
    "304 with a body",
    `HTTP/1.1 304 Not Modified\r\ncontent-length: 6\r\n\r\n${POISON}`,
    "hang",
    304,
  ),
  good(
    "205 with a length of zero",
    "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n",
    "hang",
    205,
  ),
  {
    ...good("an answer to HEAD with its length", `${OK}content-length: 5\r\n\r\n`),
    method: "HEAD",
  },
  {
    ...good("an answer to HEAD with a body", `${OK}content-length: 6\r\n\r\n${POISON}`),
    method: "HEAD",
  },
  { ...good("an answer to HEAD with chunks", CHUNKED), method: "HEAD" },
  {
    ...good("an answer to HEAD with chunks that come", chunks(`6\r\n${POISON}\r\n0\r\n\r\n`)),
    method: "HEAD",
  },
  { ...good("an answer to HEAD without any framing", `${OK}\r\n`), method: "HEAD" },
  {
    ...bad(
      "an answer to HEAD that lies about its framing",
      `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n`,
    ),
    method: "HEAD",
  },
];

export const BODIES: readonly Bytes[] = [...LENGTHS, ...CODINGS, ...CHUNKS, ...SHORT, ...LONG];
