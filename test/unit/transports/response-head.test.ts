/**
 * The head of an answer: what is well-formed and how it is split, what is refused and by which
 * name, and whether the connection may serve another exchange.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/catalog/defaults.js";
import { NamedError } from "../../../src/core/named-error.js";
import {
  hasBareLineFeed,
  parseResponseHead,
  startsLikeHead,
} from "../../../src/transports/response-head.js";

const head = (...fields: readonly string[]): string =>
  `HTTP/1.1 200 OK\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;

/** The name and the details by which a head is refused, or what it was taken for. */
function refusal(text: string): string {
  try {
    return `taken: ${JSON.stringify(parseResponseHead(text))}`;
  } catch (error) {
    if (!(error instanceof NamedError)) throw error;
    return [error.failureCode, error.details].join(" ");
  }
}

describe("a well-formed head", () => {
  it("is split into exactly what came", () => {
    const parsed = parseResponseHead(
      "HTTP/1.1 404 Not Found\r\nSet-Cookie: a=1\r\nset-cookie:b=2\r\nX-Empty:\r\n" +
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
    );
    expect(parsed).toMatchObject({ status: 404, statusText: "Not Found", minorVersion: 1 });
    expect(parsed.rawHeaders).toEqual(
      // Case, order and repetition are the sender's.
      ["Set-Cookie", "a=1", "set-cookie", "b=2", "X-Empty", ""].concat([
        "Date",
        "Sun, 06 Nov 1994 08:49:37 GMT",
      ]),
    );
  });

  it.each([
    ["HTTP/1.1 200 \r\n\r\n", ""],
    ["HTTP/1.1 200\r\n\r\n", ""],
    ["HTTP/1.1 200 all is\twell \xe9\r\n\r\n", "all is\twell \xe9"],
    ["HTTP/1.0 100 x\r\n\r\n", "x"],
    ["HTTP/1.1 599 x\r\n\r\n", "x"],
  ])("may have any reason or none: %j", (text, statusText) => {
    expect(parseResponseHead(text).statusText).toBe(statusText);
  });

  it("loses the white space around a value, and none within", () => {
    const { rawHeaders } = parseResponseHead(head("a: \t x  y \t", "b:\t", "c:d"));
    expect(rawHeaders).toEqual(["a", "x  y", "b", "", "c", "d"]);
  });

  it("may hold any byte in a value but those that end a line", () => {
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
    const allowed = bytes.filter((byte) => byte === "\t" || (byte >= " " && byte !== "\x7f"));
    for (const byte of bytes) {
      const taken = refusal(head(`x: a${byte}b`)).startsWith("taken");
      expect(taken, JSON.stringify(byte)).toBe(allowed.includes(byte));
    }
  });

  it("is taken apart into the very fields that it was made of", () => {
    const name = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/);
    const value = fc.stringMatching(/^(?:[\x21-\x7e\x80-\xff](?:[\t -~\x80-\xff]*[\x21-\x7e])?)?$/);
    const framing = /^(?:content-length|transfer-encoding)$/i;
    const field = fc.tuple(
      name.filter((text) => !framing.test(text)),
      value,
    );
    fc.assert(
      fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
        const text = head(...fields.map(([one, other]) => `${one}: ${other}`));
        expect(parseResponseHead(text).rawHeaders).toEqual(fields.flat());
      }),
    );
  });
});

describe("a head that is refused", () => {
  it.each<[string, string]>([
    ["HTTP/1.1 099 x\r\n\r\n", "response_status_invalid status=099"],
    ["HTTP/1.1 99 x\r\n\r\n", "response_status_invalid status=99"],
    ["HTTP/1.1 600 x\r\n\r\n", "response_status_invalid status=600"],
    ["HTTP/1.1 1000 x\r\n\r\n", "response_status_invalid status=1000"],
    ["HTTP/1.1 20000000000000 x\r\n\r\n", "response_status_invalid status=200000"],
    ["HTTP/1.1 0\r\n\r\n", "response_status_invalid status=0"],
    ["HTTP/1.1 OK\r\n\r\n", "response_status_invalid no status code"],
    ["HTTP/1.1 2x0 OK\r\n\r\n", "response_status_invalid no status code"],
    ["HTTP/1.1  200 OK\r\n\r\n", "response_status_invalid no status code"],
    ["HTTP/1.1 -200 OK\r\n\r\n", "response_status_invalid no status code"],
    ["HTTP/1.1 200OK\r\n\r\n", "response_status_invalid no status code"],
    ["HTTP/1.1 200\tOK\r\n\r\n", "response_status_invalid no status code"],
    ["HTTP/1.1 200 O\x00K\r\n\r\n", "http_protocol_error status line"],
    ["HTTP/1.1 200 O\x7fK\r\n\r\n", "http_protocol_error status line"],
    ["HTTP/1.1 200 O\rK\r\n\r\n", "http_protocol_error status line"],
    ["HTTP/1.2 200 OK\r\n\r\n", "http_protocol_error status line"],
    ["HTTP/2.0 200 OK\r\n\r\n", "http_protocol_error status line"],
    ["HTTP/1.10 200 OK\r\n\r\n", "http_protocol_error status line"],
    ["HTTP/1.1\r\n\r\n", "http_protocol_error status line"],
    ["http/1.1 200 OK\r\n\r\n", "http_protocol_error status line"],
    [" HTTP/1.1 200 OK\r\n\r\n", "http_protocol_error status line"],
    ["ICY 200 OK\r\n\r\n", "http_protocol_error status line"],
    [head("no colon"), "http_protocol_error field line"],
    [head(": no name"), "http_protocol_error field line"],
    [head("a b: c"), "http_protocol_error field line"],
    [head("a : b"), "http_protocol_error field line"],
    [head("a\t: b"), "http_protocol_error field line"],
    [head("a: b", " folded"), "http_protocol_error field line"],
    [head("a: b", "\tfolded"), "http_protocol_error field line"],
    [head("(a): b"), "http_protocol_error field line"],
    [head("\xe9: b"), "http_protocol_error field line"],
    [head("a: b\nc: d"), "http_protocol_error field line"],
    [head("a: b\rc: d"), "http_protocol_error field line"],
    [head("a: b\x00"), "http_protocol_error field line"],
    ["HTTP/1.1 200 OK\r\n\r\n\r\n", "http_protocol_error field line"],
  ])("%j: %s", (text, why) => {
    expect(refusal(text)).toBe(why);
  });

  it.each<[string, string]>([
    [head("Content-Length: 5", "Content-Length: 5"), "response_framing_invalid content-length"],
    [head("Content-Length: 5", "content-length: 6"), "response_framing_invalid content-length"],
    [head("Content-Length: 5, 5"), "response_framing_invalid content-length"],
    [head("Content-Length: -5"), "response_framing_invalid content-length"],
    [head("Content-Length: +5"), "response_framing_invalid content-length"],
    [head("Content-Length: 0x5"), "response_framing_invalid content-length"],
    [head("Content-Length: 5.0"), "response_framing_invalid content-length"],
    [head("Content-Length: five"), "response_framing_invalid content-length"],
    [head("Content-Length:"), "response_framing_invalid content-length"],
    [head("Content-Length: 9007199254740993"), "response_framing_invalid content-length"],
    [
      head("Content-Length: 5", "Transfer-Encoding: chunked"),
      "response_framing_invalid content-length+transfer-encoding",
    ],
    [
      head("transfer-ENCODING: chunked", "content-LENGTH: 5"),
      "response_framing_invalid content-length+transfer-encoding",
    ],
    [
      head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
      "response_framing_invalid transfer-encoding",
    ],
    [
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "response_framing_invalid transfer-encoding",
    ],
    [head("Transfer-Encoding: gzip, chunked"), "http_response_transfer_coding coding=gzip"],
    [head("Transfer-Encoding: gzip"), "http_response_transfer_coding coding=gzip"],
    [head("Transfer-Encoding: identity"), "http_response_transfer_coding coding=identity"],
    [head("Transfer-Encoding: xchunked"), "http_response_transfer_coding coding=xchunked"],
    [head("Transfer-Encoding:"), "http_response_transfer_coding unsupported coding"],
  ])("whose framing is in doubt: %j", (text, why) => {
    expect(refusal(text)).toBe(why);
  });

  it("says nothing of what it held", () => {
    const secret = "s3cret";
    for (const text of [head(`a${secret}`), head(`content-length: ${secret}`), secret]) {
      expect(refusal(text)).not.toContain(secret);
    }
  });
});

describe("the limits of a head", () => {
  it("allow a field line of this size, and not a byte more", () => {
    const max = LIMITS.responseHeaderBytesMax;
    const fits = `x: ${"a".repeat(max - 3)}`;
    expect(parseResponseHead(head(fits)).rawHeaders[1]).toHaveLength(max - 3);
    expect(refusal(head(`${fits}a`))).toBe(`http_response_header_size header-size=${max + 1}`);
  });

  it("allow so many fields, and not one more", () => {
    const max = LIMITS.responseHeadersCountMax;
    const fields = Array.from({ length: max }, (_, index) => `x-${index}: 1`);
    expect(parseResponseHead(head(...fields)).rawHeaders).toHaveLength(max * 2);
    expect(refusal(head(...fields, "y: 1"))).toBe(
      `http_response_header_section_size fields=${max + 1}`,
    );
  });

  it("keep the time of a refusal in proportion to its size", () => {
    const hostile = head(`${"a".repeat(30_000)}`, "b");
    expect(refusal(hostile)).toBe("http_protocol_error field line");
    expect(refusal(`HTTP/1.1 200 ${"a ".repeat(15_000)}\x00\r\n\r\n`)).toMatch(/^http_protocol/);
  });
});

describe("the framing of a body", () => {
  it("is a length, chunks, or the end of the connection", () => {
    expect(parseResponseHead(head("Content-Length: 42"))).toMatchObject({
      contentLength: 42,
      chunked: false,
    });
    expect(parseResponseHead(head("Transfer-Encoding: Chunked"))).toMatchObject({
      contentLength: null,
      chunked: true,
    });
    expect(parseResponseHead(head())).toMatchObject({ contentLength: null, chunked: false });
  });
});

// RFC 9112 §9.3.
describe("a connection after an answer", () => {
  it.each<[string, boolean]>([
    ["HTTP/1.1 200 OK\r\n\r\n", true],
    ["HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n", true],
    ["HTTP/1.1 200 OK\r\nConnection: upgrade\r\n\r\n", true],
    ["HTTP/1.1 200 OK\r\nConnection:\r\n\r\n", true],
    ["HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nconnection: Close\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nConnection: x-a ,\tCLOSE\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nConnection: close, keep-alive\r\n\r\n", false],
    ["HTTP/1.1 200 OK\r\nConnection: closed\r\n\r\n", true],
    ["HTTP/1.0 200 OK\r\n\r\n", false],
    ["HTTP/1.0 200 OK\r\nConnection:\r\n\r\n", false],
    ["HTTP/1.0 200 OK\r\nConnection: x-a\r\n\r\n", false],
    ["HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n", true],
    ["HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n\r\n", false],
  ])("%j persists: %s", (text, persistent) => {
    expect(parseResponseHead(text).persistent).toBe(persistent);
  });

  it("lasts as long as the upstream says", () => {
    expect(parseResponseHead(head("Keep-Alive: timeout=5, max=9")).keepAlive).toBe(
      "timeout=5, max=9",
    );
    expect(parseResponseHead(head()).keepAlive).toBeNull();
  });
});

describe("the first bytes", () => {
  it("look like a head as long as they may still become one", () => {
    const line = "HTTP/1.1 200";
    for (let length = 0; length <= line.length; length += 1) {
      expect(startsLikeHead(Buffer.from(line.slice(0, length)))).toBe(true);
    }
    for (const other of ["x", "HTTP/2", "HTTp", "\r\n", "HTTPS"]) {
      expect(startsLikeHead(Buffer.from(other)), other).toBe(false);
    }
  });

  it("hold a bare line feed only where no carriage return stands before it", () => {
    for (const bare of ["\n", "a\n", "\r\n\n", "a\r\nb\n", "\r\n\r\r\nx\n"]) {
      expect(hasBareLineFeed(Buffer.from(bare)), JSON.stringify(bare)).toBe(true);
    }
    for (const fine of ["", "\r", "\r\n", "a\r\n\r\nb\r", "abc"]) {
      expect(hasBareLineFeed(Buffer.from(fine)), JSON.stringify(fine)).toBe(false);
    }
  });
});
