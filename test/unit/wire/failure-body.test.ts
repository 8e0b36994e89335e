/** The body of our own answers: the form that was asked for, and nothing of the inside. */
import { describe, expect, it } from "vitest";
import { FAILURE_CODES, FAILURES } from "../../../src/catalog/failures.js";
import { type FailureFacts, failureBody } from "../../../src/wire/failure-body.js";

const FACTS: FailureFacts = {
  failure: { code: "connection_refused" },
  status: 502,
  requestId: "id-1",
  attempts: 2,
  retryAfter: null,
};

const PROBLEM = "application/problem+json";
const HTML = "text/html; charset=utf-8";
const TEXT = "text/plain; charset=utf-8";
const FORMS = [PROBLEM, "text/html", "text/plain"];

describe("the form", () => {
  it.each<[string | undefined, string]>([
    [undefined, PROBLEM],
    ["", PROBLEM],
    ["*/*", PROBLEM],
    ["application/json", PROBLEM],
    ["application/*", PROBLEM],
    ["image/png", PROBLEM],
    ["text/html", HTML],
    ["TEXT/HTML", HTML],
    ["text/plain", TEXT],
    ["text/*", TEXT],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", HTML],
    ["application/json, text/html", PROBLEM],
    ["text/html;q=0.5, application/json;q=0.6", PROBLEM],
    ["text/plain;q=0.2 , text/html ; q=0.3", HTML],
    ["text/html;level=1;q=0.9", HTML],
    ["text/html;q=0, */*", PROBLEM],
    ["text/html;q=0", PROBLEM],
    ["text/html;q=nonsense", PROBLEM],
    ["text/html;q=2", PROBLEM],
    ["text/html;q=-1", PROBLEM],
    [";;;,,,q=1", PROBLEM],
    ["constructor", PROBLEM],
    ["__proto__", PROBLEM],
    ["constructor, text/html;q=0.5", HTML],
  ])("for Accept: %j is %s", (accept, contentType) => {
    expect(failureBody(FACTS, accept, "code").contentType).toBe(contentType);
  });
});

describe("problem details", () => {
  const problem = (facts: Partial<FailureFacts>, diagnostics: "none" | "code" | "full" = "code") =>
    JSON.parse(failureBody({ ...FACTS, ...facts }, PROBLEM, diagnostics).text) as unknown;

  it("name the failure, who is to blame, and when to come back", () => {
    expect(problem({ retryAfter: "3" })).toEqual({
      type: "about:blank",
      title: "Bad Gateway",
      status: 502,
      detail: FAILURES.connection_refused.summary,
      code: "connection_refused",
      blame: "upstream",
      attempts: 2,
      retryAfter: 3,
      requestId: "id-1",
    });
  });

  it("say no more than the status where nothing is to be told", () => {
    expect(problem({}, "none")).toEqual({
      type: "about:blank",
      title: "Bad Gateway",
      status: 502,
      requestId: "id-1",
    });
  });

  it("have a title for every status that we answer with", () => {
    for (const status of [400, 403, 408, 413, 429, 431, 499, 500, 502, 503, 504, 508]) {
      expect(problem({ status })).toMatchObject({ title: expect.stringMatching(/^[A-Z][a-z]+/) });
    }
    expect(problem({ status: 499 })).toMatchObject({ title: "Client Closed Request" });
    expect(problem({ status: 599 })).toMatchObject({ title: "Error" });
  });
});

describe("what is inside", () => {
  const failure = {
    target: "http://10.0.0.5:8080",
    details: "header-size=99",
    cause: new Error("secret cause"),
    written: true,
  } as const;

  it("is in no form of any answer, whatever the diagnostics", () => {
    for (const code of FAILURE_CODES) {
      for (const accept of FORMS) {
        for (const diagnostics of ["none", "code", "full"] as const) {
          const facts = { ...FACTS, failure: { ...failure, code } };
          const { text } = failureBody(facts, accept, diagnostics);
          for (const inside of ["10.0.0.5", "header-size", "secret", "written"]) {
            expect(text).not.toContain(inside);
          }
          const { summary } = FAILURES[code];
          if (diagnostics === "none") expect(text).not.toContain(summary);
          if (diagnostics === "none") expect(text).not.toContain(code);
          if (diagnostics !== "none") expect(text).toContain(code);
        }
      }
    }
  });

  it("is never made of markup that a client sent", () => {
    const facts = { ...FACTS, requestId: `<script>"'&` };
    const { text } = failureBody(facts, "text/html", "code");
    expect(text).not.toContain("<script>");
    expect(text).toContain("&#60;script&#62;&#34;&#39;&#38;");
  });
});

describe("every form", () => {
  it("tells when to come back and which request it was", () => {
    for (const accept of FORMS) {
      const { text } = failureBody({ ...FACTS, retryAfter: "17" }, accept, "none");
      expect(text).toContain("17");
      expect(text).toContain("id-1");
      expect(failureBody(FACTS, accept, "none").text).not.toMatch(/again|retryAfter/i);
    }
  });

  it("that a person reads ends with a line break", () => {
    expect(failureBody(FACTS, "text/plain", "code").text).toMatch(/\n$/);
    expect(failureBody(FACTS, "text/html", "code").text).toMatch(/<\/html>\n$/);
  });
});
