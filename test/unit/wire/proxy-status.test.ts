/** `Proxy-Status`, RFC 9209: what a client may read of an answer, in a form that it can read. */
import { describe, expect, it } from "vitest";
import { FAILURE_CODES, FAILURES } from "../../../src/catalog/failures.js";
import { PROXY_ERRORS } from "../../../src/catalog/rows/proxy-errors.js";
import { type ProxyStatusFacts, proxyStatus } from "../../../src/wire/proxy-status.js";
import { parseItem } from "../../fuzz/structured-field.js";

const FACTS: ProxyStatusFacts = {
  name: "edge",
  failure: null,
  receivedStatus: null,
  status: 502,
  attempts: 1,
  stopReason: null,
  nextHop: null,
};

function member(facts: Partial<ProxyStatusFacts>, diagnostics: "code" | "full" = "code") {
  const text = proxyStatus({ ...FACTS, ...facts }, diagnostics);
  const item = parseItem(text);
  if (item === null) throw new Error(`no structured field: ${text}`);
  return { text, name: item.value, ...Object.fromEntries(item.parameters) };
}

describe("the name of a deployment", () => {
  it.each([
    ["edge", "edge"],
    ["*star/1:2", "*star/1:2"],
    ["proxy.example.org", "proxy.example.org"],
    ["1st", `"1st"`],
    ["two words", `"two words"`],
    [`say "hi" \\`, `"say \\"hi\\" \\\\"`],
    ["grün\r\nx: y", `"gr?n??x: y"`],
    ["", `""`],
  ])("%j is written as %s", (name, written) => {
    expect(proxyStatus({ ...FACTS, name }, "code")).toBe(`${written}; details="attempts=1"`);
  });
});

describe("a failure", () => {
  it("of every kind is a member with the error type that the catalog names, or with none", () => {
    for (const code of FAILURE_CODES) {
      const parsed = member({ failure: { code } });
      const type = FAILURES[code].proxyError;
      if (type === null) expect(parsed, code).not.toHaveProperty("error");
      else expect(parsed, code).toMatchObject({ error: type });
      expect(parsed).toMatchObject({
        details: `code=${code} blame=${FAILURES[code].blame} attempts=1`,
      });
    }
  });

  it("tells the size that broke a limit where its type has a parameter for it", () => {
    const parsed = member({
      failure: {
        code: "http_response_header_section_size",
        details: "header-section-size=32769",
      },
    });
    expect(parsed).toMatchObject({ "header-section-size": 32_769 });
  });

  it.each([
    "header-section-size=1; x=2",
    "header-section-size=many",
    "header-section-size=1234567890123456",
    "other=1",
    "constructor=1",
    `"`,
  ])("does not make a parameter of other details: %j", (details) => {
    const { text, ...parsed } = member({
      failure: { code: "http_response_header_section_size", details },
    });
    const known = Object.keys(PROXY_ERRORS.http_response_header_section_size.parameters);
    for (const name of known) expect(parsed).not.toHaveProperty(name);
    expect(Object.keys(parsed).sort()).toEqual(["details", "error", "name"]);
  });

  it.each([
    ["dns_error", "rcode=SERVFAIL", `; rcode="SERVFAIL"`],
    [
      "tls_alert_received",
      "alert-id=40 alert-message=handshake_failure",
      "; alert-id=40; alert-message=handshake_failure",
    ],
    ["http_response_transfer_coding", "coding=gzip", "; coding=gzip"],
    ["http_response_body_size", "body-size=11", "; body-size=11"],
    // Of another type, of another kind, and more than the RFC has.
    ["connection_refused", "rcode=SERVFAIL", ""],
    ["http_response_body_size", "body-size=big coding=gzip", ""],
    ["http_response_transfer_coding", "coding=7", ""],
    ["dns_error", 'rcode=a"b', ""],
  ] as const)("%s with %j tells what RFC 9209 has for its type", (code, details, told) => {
    const { text } = member({ failure: { code, details } });
    const type = FAILURES[code].proxyError;
    expect(text).toContain(`; error=${type}${told}; details="`);
  });

  it("that is the client's tells the status that it was answered with", () => {
    const parsed = member({ failure: { code: "rate_limited" }, status: 429 });
    expect(parsed).toMatchObject({ error: "http_request_error", "status-code": 429 });
    const other = member({ failure: { code: "connection_refused" }, status: 502 });
    expect(other).not.toHaveProperty("status-code");
  });

  it("tells why no further attempt was made", () => {
    const { details } = member({
      failure: { code: "connection_terminated" },
      attempts: 2,
      stopReason: "budget_exhausted",
    }) as unknown as { readonly details: string };
    expect(details).toMatch(/ attempts=2 stopped=budget_exhausted$/);
  });
});

describe("an answer of the upstream", () => {
  it("is told by its status, so that it cannot be taken for one of ours", () => {
    const parsed = member({ failure: { code: "received_gateway_error" }, receivedStatus: 502 });
    expect(parsed).toMatchObject({ "received-status": 502 });
    expect(parsed).not.toHaveProperty("error");
  });
});

describe("who is asked", () => {
  const failure = { code: "connection_refused", target: "http://10.0.0.5:8080" } as const;
  const facts = { failure: { ...failure, details: "why" }, nextHop: "orders/1" };

  it("is not told to just anybody", () => {
    const { text } = member({ ...facts, receivedStatus: 502 });
    for (const inside of ["10.0.0.5", "orders", "why", "next-"]) {
      expect(text).not.toContain(inside);
    }
  });

  it("is told to those who are trusted", () => {
    const parsed = member(facts, "full");
    expect(parsed).toMatchObject({ "next-hop": "orders/1" });
    expect(parsed).toMatchObject({
      details: expect.stringContaining("target=http://10.0.0.5:8080 why"),
    });
    expect(parsed).not.toHaveProperty("next-protocol");
  });

  // RFC 9209 §2.1.3: the identifier is a token wherever it can be written as one.
  it("is told with the protocol, as a token, once there was an answer", () => {
    const { text } = member({ ...facts, receivedStatus: 200, failure: null }, "full");
    expect(text).toMatch(/; next-protocol=http\/1\.1(?:;|$)/);
  });
});
