/** Trailers on their way through: which may pass, how many, and none that becomes another field. */
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/catalog/defaults.js";
import { FORBIDDEN_IN_TRAILERS } from "../../../src/catalog/field-names.js";
import { NamedError } from "../../../src/core/named-error.js";
import { decodeTrailers } from "../../../src/transports/response-head.js";

const raw = (...texts: readonly string[]) => texts.map((text) => Buffer.from(text, "latin1"));

function refusal(...texts: readonly string[]): string | null {
  try {
    decodeTrailers(raw(...texts));
    return null;
  } catch (error) {
    return error instanceof NamedError ? `${error.failureCode} ${error.details}` : String(error);
  }
}

describe("trailers", () => {
  it("pass as they came, byte for byte", () => {
    const fields = ["Digest", "sha=1", "x-a", "", "digest", "\tgr\xfcn"];
    expect(decodeTrailers(raw(...fields))).toEqual(fields);
    expect(decodeTrailers([])).toEqual([]);
  });

  it("that decide how a message is handled are dropped, in whatever case", () => {
    for (const name of FORBIDDEN_IN_TRAILERS) {
      expect(decodeTrailers(raw(name.toUpperCase(), "1", "x-ok", "2")), name).toEqual([
        "x-ok",
        "2",
      ]);
    }
  });

  it.each([
    ["a b", "1"],
    ["", "1"],
    ["a:b", "1"],
    ["x", "a\r\nb: c"],
    ["x", "a\nb"],
    ["x", "a\0"],
    ["x", "a\x7f"],
    ["set-cookie", "a\r\nb: c"],
  ])("that could become fields of their own are refused: %j: %j", (name, value) => {
    expect(refusal(name, value)).toBe("http_protocol_error trailer");
  });

  it("are bounded in the size of one", () => {
    const value = "a".repeat(LIMITS.trailerBytesMax - 1);
    expect(refusal("x", value)).toBeNull();
    expect(refusal("x", `${value}a`)).toBe(
      `http_response_trailer_size trailer-size=${LIMITS.trailerBytesMax + 1}`,
    );
  });

  it("are bounded in the size of all, those included that are dropped", () => {
    const max = LIMITS.trailerSectionBytesMax;
    const size = max / 4;
    const line = (name: string) => [name, "a".repeat(size - name.length - 4)];
    const four = ["a", "b", "c", "age"].flatMap(line);
    expect(refusal(...four)).toBeNull();
    expect(refusal(...four, "d", "")).toBe(
      `http_response_trailer_section_size trailer-section-size=${max + 5}`,
    );
  });
});
