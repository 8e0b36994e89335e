/** What an answer says about being sent again, by the fields of all layers that have some. */
import { describe, expect, it } from "vitest";
import { receivedFailure } from "../../../src/core/received-failure.js";

const NOW = Date.UTC(2026, 0, 1);
const read = (status: number, ...fields: readonly string[]) =>
  receivedFailure(status, fields, () => NOW, "http://10.0.0.1");

describe("the wait that an answer asks for", () => {
  const wait = (status: number, ...fields: readonly string[]) =>
    read(status, ...fields)?.retryAfterMs ?? null;

  it("is read of a 503 and of a 429, in seconds or as a date", () => {
    expect(wait(503, "Retry-After", "7")).toBe(7_000);
    expect(wait(429, "x", "y", "retry-AFTER", "1")).toBe(1_000);
    expect(wait(503, "Retry-After", "Thu, 01 Jan 2026 00:00:09 GMT")).toBe(9_000);
  });

  it("is none where the field is missing or says nothing that can be understood", () => {
    expect(wait(503)).toBeNull();
    expect(wait(503, "Retry-Aftex", "7")).toBeNull();
    expect(wait(503, "Retry-After", "soon")).toBeNull();
  });

  it("means nothing to us in any other answer", () => {
    for (const status of [200, 301, 413, 500, 502, 504]) {
      expect(wait(status, "Retry-After", "7")).toBeNull();
    }
  });

  it("is the first, where an answer says several", () => {
    expect(wait(503, "Retry-After", "7", "Retry-After", "9")).toBe(7_000);
  });

  it("is read in milliseconds, too, which are more exact", () => {
    expect(wait(429, "retry-after-ms", "250")).toBe(250);
    expect(wait(503, "Retry-After-Ms", "1.5", "Retry-After", "7")).toBe(2);
    expect(wait(503, "Retry-After", "7", "retry-after-ms", "90")).toBe(90);
    expect(wait(503, "retry-after-ms", "soon")).toBeNull();
    expect(wait(500, "retry-after-ms", "90")).toBeNull();
  });

  it("is that of gRPC where there is one, for every failure", () => {
    expect(wait(502, "grpc-retry-pushback-ms", "150")).toBe(150);
    expect(read(502, "grpc-retry-pushback-ms", "150")?.repeat).toBeUndefined();
  });
});

describe("leave to send again", () => {
  const said = (status: number, ...fields: readonly string[]) => read(status, ...fields)?.repeat;

  it.each([
    ["Envoy's limit", "x-envoy-ratelimited", "true"],
    ["Envoy's overload", "X-Envoy-Overloaded", "true"],
    ["Finagle's final refusal", "finagle-http-nonretryable-nack", "true"],
    ["gRPC's negative pushback", "grpc-retry-pushback-ms", "-1"],
    ["a pushback that cannot be read", "grpc-retry-pushback-ms", "soon"],
  ])("%s forbids it", (_who, name, value) => {
    expect(said(503, name, value)).toBe("never");
  });

  it("Finagle's refusal and linkerd's word give it", () => {
    expect(said(503, "finagle-http-nack", "true")).toBe("safe");
    expect(said(500, "l5d-retryable", "true")).toBe("safe");
  });

  it("a refusal that is no 503, and a word that is not yes, give nothing", () => {
    expect(said(502, "finagle-http-nack", "true")).toBeUndefined();
    expect(said(503, "l5d-retryable", "false")).toBeUndefined();
  });

  it("who forbids wins, in any order", () => {
    const nack = ["finagle-http-nack", "true"];
    const limited = ["x-envoy-ratelimited", "true"];
    expect(said(503, ...nack, ...limited)).toBe("never");
    expect(said(503, ...limited, ...nack)).toBe("never");
  });

  it("a refusal before anything was done is overload, not a gateway's error", () => {
    expect(read(503)?.code).toBe("received_gateway_error");
    expect(read(503, "finagle-http-nack", "true")?.code).toBe("received_overloaded");
    expect(read(503, "x-envoy-overloaded", "true")?.code).toBe("received_overloaded");
  });

  it("an answer that is no failure has none, whatever it says", () => {
    expect(read(200, "x-envoy-ratelimited", "true")).toBeNull();
    expect(read(404, "finagle-http-nack", "true")).toBeNull();
  });
});
