/**
 * The exception of the public edge: what those who catch it, frameworks above all, read from it.
 */
import { describe, expect, it } from "vitest";
import { GatewayError, gatewayErrorOf, isGatewayError } from "../../../src/core/failure.js";

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

  // As Koa, http-errors and many error handlers do, some of them outside of every try.
  it("takes what is assigned to it, and keeps what really happened", () => {
    const error = new GatewayError("fetch failed", { code: "breaker_open" }, 0);
    const values = {
      name: "Own",
      code: "ENOENT",
      status: 418,
      statusCode: 418,
      headers: { "x-own": "1" },
      expose: false,
    };
    for (const [name, value] of Object.entries(values)) {
      (error as unknown as Record<string, unknown>)[name] = value;
    }
    expect(error).toMatchObject(values);
    expect(error.failure.code).toBe("breaker_open");
    expect(isGatewayError(error)).toBe(true);
    const other = new GatewayError("fetch failed", { code: "breaker_open" }, 0);
    expect(other).toMatchObject({ name: "GatewayError", status: 503, code: "breaker_open" });
  });

  it("is found in what was made of it, whatever status that has, and not without end", () => {
    const error = new GatewayError("fetch failed", { code: "breaker_open" }, 0);
    expect(gatewayErrorOf(error)).toBe(error);
    const cause = Object.assign(new Error("inner", { cause: error }), { status: 404 });
    expect(gatewayErrorOf(new Error("outer", { cause }))).toBe(error);
    const round = new Error("round");
    round.cause = round;
    for (const other of [round, new Error("own"), "text", null, undefined]) {
      expect(gatewayErrorOf(other)).toBeNull();
    }
  });

  it("is known by its brand, also from another copy of the package", () => {
    const other = { [Symbol.for("good-gateway.GatewayError")]: true };
    expect(isGatewayError(other)).toBe(true);
    expect(isGatewayError(new TypeError("fetch failed"))).toBe(false);
    expect(isGatewayError(null)).toBe(false);
  });
});
