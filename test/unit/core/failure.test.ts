/**
 * The exception of the public edge: what those who catch it, frameworks above all, read from it.
 */
import { describe, expect, it } from "vitest";
import { GatewayError, isGatewayError } from "../../../src/core/failure.js";

describe("GatewayError", () => {
  it("is the error that fetch rejects with, and says why", () => {
    const cause = new Error("connect");
    const error = new GatewayError("fetch failed", { code: "connection_refused", cause }, 3);
    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({
      message: "fetch failed",
      code: "connection_refused",
      attempts: 3,
    });
    expect(error.cause).toBe(cause);
  });

  it("carries the status under both names that frameworks read", () => {
    const error = new GatewayError("fetch failed", { code: "http_response_timeout" }, 1);
    expect([error.status, error.statusCode]).toEqual([504, 504]);
    expect(error.headers).toEqual({});
  });

  it("tells when to come back on every 503, in whole seconds", () => {
    const open = new GatewayError("fetch failed", { code: "breaker_open", retryAfterMs: 1_200 }, 0);
    expect(open.headers).toEqual({ "retry-after": "2" });
    const full = new GatewayError("fetch failed", { code: "bulkhead_full" }, 0);
    expect(Number(full.headers["retry-after"])).toBeGreaterThan(0);
  });

  it("is known by its brand, also from another copy of the package", () => {
    const other = { [Symbol.for("good-gateway.GatewayError")]: true };
    expect(isGatewayError(other)).toBe(true);
    expect(isGatewayError(new TypeError("fetch failed"))).toBe(false);
    expect(isGatewayError(null)).toBe(false);
  });
});
