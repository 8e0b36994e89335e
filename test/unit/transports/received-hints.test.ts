/** `Retry-After` of an answer, where the answer is one that may say it. */
import { describe, expect, it } from "vitest";
import { readRetryAfterMs } from "../../../src/transports/received-hints.js";
import { parseResponseHead } from "../../../src/transports/response-head.js";

const NOW = Date.UTC(2026, 0, 1);

const read = (status: number, ...fields: readonly string[]): number | null => {
  const lines = fields.map((field) => `${field}\r\n`).join("");
  return readRetryAfterMs(parseResponseHead(`HTTP/1.1 ${status} x\r\n${lines}\r\n`), () => NOW);
};

describe("the wait that an answer asks for", () => {
  it("is read of a 503 and of a 429, in seconds or as a date", () => {
    expect(read(503, "Retry-After: 7")).toBe(7_000);
    expect(read(429, "x: y", "retry-AFTER: 1")).toBe(1_000);
    expect(read(503, "Retry-After: Thu, 01 Jan 2026 00:00:09 GMT")).toBe(9_000);
  });

  it("is none where the field is missing or says nothing that can be understood", () => {
    expect(read(503)).toBeNull();
    expect(read(503, "Retry-Aftex: 7")).toBeNull();
    expect(read(503, "Retry-After: soon")).toBeNull();
  });

  it("means nothing to us in any other answer", () => {
    for (const status of [200, 301, 413, 500, 502, 504]) {
      expect(read(status, "Retry-After: 7")).toBeNull();
    }
  });

  it("is the first, where an answer says several", () => {
    expect(read(503, "Retry-After: 7", "Retry-After: 9")).toBe(7_000);
  });
});
