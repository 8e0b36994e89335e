import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Latency } from "../../../src/targets/latency.js";
import { createTarget, parseTarget } from "../../../src/targets/target.js";
import { ALWAYS_HEALTHY } from "../../../src/targets/target-health.js";

const refused = (input: Parameters<typeof parseTarget>[0]): string => {
  try {
    parseTarget(input);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as TypeError).message;
  }
  throw new Error(`${JSON.stringify(input)} was accepted`);
};

describe("what is accepted", () => {
  it("host and port", () => {
    expect(parseTarget("http://10.0.0.5:8080")).toEqual({
      id: "http://10.0.0.5:8080",
      protocol: "http:",
      hostname: "10.0.0.5",
      port: 8080,
      authority: "10.0.0.5:8080",
      pathPrefix: "",
      socketPath: null,
      tls: null,
      weight: 1,
      priority: 0,
      zone: null,
    });
  });

  it.each([
    ["http://orders", 80, "orders"],
    ["https://orders", 443, "orders"],
    ["https://orders:443", 443, "orders"],
    ["HTTP://Orders:8080/", 8080, "orders:8080"],
  ])("%s has port %i and authority %s", (url, port, authority) => {
    expect(parseTarget(url)).toMatchObject({ port, authority });
  });

  it("an address of IPv6, with brackets only where it is named", () => {
    expect(parseTarget("http://[::1]:9000")).toMatchObject({
      id: "http://[::1]:9000",
      hostname: "::1",
      authority: "[::1]:9000",
    });
  });

  it.each([
    ["http://h/api", "/api"],
    ["http://h/api/", "/api"],
    ["http://h/a/b//", "/a/b"],
    ["http://h/", ""],
  ])("%s has the prefix %j", (url, pathPrefix) => {
    expect(parseTarget(url)).toMatchObject({ pathPrefix, id: `http://h${pathPrefix}` });
  });

  it("a unix socket", () => {
    expect(parseTarget("unix:/run/app.sock")).toMatchObject({
      id: "unix:/run/app.sock",
      socketPath: "/run/app.sock",
      authority: "localhost",
      protocol: "http:",
    });
  });

  it("a name and TLS over a unix socket", () => {
    const tls = { servername: "orders.internal" };
    expect(
      parseTarget({ url: "https://orders.internal/v1", socketPath: "/run/app.sock", tls }),
    ).toMatchObject({
      id: "unix:/run/app.sock/v1",
      socketPath: "/run/app.sock",
      authority: "orders.internal",
      protocol: "https:",
      tls,
    });
  });

  it("a weight", () => {
    expect(parseTarget({ url: "http://h", weight: 2.5 }).weight).toBe(2.5);
  });
});

describe("what is refused, with the nearest right thing in the message", () => {
  it.each([
    ["localhost:8080", 'write it like "http://localhost:8080"'],
    ["10.0.0.5:8080", 'write it like "http://10.0.0.5:8080"'],
    ["orders", 'write it like "http://orders"'],
    ["//orders:80", '"http://orders"'],
    ["http:orders", '"http://orders"'],
    ["ws://orders:9000", '"http://orders:9000"'],
    ["tcp://orders:9000", '"http://orders:9000"'],
    ["", '"http://127.0.0.1:8080"'],
    ["http://", '"http://127.0.0.1:8080"'],
    ["http://orders:99999", "is not an address"],
    ["http://ord ers", "is not an address"],
    ["http://orders\n", '"http://orders"'],
    ["http://orders\\evil", "is not an address"],
    ["http://orders:0", "0 is not a port"],
    ["unix:run/app.sock", '"unix:/run/app.sock"'],
    ["unix://run/app.sock", '"unix:/run/app.sock"'],
    ["http://orders/api?key=1", 'write "http://orders/api"'],
    ["http://orders/#top", 'write "http://orders"'],
  ])("%j", (url, nearest) => {
    expect(refused(url)).toContain(nearest);
  });

  it("credentials, which are not shown again", () => {
    const message = refused("http://admin:hunter2@orders:8080/api");
    expect(message).toContain("Authorization");
    expect(message).toContain("http://orders:8080");
    expect(message).not.toMatch(/hunter2|admin/);
  });

  it("credentials in an address that is wrong in another way are not shown either", () => {
    expect(refused("ftp://admin:hunter2@orders")).not.toMatch(/hunter2/);
    expect(refused({ url: "http://admin:hunter2@orders", weight: 0 })).not.toMatch(/hunter2/);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("a weight of %d", (weight) => {
    expect(refused({ url: "http://h", weight })).toContain("weight must be a number above 0");
  });

  it("tls for an address that is not encrypted", () => {
    expect(refused({ url: "http://h:8443", tls: {} })).toContain('"https://h:8443"');
  });

  it("a socket twice", () => {
    expect(refused({ url: "unix:/run/a.sock", socketPath: "/run/b.sock" })).toContain("socketPath");
  });

  it("anything, without ever throwing something else than a TypeError", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl().map((url) => url.slice(2)),
        ),
        (text) => {
          try {
            const { id, authority } = parseTarget(text);
            expect(id).not.toContain("@");
            expect(authority).not.toBe("");
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError);
          }
        },
      ),
    );
  });
});

describe("createTarget", () => {
  it("starts with nothing pending", () => {
    const address = parseTarget("http://h");
    expect(createTarget(address, null)).toEqual({
      ...address,
      guard: null,
      presence: null,
      draining: false,
      disabled: false,
      pending: 0,
      exchangesMax: Number.POSITIVE_INFINITY,
      refusing: null,
      staleRoutes: null,
      failedBy: null,
      failures: 1,
      breaker: null,
      health: ALWAYS_HEALTHY,
      latency: new Latency(),
      findOut: expect.any(Function),
      hasReturned: expect.any(Function),
    });
  });
});
