// The catalog against RFC 9209 and against itself.

import { describe, expect, it } from "vitest";
import {
  FAILURE_CODES,
  FAILURES,
  type FailureCode,
  type FailureRow,
  isFailureCode,
  PHASES,
} from "../../../src/catalog/failures.js";
import { PROXY_ERRORS, type ProxyErrorType } from "../../../src/catalog/rows/proxy-errors.js";

const rows: readonly (readonly [FailureCode, FailureRow])[] = FAILURE_CODES.map((code) => [
  code,
  FAILURES[code],
]);

/** Rows whose status is not the one that RFC 9209 recommends for their type, with the reason. */
const STATUS_EXCEPTIONS: Readonly<Partial<Record<FailureCode, string>>> = {};

/** Types of RFC 9209 that no row uses, with the reason. */
const NEVER_PRODUCED: Readonly<Partial<Record<ProxyErrorType, string>>> = {};

function fits(status: FailureRow["status"], type: ProxyErrorType): boolean {
  const recommended = PROXY_ERRORS[type].status;
  if (recommended === "any") return typeof status === "number";
  if (recommended === "4xx") return typeof status === "number" && status >= 400 && status < 500;
  return status === recommended;
}

describe("failure catalog", () => {
  it("answers with the status that RFC 9209 recommends for the row's type", () => {
    const differing = rows
      .filter(([, row]) => row.proxyError !== null && !fits(row.status, row.proxyError))
      .map(([code]) => code);
    expect(differing).toEqual(Object.keys(STATUS_EXCEPTIONS));
  });

  it("uses every error type of RFC 9209", () => {
    const used = new Set(rows.map(([, row]) => row.proxyError));
    const unused = Object.keys(PROXY_ERRORS).filter((type) => !used.has(type as ProxyErrorType));
    expect(unused).toEqual(Object.keys(NEVER_PRODUCED));
  });

  it("refuses with 503 in these cases and no other", () => {
    const refusals = rows.filter(([, row]) => row.status === 503).map(([code]) => code);
    expect(refusals).toEqual([
      "unix_backlog_full",
      "breaker_open",
      "no_healthy_target",
      "maintenance",
      "draining",
      "bulkhead_full",
      "bulkhead_queue_timeout",
      "bulkhead_queue_displaced",
      "connection_pool_timeout",
      "upstream_throttled",
      "load_shed",
      "hedge_cancelled",
      "enhance_your_calm",
    ]);
  });

  it("names no RFC 9209 type where the gateway generated no answer", () => {
    for (const [code, row] of rows) {
      const silent = row.status === "received" || row.status === 499 || code === "tunnel_idle";
      expect(row.proxyError === null, code).toBe(silent);
    }
  });

  it("answers 504 only for time that ran out", () => {
    const late = rows.filter(([, row]) => row.status === 504).map(([code]) => code);
    const named = /timeout|deadline|only_if_cached|idle/;
    expect(late.filter((code) => !named.test(code))).toEqual([]);
  });

  it("answers 4xx exactly when the client is to blame for an answer of ours", () => {
    for (const [code, row] of rows) {
      if (typeof row.status !== "number" || row.status >= 500) continue;
      expect(row.blame, code).toBe("client");
    }
  });

  it("allows a safe repeat only before the request is written", () => {
    const before = new Set<string>(PHASES.slice(0, PHASES.indexOf("send")));
    for (const [code, row] of rows) {
      // RFC 9113 §8.7, RFC 9110 §10.1.1: written, but not processed, as the upstream says itself.
      if (code === "stream_refused" || code === "received_expectation_failed") continue;
      if (row.repeat === "safe") expect(before.has(row.phase), code).toBe(true);
    }
  });

  it("does not blame an upstream for what was never sent to one", () => {
    const earlier: readonly FailureCode[] = [
      "breaker_open",
      "no_healthy_target",
      "upstream_throttled",
    ];
    for (const [code, row] of rows) {
      if (row.phase !== "admit" || earlier.includes(code)) continue;
      expect(["proxy", "client", "self", "none"], code).toContain(row.blame);
    }
  });

  it("names codes that are fit for headers, metrics and file names", () => {
    for (const code of FAILURE_CODES) expect(code).toMatch(/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
  });

  it("recognises its own names and nothing of Object.prototype", () => {
    expect(isFailureCode("connection_refused")).toBe(true);
    expect(isFailureCode("constructor")).toBe(false);
    expect(isFailureCode("Connection_Refused")).toBe(false);
  });
});

describe("texts of the catalog", () => {
  it("summarise each failure in one sentence of its own", () => {
    const summaries = rows.map(([, row]) => row.summary);
    expect(new Set(summaries).size).toBe(summaries.length);
    for (const summary of summaries) {
      expect(summary).toMatch(/^[A-Z].{20,110}\.$/);
      expect(summary.slice(0, -1), "one sentence").not.toMatch(/\.\s/);
    }
  });

  it("give two to four causes and two to four remedies, each a sentence", () => {
    for (const [code, row] of rows) {
      expect(row.causes.length, code).toBeGreaterThanOrEqual(2);
      expect(row.causes.length, code).toBeLessThanOrEqual(4);
      expect(row.remedies.length, code).toBeGreaterThanOrEqual(2);
      expect(row.remedies.length, code).toBeLessThanOrEqual(4);
      for (const text of [...row.causes, ...row.remedies]) {
        expect(text, code).toMatch(/^\S.*[.?]$/);
        expect(text, code).not.toMatch(/\s{2}|\bTODO\b/);
      }
      expect(new Set([...row.causes, ...row.remedies]).size, code).toBe(
        row.causes.length + row.remedies.length,
      );
    }
  });

  it("speak of options by names that exist", async () => {
    const defaults = await import("../../../src/catalog/defaults.js");
    const known: Readonly<Record<string, readonly string[]>> = {
      timeouts: Object.keys(defaults.TIMEOUTS),
      limits: Object.keys(defaults.LIMITS),
      bulkhead: Object.keys(defaults.BULKHEAD),
    };
    let mentioned = 0;
    for (const [code, row] of rows) {
      for (const text of [row.summary, ...row.causes, ...row.remedies]) {
        for (const [, group, option] of text.matchAll(/\b(timeouts|limits|bulkhead)\.(\w+)/g)) {
          mentioned += 1;
          expect(known[group ?? ""], `${code}: ${group}.${option}`).toContain(option);
        }
      }
    }
    expect(mentioned).toBeGreaterThan(20);
  });
});
