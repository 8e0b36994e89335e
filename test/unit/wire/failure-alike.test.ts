/** What answers have in common is remembered; no answer may get what belongs to another kind. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FAILURE_CODES, FAILURES } from "../../../src/catalog/failures.js";
import { failureBody } from "../../../src/wire/failure-body.js";
import { proxyStatus } from "../../../src/wire/proxy-status.js";

const DIAGNOSTICS = ["none", "code", "full"] as const;

const facts = fc.record({
  failure: fc.record({ code: fc.constantFrom(...FAILURE_CODES) }),
  status: fc.constantFrom(502, 503, 504, 599),
  requestId: fc.string({ unit: "binary-ascii" }),
  attempts: fc.nat({ max: 9 }),
  retryAfter: fc.option(fc.nat().map(String)),
});

describe("problem details", () => {
  it("tell of this failure, this status and this request, whatever was answered before", () => {
    const kinds = fc.array(fc.tuple(facts, fc.constantFrom(...DIAGNOSTICS)), { minLength: 2 });
    fc.assert(
      fc.property(kinds, (answers) => {
        for (const [one, diagnostics] of answers) {
          const { summary: detail, blame } = FAILURES[one.failure.code];
          const { attempts, status, requestId, retryAfter } = one;
          const { title, ...told } = JSON.parse(failureBody(one, undefined, diagnostics).text);
          expect(typeof title).toBe("string");
          expect(told).toEqual({
            ...{ type: "about:blank", status, requestId },
            ...(diagnostics === "none" ? {} : { detail, blame, attempts, code: one.failure.code }),
            ...(retryAfter === null ? {} : { retryAfter: Number(retryAfter) }),
          });
        }
      }),
    );
  });
});

describe("the form", () => {
  it("is the one that Accept asks for, also after more of them than are remembered", () => {
    const contentType = (accept: string) =>
      failureBody(
        {
          failure: { code: "breaker_open" },
          ...{ status: 503, requestId: "id-1", attempts: 0, retryAfter: "1" },
        },
        accept,
        "code",
      ).contentType;
    for (let round = 0; round < 2; round += 1) {
      for (let kind = 0; kind < 200; kind += 1) {
        expect(contentType(`text/html;v=${kind}`)).toBe("text/html; charset=utf-8");
        expect(contentType(`text/plain;v=${kind}`)).toBe("text/plain; charset=utf-8");
        expect(contentType(`application/json;v=${kind}`)).toBe("application/problem+json");
      }
    }
    expect(contentType(`${"image/png,".repeat(100)}text/html`)).toBe("text/html; charset=utf-8");
  });
});

describe("Proxy-Status", () => {
  it("has the name of the gateway that writes it, also where a process has several", () => {
    const none = { failure: null, receivedStatus: null, status: 502, nextHop: null } as const;
    const member = (name: string) =>
      proxyStatus({ ...none, name, attempts: 1, stopReason: null }, "code");
    for (const [name, written] of [
      ["edge", "edge"],
      ["two words", '"two words"'],
      ["edge", "edge"],
      ["", '""'],
    ] as const) {
      expect(member(name)).toBe(`${written}; details="attempts=1"`);
    }
  });
});
