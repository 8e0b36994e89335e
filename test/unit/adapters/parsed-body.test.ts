/**
 * What body parsers leave, made into bytes again.
 */
import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { type ParsedRequest, receivedBody } from "../../../src/adapters/parsed-body.js";

interface Left {
  readonly body?: unknown;
  readonly rawBody?: unknown;
  readonly read?: boolean;
}

function left(headers: IncomingHttpHeaders, { body, rawBody, read = true }: Left): ParsedRequest {
  const all = { "content-length": "1000", ...headers };
  const request = { headers: all, body, rawBody, readableDidRead: read, readableEnded: read };
  return request as unknown as ParsedRequest;
}

function textOf(headers: IncomingHttpHeaders, parsed: Left): string | undefined {
  return receivedBody(left(headers, parsed)).parsed?.toString("latin1");
}

const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

describe("a body that nobody has read", () => {
  it("streams, even where a parser has set an empty object", () => {
    expect(receivedBody(left(JSON_TYPE, { body: {}, read: false }))).toEqual({
      parsed: null,
    });
  });

  it("is none when the request says so", () => {
    const received = receivedBody(left({ "content-length": "0" }, { body: {} }));
    expect(received).toEqual({ parsed: null });
  });
});

describe("JSON", () => {
  it.each([
    ["an object", { a: [1, "ü", null] }, '{"a":[1,"Ã¼",null]}'],
    ["a list", [1, 2], "[1,2]"],
    ["null", null, "null"],
    ["false", false, "false"],
    ["a string that a lenient parser has made", "plain", '"plain"'],
    ["the text that a text parser has kept", '{ "a": 1 }', '{ "a": 1 }'],
  ])("%s is written again", (_what, body, text) => {
    expect(textOf(JSON_TYPE, { body })).toBe(text);
  });

  it("is recognised by the end of its type, too", () => {
    expect(textOf({ "content-type": "application/ld+json" }, { body: { a: 1 } })).toBe('{"a":1}');
  });

  it("that cannot be written is lost", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(receivedBody(left(JSON_TYPE, { body: circle })).lost).toMatch(/parser/);
    expect(receivedBody(left(JSON_TYPE, {})).lost).toMatch(/parser/);
  });
});

describe("forms", () => {
  it.each([
    ["flat values", { a: "1", b: "x y&z=" }, "a=1&b=x+y%26z%3D"],
    ["several values", { a: ["1", "2"] }, "a=1&a=2"],
    ["a list of one", { a: ["1"] }, "a%5B%5D=1"],
    ["nested values", { a: { b: { c: "1" } } }, "a%5Bb%5D%5Bc%5D=1"],
    ["lists of objects", { a: [{ b: "1" }, { b: "2" }] }, "a%5B0%5D%5Bb%5D=1&a%5B1%5D%5Bb%5D=2"],
    ["nothing", { a: null, b: undefined }, "a="],
  ])("%s are written again", (_what, body, text) => {
    expect(textOf(FORM_TYPE, { body })).toBe(text);
  });

  it("that are deeper than a parser makes them are lost", () => {
    const root: Record<string, unknown> = {};
    let at = root;
    for (let depth = 0; depth < 40; depth += 1) {
      const next: Record<string, unknown> = {};
      at["n"] = next;
      at = next;
    }
    at["n"] = "1";
    expect(receivedBody(left(FORM_TYPE, { body: root })).lost).toMatch(/parser/);
  });
});

describe("bytes and texts", () => {
  it("rawBody comes before what was made of it", () => {
    const rawBody = Buffer.from('{ "a": 1 }');
    expect(textOf(JSON_TYPE, { body: { a: 1 }, rawBody })).toBe('{ "a": 1 }');
  });

  it("any array of bytes is taken", () => {
    const body = new Uint8Array([104, 105]);
    expect(textOf({ "content-type": "application/octet-stream" }, { body })).toBe("hi");
  });

  it("a text is written in the charset that it came in", () => {
    const body = "ü";
    expect(textOf({ "content-type": "text/plain" }, { body })).toBe("Ã¼");
    expect(textOf({ "content-type": 'text/plain; charset="ISO-8859-1"' }, { body })).toBe("ü");
    const exotic = left({ "content-type": "text/plain; charset=shift_jis" }, { body });
    expect(receivedBody(exotic).lost).toMatch(/shift_jis/);
  });

  it.each([
    ["multipart/form-data; boundary=x", {}],
    ["application/xml", { a: 1 }],
    ["application/octet-stream", undefined],
  ])("a read body of %s is lost", (type, body) => {
    expect(receivedBody(left({ "content-type": type }, { body })).lost).toMatch(/parser/);
  });
});

describe("content codings", () => {
  it("are undone where the length is another than was announced", () => {
    const body = Buffer.from("inflated");
    expect(receivedBody(left({ "content-length": "99" }, { body })).decoded).toBe(true);
    expect(receivedBody(left({ "content-length": "8" }, { body })).decoded).toBe(false);
  });

  it("are still there where the bytes begin like gzip", () => {
    const body = Buffer.from([0x1f, 0x8b, 8, 0]);
    expect(receivedBody(left({ "transfer-encoding": "chunked" }, { body })).decoded).toBe(false);
  });

  it("are undone in everything that was made of a text", () => {
    expect(receivedBody(left(JSON_TYPE, { body: {} })).decoded).toBe(true);
  });
});
