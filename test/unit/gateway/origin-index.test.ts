/** Which upstream serves a path of an origin; the path never leads to another origin. */
import { createGateway } from "good-gateway";
import { afterAll, describe, expect, it } from "vitest";
import { gatewayCore } from "../../../src/gateway/gateway-handle.js";

const gateway = createGateway({
  upstreams: {
    whole: { targets: "http://api.test" },
    part: { targets: "http://api.test/v1" },
    deep: { targets: "http://api.test/v1/deep" },
    other: { targets: "http://other.test/v1" },
  },
});
afterAll(() => gateway.close());

function found(origin: string, path: string): string {
  const route = gatewayCore(gateway).upstreamOf(origin, path);
  return `${route.core.name} ${route.path}`;
}

describe("the upstream of an origin and a path", () => {
  it.each([
    ["/", "whole /"],
    ["/v1", "part /"],
    ["/v1?a=1", "part /?a=1"],
    ["/v1/x", "part /x"],
    ["/v1/deep/x?a=1", "deep /x?a=1"],
    ["/v10", "whole /v10"],
  ])("is the one with the longest prefix: %s", (path, wanted) => {
    expect(found("http://api.test", path)).toBe(wanted);
  });

  it.each([
    "//other.test/v1/x",
    "/\\other.test/v1",
    "\\\\other.test/",
    "@other.test/",
    "http://other.test/v1/x",
    "https://other.test",
    "///",
    "*",
    "",
    "/v1/../admin",
    "/v1/%2e%2e/admin",
    "/v1/..\\admin",
    "/x/../v1/y",
    "/v1/deep/../../admin",
  ])("is one of its origin, and gets the path as it is: %s", (path) => {
    expect(found("http://api.test", path)).toBe(`whole ${path}`);
  });

  it("is made for an origin whose upstreams serve other paths only", () => {
    expect(found("http://other.test", "/v2")).toBe("http://other.test /v2");
    expect(found("http://other.test", "/v1/../v2")).toBe("http://other.test /v1/../v2");
    expect(found("http://other.test", "/v1/x")).toBe("other /x");
  });
});
