// Status policies, methods, field names and defaults.

import { describe, expect, it } from "vitest";
import * as defaults from "../../../src/catalog/defaults.js";
import { FAILURE_CODES, FAILURES, type FailureCode } from "../../../src/catalog/failures.js";
import {
  FIELD,
  FORBIDDEN_IN_TRAILERS,
  HOP_BY_HOP,
  WRITTEN_FIELDS,
} from "../../../src/catalog/field-names.js";
import { STATUS_TABLES, statusOf } from "../../../src/catalog/status-policy.js";
import { IDEMPOTENT_METHODS, isSafe, SAFE_METHODS } from "../../../src/core/repeat.js";

describe("status policy", () => {
  it("answers with the catalog's status unless another policy is asked for", () => {
    for (const code of FAILURE_CODES) {
      const { status } = FAILURES[code];
      expect(statusOf(code), code).toBe(status === "received" ? 502 : status);
    }
  });

  it.each<[FailureCode, number, number, number, number]>([
    ["dns_name_not_found", 502, 502, 503, 503],
    ["dns_timeout", 504, 502, 503, 503],
    ["destination_not_found", 500, 404, 503, 404],
    ["connection_refused", 502, 502, 503, 503],
    ["unix_socket_forbidden", 502, 502, 503, 503],
    ["unix_backlog_full", 503, 502, 503, 503],
    ["connection_timeout", 504, 504, 503, 503],
    ["tls_handshake_timeout", 504, 504, 503, 503],
    ["tls_certificate_error", 502, 502, 503, 503],
    ["breaker_open", 503, 502, 503, 503],
    ["no_healthy_target", 503, 502, 503, 503],
    ["bulkhead_full", 503, 502, 503, 503],
    ["rate_limited", 429, 503, 429, 429],
    ["deadline_already_over", 504, 504, 503, 504],
    ["loop_detected", 502, 502, 502, 502],
    ["connection_terminated", 502, 502, 502, 503],
    ["http_response_incomplete", 502, 502, 502, 503],
    ["http_protocol_error", 502, 502, 502, 502],
    ["http_response_timeout", 504, 504, 504, 504],
    ["connection_write_timeout", 504, 504, 504, 504],
    ["client_closed_request", 499, 499, 499, 499],
    ["only_if_cached", 504, 504, 504, 504],
  ])("gives %s the statuses %i, %i (nginx), %i (HAProxy) and %i (Envoy)", (code, ...expected) => {
    const policies = ["rfc9209", "nginx", "haproxy", "envoy"] as const;
    expect(policies.map((policy) => statusOf(code, policy))).toEqual(expected);
  });

  it("lists only differences, and only error statuses", () => {
    for (const [policy, table] of Object.entries(STATUS_TABLES)) {
      for (const [code, status] of Object.entries(table) as [FailureCode, number][]) {
        expect(FAILURES[code].status, `${policy} ${code}`).not.toBe(status);
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThanOrEqual(599);
      }
    }
  });

  it("hands code and row to a function and uses the status that it returns", () => {
    const seen: unknown[] = [];
    const status = statusOf("connection_refused", (code, row) => {
      seen.push(code, row);
      return 521;
    });
    expect(status).toBe(521);
    expect(seen).toEqual(["connection_refused", FAILURES.connection_refused]);
  });

  it.each([200, 302, 600, 502.5, Number.NaN])("does not believe a function's %d", (status) => {
    expect(statusOf("connection_refused", () => status)).toBe(502);
  });

  it("passes on what was received, whatever the policy", () => {
    expect(statusOf("received_server_error", "envoy", 507)).toBe(507);
    expect(statusOf("received_overloaded", () => 500, 503)).toBe(503);
  });
});

describe("methods", () => {
  it("are safe and idempotent as RFC 9110 and QUERY define them", () => {
    expect([...SAFE_METHODS].sort()).toEqual(["GET", "HEAD", "OPTIONS", "QUERY", "TRACE"]);
    expect([...IDEMPOTENT_METHODS].sort()).toEqual([
      "DELETE",
      "GET",
      "HEAD",
      "OPTIONS",
      "PUT",
      "QUERY",
      "TRACE",
    ]);
    for (const method of SAFE_METHODS)
      expect(isSafe(method) && IDEMPOTENT_METHODS.has(method)).toBe(true);
    for (const method of ["PUT", "DELETE"]) {
      expect([isSafe(method), IDEMPOTENT_METHODS.has(method)]).toEqual([false, true]);
    }
  });

  it("gain nothing from another case or an unknown name", () => {
    for (const method of ["get", "Put", "POST", "PATCH", "CONNECT", "", "constructor"]) {
      expect([isSafe(method), IDEMPOTENT_METHODS.has(method)], method).toEqual([false, false]);
    }
  });
});

describe("field names", () => {
  it("are in lower case", () => {
    for (const name of [...HOP_BY_HOP, ...FORBIDDEN_IN_TRAILERS, ...WRITTEN_FIELDS]) {
      expect(name).toBe(name.toLowerCase());
    }
  });

  it("remove all fields of RFC 9110 §7.6.1 and the dialogue with this proxy", () => {
    for (const name of ["connection", "proxy-connection", "keep-alive", "te", "upgrade"]) {
      expect(HOP_BY_HOP.has(name), name).toBe(true);
    }
    for (const name of ["transfer-encoding", "proxy-authorization", "proxy-authenticate"]) {
      expect(HOP_BY_HOP.has(name), name).toBe(true);
    }
  });

  it("keep end-to-end fields that look like hop-by-hop ones", () => {
    for (const name of ["trailer", "authorization", "www-authenticate", "via", "expect"]) {
      expect(HOP_BY_HOP.has(name), name).toBe(false);
    }
  });

  it("never remove as hop-by-hop what the gateway writes", () => {
    for (const name of WRITTEN_FIELDS) expect(HOP_BY_HOP.has(name), name).toBe(false);
    expect(WRITTEN_FIELDS.size).toBe(Object.keys(FIELD).length);
  });
});

describe("defaults", () => {
  const { TIMEOUTS, RETRY, BREAKER, BULKHEAD, POOL, LIMITS, RETRY_AFTER } = defaults;

  it("do not contradict each other", () => {
    expect(TIMEOUTS.connectMs + TIMEOUTS.responseMs).toBeLessThan(TIMEOUTS.totalMs);
    expect(TIMEOUTS.connectLocalMs).toBeLessThan(TIMEOUTS.connectMs);
    expect(BULKHEAD.queueMs).toBeLessThan(TIMEOUTS.totalMs);
    expect(BULKHEAD.concurrencyMax).toBeLessThanOrEqual(LIMITS.connectionsMax);
    expect(BREAKER.trialMs).toBeLessThan(TIMEOUTS.responseMs);
    expect(BREAKER.openMs).toBeLessThan(BREAKER.openMsMax);
    expect(BREAKER.consecutiveFailures).toBeLessThan(BREAKER.volumeMin);
    expect(BREAKER.windowMs % BREAKER.windowBuckets).toBe(0);
    expect(RETRY.backoffBaseMs).toBeLessThan(RETRY.backoffMsMax);
    expect(POOL.keepAliveMarginMs).toBeLessThan(POOL.keepAliveMs);
    expect(LIMITS.responseHeaderBytesMax).toBeLessThan(LIMITS.responseHeaderSectionBytesMax);
    expect(LIMITS.trailerBytesMax).toBeLessThan(LIMITS.trailerSectionBytesMax);
    expect(RETRY_AFTER.msMin).toBeLessThanOrEqual(RETRY_AFTER.fallbackMs);
  });

  it("are positive numbers, each in a named group, but for waits that are off", () => {
    const off = ["SHUTDOWN.lameDuckMs", "CACHE.staleIfErrorMs"];
    for (const [group, values] of Object.entries(defaults)) {
      for (const [name, value] of Object.entries(values)) {
        if (typeof value !== "number") continue;
        const least = off.includes(`${group}.${name}`) ? 0 : Number.MIN_VALUE;
        expect(value, `${group}.${name}`).toBeGreaterThanOrEqual(least);
      }
    }
  });
});
