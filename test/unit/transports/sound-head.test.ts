import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/catalog/defaults.js";
import { NamedError } from "../../../src/core/named-error.js";
import { soundHead } from "../../../src/transports/response-head.js";

const FINE = ["Content-Type", "text/plain", "Set-Cookie", "a=1", "set-cookie", "b=2"];

function nameOf(status: number, text: string, fields: readonly string[]): string | null {
  try {
    soundHead(status, text, fields, LIMITS);
    return null;
  } catch (error) {
    return error instanceof NamedError ? error.failureCode : String(error);
  }
}

describe("the head of an answer that another engine has read", () => {
  it("keeps what is sound as it came, with its length", () => {
    const fields = [...FINE, "Content-Length", "12"];
    const head = soundHead(200, "caf\xe9\t", fields, LIMITS);
    expect(head).toMatchObject({ status: 200, statusText: "caf\xe9\t", contentLength: 12 });
    expect(head.rawHeaders).toEqual(fields);
  });

  it.each([0, 42, 99, 100, 103, 199, 600, 999, 1200, -1, 200.5, Number.NaN])(
    "refuses the status %s",
    (status) => expect(nameOf(status, "", FINE)).toBe("response_status_invalid"),
  );

  it.each(["a\u007fb", "a\u0000", "a\r\nb: c", "a\nb", "\u0100", "\ud83d\ude00"])(
    "refuses the reason %j",
    (text) => expect(nameOf(200, text, FINE)).toBe("http_protocol_error"),
  );

  it.each([
    ["", "x"],
    ["a b", "x"],
    ["a:", "x"],
    ["a", "x\r\ny: z"],
    ["a", "x\u0000"],
    ["a", "x\u007f"],
    ["a", "\u0100"],
  ])("refuses the field %j with the value %j", (name, value) =>
    expect(nameOf(200, "OK", [name, value])).toBe("http_protocol_error"),
  );

  it("keeps to the limits of a head", () => {
    const large = "v".repeat(LIMITS.responseHeaderBytesMax);
    expect(nameOf(200, "OK", ["a", large])).toBe("http_response_header_size");
    const many = Array.from({ length: LIMITS.responseHeadersCountMax + 1 }, () => ["a", "b"]);
    expect(nameOf(200, "OK", many.flat())).toBe("http_response_header_section_size");
    const half = "v".repeat(LIMITS.responseHeaderBytesMax / 2);
    const count = Math.ceil(LIMITS.responseHeaderSectionBytesMax / half.length) + 1;
    const section = Array.from({ length: count }, () => ["a", half]);
    expect(nameOf(200, "OK", section.flat())).toBe("http_response_header_section_size");
  });
});
