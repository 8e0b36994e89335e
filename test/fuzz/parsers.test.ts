/**
 * What parsers and writers of header fields make of anything: they never throw, never let through
 * what is invalid, and agree with an independent reader where there is one.
 */
import { request } from "node:http";
import { type AddressInfo, createServer as createRaw } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FAILURE_CODES } from "../../src/catalog/failures.js";
import type { StopReason } from "../../src/core/call.js";
import { NamedError } from "../../src/core/named-error.js";
import { formatRetryAfter, parseRetryAfterMs } from "../../src/core/retry-after.js";
import { parseResponseHead } from "../../src/transports/response-head.js";
import { failureBody } from "../../src/wire/failure-body.js";
import { createForwarder, viaSignature } from "../../src/wire/forwarding.js";
import { proxyStatus } from "../../src/wire/proxy-status.js";
import { readRequestTarget } from "../../src/wire/request-target.js";
import { parseItem } from "./structured-field.js";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_101);
const LONG = process.env["FUZZ_SECONDS"] !== undefined;
const RUNS = { seed: SEED, numRuns: LONG ? 20_000 : 2_000 } as const;

/** Text of all bytes, with a liking for those that mean something. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.string({ unit: fc.constantFrom(...'\r\n\0\t ;,:="\\/%.#?@[]%2e…é\xff0aZ'), maxLength: 60 }),
);
const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,20}$/);
const fieldValue = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,30}[\x21-\x7e])?$/);
const WALL = Date.UTC(2026, 0, 1);

describe("Retry-After", () => {
  it("is a time that is not negative, or nothing, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          fc.date().map((date) => String(date)),
        ),
        (value) => {
          const ms = parseRetryAfterMs(value, WALL);
          expect(ms === null || (Number.isFinite(ms) && ms >= 0)).toBe(true);
        },
      ),
      RUNS,
    );
  });

  it("reads seconds and every date that it is given in the preferred form", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        expect(parseRetryAfterMs(String(seconds), WALL)).toBe(seconds * 1_000);
        const date = new Date(WALL + seconds * 1_000).toUTCString();
        expect(parseRetryAfterMs(date, WALL)).toBe(seconds * 1_000);
      }),
      RUNS,
    );
  });

  it("is written as whole seconds from one on, and never sooner than was asked for", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), (ms) => {
        const written = formatRetryAfter(ms);
        expect(written).toMatch(/^[1-9]\d*$/);
        expect(Number(written) * 1_000).toBeGreaterThanOrEqual(ms);
      }),
      RUNS,
    );
  });
});

/** RFC 9209 §2.1 and those of §2.3. */
const PARAMETERS: readonly string[] = [
  ...["error", "next-hop", "next-protocol", "received-status", "details"],
  ...["status-code", "status-phrase", "rcode", "info-code", "coding", "alert-id"],
  ...["alert-message", "header-section-size", "header-name", "header-size", "body-size"],
  ...["trailer-section-size", "trailer-name", "trailer-size"],
];

describe("Proxy-Status", () => {
  const failure = fc.record({
    code: fc.constantFrom(...FAILURE_CODES),
    target: text,
    details: fc.oneof(text, fc.constantFrom("header-size=9", "body-size=9", "status-code=x")),
  });
  const facts = fc.record({
    name: text,
    failure: fc.option(failure),
    receivedStatus: fc.option(fc.integer({ min: 100, max: 599 })),
    status: fc.integer({ min: 200, max: 599 }),
    attempts: fc.nat(9),
    stopReason: fc.option(fc.constantFrom<StopReason[]>("retry_off", "no_time_left")),
    nextHop: fc.option(text),
  });
  const full = fc.constantFrom<("code" | "full")[]>("code", "full");

  it("is a valid item with parameters of RFC 9209, whatever the facts are", () => {
    fc.assert(
      fc.property(facts, full, (known, diagnostics) => {
        const member = parseItem(proxyStatus(known, diagnostics));
        expect(member).not.toBeNull();
        for (const name of member?.parameters.keys() ?? []) expect(PARAMETERS).toContain(name);
      }),
      RUNS,
    );
  });

  it("names no address and no next hop unless it is told in full", () => {
    fc.assert(
      fc.property(facts, (known) => {
        const secret = "http://10.0.0.7:8080";
        const failed = known.failure === null ? null : { ...known.failure, target: secret };
        const member = proxyStatus({ ...known, name: "edge", failure: failed }, "code");
        expect(member).not.toContain("10.0.0.7");
        expect(parseItem(member)?.parameters.has("next-hop")).toBe(false);
      }),
      RUNS,
    );
  });
});

describe("Via and Forwarded", () => {
  it("a gateway recognises its own signature among others, and nobody else's", () => {
    const others = fc.array(
      token.map((name) => `1.1 other-${name}`),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(fieldValue, others, others, (name, before, behind) => {
        const own = viaSignature(name, true, "0123456789ab");
        const signed = [...before, `1.1 ${own.received}`, ...behind].join(", ");
        expect(own.isOwn(signed)).toBe(true);
        expect(own.received).toMatch(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ \([0-9a-f]+\)$/);
        expect(
          viaSignature("edge", true, "ffffffffffff").isOwn([...before, ...behind].join(", ")),
        ).toBe(false);
      }),
      RUNS,
    );
  });

  it("never throws over a Via of any kind", () => {
    const own = viaSignature("edge", true, "0123456789ab");
    fc.assert(
      fc.property(text, (via) => void own.isOwn(via)),
      RUNS,
    );
  });

  it("what an untrusted client says of itself is not passed on", () => {
    const forwarder = createForwarder({ trust: false });
    const said = fc.array(
      fc.tuple(fc.constantFrom("Forwarded", "X-Forwarded-For", "X-Forwarded-Host"), fieldValue),
    );
    fc.assert(
      fc.property(said, fc.option(fieldValue), (received, host) => {
        const fields: string[] = [];
        const spoofed = received.map(([name, value]) => [name, `spoofed${value}`]);
        forwarder.append(fields, {
          address: "::1",
          protocol: "http",
          host: host ?? undefined,
          received: spoofed.flat(),
        });
        expect(fields.join("\n")).not.toContain("spoofed");
        expect(fields.join("\n")).not.toMatch(/[\r\0]/);
        const at = fields.indexOf("forwarded");
        // RFC 7239 §4: pairs of a token and a token or a quoted string.
        expect(fields[at + 1]).toMatch(
          /^(?:[a-z]+=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[^"\\]|\\.)*")(?:;|$))+$/,
        );
      }),
      RUNS,
    );
  });
});

describe("the form of a failure's body", () => {
  const facts = {
    failure: { code: "connection_refused" },
    status: 502,
    requestId: "id-1",
    attempts: 1,
    retryAfter: null,
  } as const;

  it("is one of the three, and well-formed, whatever Accept says", () => {
    fc.assert(
      fc.property(fc.option(text), (accept) => {
        const body = failureBody(facts, accept ?? undefined, "code");
        expect([
          "application/problem+json",
          "text/html; charset=utf-8",
          "text/plain; charset=utf-8",
        ]).toContain(body.contentType);
        if (body.contentType === "application/problem+json") JSON.parse(body.text);
      }),
      RUNS,
    );
  });

  it("puts nothing of a request id into HTML as it is", () => {
    fc.assert(
      fc.property(fc.string(), (requestId) => {
        const { text: page } = failureBody(
          { ...facts, requestId: `<x${requestId}>` },
          "text/html",
          "code",
        );
        expect(page).not.toContain("<x");
      }),
      RUNS,
    );
  });
});

describe("a request target", () => {
  const path = fc.array(
    fc.oneof(
      fc.constantFrom(
        "..",
        ".",
        "%2e%2e",
        "%2E.",
        "",
        "a",
        "..;x",
        "%2f",
        "..%2f",
        "\\..",
        "%5c..",
        "b?c",
      ),
      token,
    ),
    { maxLength: 8 },
  );

  it("is a path that cannot choose a host or climb above its root, or is refused", () => {
    const targets = fc.oneof(
      text,
      path.map((parts) => `/${parts.join("/")}`),
      path.map((parts) => `http://h/${parts.join("/")}`),
    );
    fc.assert(
      fc.property(targets, (target) => {
        const read = readRequestTarget(target);
        if ("refused" in read) return;
        expect(read.path.startsWith("/")).toBe(true);
        expect(read.path).not.toMatch(/[\r\n\0 #]/);
        expect(
          target.endsWith(read.path) || read.path === "/" || target.includes(read.path.slice(1)),
        ).toBe(true);
        expect(lowest(read.path)).toBeGreaterThanOrEqual(0);
      }),
      RUNS,
    );
  });
});

/** How far a path climbs at its lowest, for a server that decodes it and knows both slashes. */
function lowest(target: string): number {
  const [plain = ""] = target.split("?");
  const decoded = plain.replace(/%([0-9a-f]{2})/gi, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  let depth = 0;
  let least = 0;
  for (const segment of decoded.split(/[/\\]/)) {
    if (segment === "" || segment === ".") continue;
    depth += segment === ".." ? -1 : 1;
    least = Math.min(least, depth);
  }
  return least;
}

describe("the head of a response", () => {
  const name = fc.constantFrom("x-a", "X-B", "etag", "content-type", "set-cookie", "__proto__");
  const head = fc.record({
    minor: fc.constantFrom(0, 1),
    status: fc.integer({ min: 200, max: 599 }),
    reason: fc.oneof(fc.constant(""), fieldValue),
    fields: fc.array(fc.tuple(name, fc.oneof(fieldValue, fc.constant(""))), { maxLength: 12 }),
  });
  const raw = createRaw((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.from(answer, "latin1")));
  });
  let answer = "";

  beforeAll(() => new Promise<void>((resolve) => void raw.listen(0, "127.0.0.1", resolve)));
  afterAll(() => void raw.close());

  const readByNode = (): Promise<{ status: number; text: string; rawHeaders: readonly string[] }> =>
    new Promise((resolve, reject) => {
      const { port } = raw.address() as AddressInfo;
      const sent = request({ port, host: "127.0.0.1", agent: false }, (res) => {
        const { statusCode: status = 0, statusMessage = "", rawHeaders } = res;
        res.resume().once("close", () => resolve({ status, text: statusMessage, rawHeaders }));
      });
      sent.once("error", reject).end();
    });

  it("is read as Node's own parser reads it, where it is valid", async () => {
    await fc.assert(
      fc.asyncProperty(head, async ({ minor, status, reason, fields }) => {
        const lines = fields.map(([one, value]) => `${one}: ${value}\r\n`).join("");
        answer = `HTTP/1.${minor} ${status} ${reason}\r\n${lines}\r\n`;
        const parsed = parseResponseHead(answer);
        const node = await readByNode();
        expect({
          status: parsed.status,
          text: parsed.statusText,
          rawHeaders: parsed.rawHeaders,
        }).toEqual(node);
      }),
      { seed: SEED, numRuns: LONG ? 3_000 : 250 },
    );
  });

  it("is parsed or refused with a name of the catalog, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((line) => `HTTP/1.1 200 OK\r\n${line}\r\n`),
        ),
        (bytes) => {
          try {
            const parsed = parseResponseHead(`${bytes}\r\n\r\n`);
            expect(parsed.status).toBeGreaterThanOrEqual(100);
            expect(parsed.rawHeaders.join("")).not.toMatch(/[\r\n\0]/);
          } catch (error) {
            expect(error).toBeInstanceOf(NamedError);
          }
        },
      ),
      RUNS,
    );
  });
});
