/**
 * Where the body of a request is once body parsers have been at work: the same bytes, or a refusal.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { PassThrough, Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import express from "express";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { receivedBody } from "../../../src/wire/received-body.js";

interface Left {
  readonly body?: unknown;
  readonly rawBody?: unknown;
  /** Some of its bytes were read. */
  readonly read?: boolean;
  readonly ended?: boolean;
  readonly encoding?: string;
}

function left(headers: IncomingHttpHeaders, state: Left): IncomingMessage {
  const { read = true, ended = read, encoding = null, ...kept } = state;
  const stream = { readableDidRead: read, readableEnded: ended, readableEncoding: encoding };
  return { headers, complete: ended, readableLength: 0, ...stream, ...kept } as never;
}

/** What is sent for `sent` when a parser has left this of it; null for a refusal. */
function rewritten(sent: string | Buffer, type: string, kept: Left): string | null {
  const headers = { "content-type": type, "content-length": String(Buffer.byteLength(sent)) };
  const { parsed, lost } = receivedBody(left(headers, kept));
  if (lost === undefined) return parsed?.toString("latin1") ?? null;
  expect(lost).toContain("Mount the proxy before");
  expect(lost).toContain("rawBody");
  return null;
}

const JSON_TYPE = "application/json; charset=utf-8";
const FORM_TYPE = "application/x-www-form-urlencoded";

describe("a body that nobody has read", () => {
  const headers = { "content-type": JSON_TYPE, "content-length": "7" };

  it("streams, even where a parser has set an empty object", () => {
    expect(receivedBody(left(headers, { body: {}, read: false }))).toEqual({ parsed: null });
  });

  it("streams in the encodings that keep its bytes, and is refused in the others", () => {
    const set = (encoding: string) => receivedBody(left(headers, { read: false, encoding }));
    for (const encoding of ["latin1", "hex", "base64"]) expect(set(encoding).lost).toBeUndefined();
    expect(set("utf8").lost).toMatch(/setEncoding\("utf8"\)/);
  });

  it("flows where another stream stands in its place", () => {
    const body = new PassThrough();
    expect(receivedBody(left({}, { body, read: true }))).toMatchObject({ stream: body });
  });

  it("is refused where the stream in its place was read or is gone", async () => {
    const read = Readable.from(["a", "b"]);
    read.read();
    expect(receivedBody(left({}, { body: read })).lost).toMatch(/in its place/);
    const gone = new PassThrough();
    gone.destroy();
    expect(receivedBody(left({}, { body: gone })).lost).toMatch(/in its place/);
  });
});

describe("a body that was read to its end without a byte", () => {
  it("stays empty, whatever a parser has made of it", () => {
    const chunked = { "content-type": JSON_TYPE, "transfer-encoding": "chunked" };
    const ended = left(chunked, { body: {}, read: false, ended: true });
    expect(receivedBody(ended).parsed).toHaveLength(0);
  });

  it("is refused where bytes were announced", () => {
    const gone = left({ "content-length": "7" }, { read: false, ended: true });
    expect(receivedBody(gone).lost).toMatch(/read before/);
  });
});

it("a body whose beginning was read is refused, whatever was kept of it", () => {
  const state = { read: true, ended: false, rawBody: Buffer.from("the beg") };
  expect(receivedBody(left({ "content-length": "20" }, state)).lost).toMatch(/beginning/);
});

describe("JSON", () => {
  it.each([
    '{"a":[1,"ü",null]}',
    "[1,2]",
    "null",
    "false",
    '"plain"',
    '{"id":9007199254740991,"x":-1.25}',
    '{"__proto__":{"a":1},"constructor":2}',
    '{"1":"alone"}',
    '"a\\\\u0041\\n"',
  ])("is written again where it can only have been this: %s", (sent) => {
    expect(rewritten(sent, JSON_TYPE, { body: JSON.parse(sent) })).toBe(
      Buffer.from(sent).toString("latin1"),
    );
  });

  it.each([
    ["white space", '{ "a": 1 }'],
    ["an integer beyond 2^53", '{"id":12345678901234567890}'],
    ["an integer beyond 2^53 that is its own text", '{"id":12345678901234567000}'],
    ["a fraction that no double has", '{"x":0.12345678901234567}'],
    ["a number with an exponent", '{"x":1e-7}'],
    ["a number in capitals", '{"x":1E-7}'],
    ["a trailing zero", '{"x":1.10}'],
    ["a negative zero", '{"x":-0}'],
    ["a negative zero beside a space", '{"x":-0,"y":"a" }'],
    ["a number beyond all", '{"x":1e400}'],
    ["a name twice", '{"a":1,"a":2}'],
    ["names that are numbers, in another order", '{"b":1,"2":3}'],
    ["escapes that were not needed", '{"a":"\\u0041"}'],
    ["escapes in capitals", '{"a":"\\u001F"}'],
    ["half a pair", '{"a":"\\uD800"}'],
    ["an escaped slash", '{"a":"\\/"}'],
    ["what stands for lost bytes", '{"a":"\ufffd"}'],
  ])("is refused with %s", (_what, sent) => {
    expect(rewritten(sent, JSON_TYPE, { body: JSON.parse(sent) })).toBeNull();
  });

  it("is refused where somebody has changed what was parsed", () => {
    expect(rewritten('{"a":1}', JSON_TYPE, { body: { a: 1, user: 7 } })).toBeNull();
  });

  it("is refused where it is no JSON any more", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    let deep: unknown = 1;
    for (let depth = 0; depth < 50_000; depth += 1) deep = [deep];
    for (const body of [circle, deep, { a: 1n }, undefined]) {
      expect(rewritten("x", JSON_TYPE, { body })).toBeNull();
    }
  });

  it("is taken as the text that a text parser has kept", () => {
    expect(rewritten('{ "a": 1.0 }', JSON_TYPE, { body: '{ "a": 1.0 }' })).toBe('{ "a": 1.0 }');
  });

  it("is what it was, or refused, whatever a client sends", () => {
    const spaces = fc.constantFrom("", " ", "\n");
    const text = fc.tuple(spaces, fc.json(), spaces).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, (sent) => {
        const body: unknown = JSON.parse(sent);
        const got = rewritten(sent, JSON_TYPE, { body });
        // The same number in another spelling is all that may differ.
        if (got === null) return;
        const utf8 = Buffer.from(got, "latin1").toString();
        if (/\d[eE]/.test(sent)) expect(JSON.parse(utf8)).toEqual(body);
        else expect(utf8).toBe(sent);
      }),
    );
  });
});

describe("forms", () => {
  const parse = (sent: string): Promise<unknown> => {
    const stream = Object.assign(Readable.from([Buffer.from(sent)]), {
      headers: { "content-type": FORM_TYPE, "content-length": String(Buffer.byteLength(sent)) },
    });
    return new Promise((resolve, reject) => {
      express.urlencoded({ extended: true })(stream as never, {} as never, (error?: unknown) => {
        if (error === undefined) resolve((stream as { body?: unknown }).body);
        else reject(error);
      });
    });
  };

  it.each(["a=1&b=2", "mail=a%40b.example", "note=two+words", "a="])(
    "are written again where they can only have been this: %s",
    async (sent) => {
      expect(rewritten(sent, FORM_TYPE, { body: await parse(sent) })).toBe(sent);
    },
  );

  it.each([
    ["brackets", "a[]=1&a[]=2"],
    ["a list of one", "a[]=1"],
    ["a repeated name", "a=1&a=2"],
    ["names that alternate", "a=1&b=2&a=3"],
    ["a record", "a[b]=1"],
    ["%20 for a space", "note=two%20words"],
    ["an @ as it is and %20 for a space", "a=b@c&note=two%20words"],
    ["escapes in small letters", "city=K%c3%b6ln"],
    ["a name without a value", "a&b"],
    ["names that are numbers, in another order", "b=1&2=3"],
    ["bytes that are no UTF-8", "a=%ff%ff%ff"],
  ])("are refused with %s", async (_what, sent) => {
    expect(rewritten(sent, FORM_TYPE, { body: await parse(sent) })).toBeNull();
  });
});

describe("texts", () => {
  it("are written in the charset that they came in", () => {
    const latin1 = Buffer.from("ü", "latin1");
    expect(rewritten("ü", "text/plain", { body: "ü" })).toBe("Ã¼");
    expect(rewritten(latin1, 'text/plain; charset="ISO-8859-1"', { body: "ü" })).toBe("ü");
    expect(rewritten("ü", "text/plain; charset=shift_jis", { body: "ü" })).toBeNull();
    expect(rewritten("ü", "text/plain; charset=constructor", { body: "ü" })).toBeNull();
  });

  it("are refused where bytes were lost, even where the length is the same", () => {
    const cut = Buffer.from([0xf0, 0x9f, 0x98]);
    expect(Buffer.byteLength(cut.toString())).toBe(cut.byteLength);
    expect(rewritten(cut, "text/plain", { body: cut.toString() })).toBeNull();
    expect(rewritten(cut, JSON_TYPE, { rawBody: cut.toString() })).toBeNull();
    const latin1 = Buffer.from("café", "latin1");
    expect(rewritten(latin1, "text/plain", { body: latin1.toString() })).toBeNull();
    const type = "text/plain; charset=latin1";
    expect(rewritten(latin1, type, { rawBody: latin1.toString() })).toBeNull();
    expect(rewritten("\ufefftext", "text/plain", { body: "text" })).toBeNull();
  });
});

describe("bytes", () => {
  it("come before what was made of them", () => {
    const rawBody = Buffer.from('{ "a": 1 }');
    expect(rewritten(rawBody, JSON_TYPE, { body: { a: 1 }, rawBody })).toBe('{ "a": 1 }');
    const text = { body: { a: 1 }, rawBody: '{ "a": 1 }' };
    expect(rewritten(rawBody, JSON_TYPE, text)).toBe('{ "a": 1 }');
  });

  it("are taken from any array of bytes, and of any length", () => {
    const body = new Uint8Array([104, 105]);
    expect(rewritten("changed by hand", "application/octet-stream", { body })).toBe("hi");
  });

  it.each([
    ["multipart/form-data; boundary=x", { a: "1" }],
    ["application/xml", { a: 1 }],
    ["application/octet-stream", undefined],
    ["application/json", undefined],
  ])("of %s that nobody has kept are refused", (type, body) => {
    expect(rewritten("--x--", type, { body })).toBeNull();
  });
});

describe("a body without a length of its own", () => {
  it.each([
    ["JSON", { "content-type": JSON_TYPE }, { body: { a: 1 } }],
    ["a text", { "content-type": "text/plain" }, { body: "text" }],
    ["a form", { "content-type": FORM_TYPE }, { body: { a: "1" } }],
  ])("is refused as %s, since nothing proves it", (_what, headers, kept) => {
    const chunked = { ...headers, "transfer-encoding": "chunked" };
    expect(receivedBody(left(chunked, kept)).lost).toMatch(/Content-Length/);
    const coded = { ...headers, "content-length": "7", "content-encoding": "gzip" };
    expect(receivedBody(left(coded, kept)).lost).toMatch(/coding/);
  });

  it("is sent where its bytes were kept", () => {
    const rawBody = Buffer.from('{ "a": 1 }');
    const chunked = { "content-type": JSON_TYPE, "transfer-encoding": "chunked" };
    expect(receivedBody(left(chunked, { rawBody })).parsed).toBe(rawBody);
  });
});

describe("content codings", () => {
  const of = (coding: string, length: string | null, rawBody: Buffer) =>
    receivedBody(
      left(
        {
          "content-encoding": coding,
          ...(length === null ? { "transfer-encoding": "chunked" } : { "content-length": length }),
        },
        { rawBody },
      ),
    );
  const plain = Buffer.from("inflated");
  const zipped = gzipSync(plain);

  it("are undone where the length is another than was announced", () => {
    expect(of("br", "99", plain)).toMatchObject({ parsed: plain, decoded: true });
    expect(of("br", "8", plain).decoded ?? false).toBe(false);
  });

  it("are undone where gzip begins otherwise, even with the same length", () => {
    expect(of("gzip", "8", plain).decoded).toBe(true);
    expect(of("gzip", String(zipped.length), zipped).decoded).toBe(false);
    expect(of("gzip", null, zipped).decoded).toBe(false);
    expect(of("gzip", null, plain).decoded).toBe(true);
  });

  it("refuse what could be either", () => {
    expect(of("br", null, plain).lost).toMatch(/br/);
  });
});
