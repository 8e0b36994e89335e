/** What a probe sends: what is taken, and what is told by name. */
import { describe, expect, it } from "vitest";
import { normaliseGateway } from "../../../src/options/normalise.js";
import { isGatewayOptionsError } from "../../../src/options/options-error.js";

const read = (probe: object) =>
  normaliseGateway({ upstreams: { orders: { targets: "http://10.0.0.7", probe: probe as never } } })
    .upstreams["orders"]?.probe;

function problemOf(probe: object): string {
  try {
    read(probe);
  } catch (error) {
    if (isGatewayOptionsError(error)) return error.message;
    throw error;
  }
  return "";
}

describe("what a probe sends", () => {
  it("is a GET without anything else, unless it is written", () => {
    expect(read({ path: "/x" })).toMatchObject({
      ...{ port: null, method: "GET", host: null, headers: {}, requestBody: null },
    });
  });

  it("is taken as it is written, with fields by their lower names", () => {
    const headers = { Authorization: "Bearer x" };
    const own = { port: 9_090, method: "POST", host: "orders:80", requestBody: "{}" };
    expect(read({ path: "/x", headers, ...own })).toMatchObject({
      ...own,
      headers: { authorization: "Bearer x" },
    });
    expect(read({ tcp: true, port: 1 })).toMatchObject({ path: null, port: 1 });
  });

  it.each([
    [{ path: "/x", port: 0 }, "probe.port: 0 is not a port, a whole number from 1 to 65535"],
    [{ path: "/x", port: "80" }, "probe.port: "],
    [{ path: "/x", method: "get" }, 'probe.method: "get" is not a method in capitals'],
    [{ path: "/x", method: "CONNECT" }, "probe.method: "],
    [{ path: "/x", host: "a b" }, 'probe.host: "a b" is not a host such as "orders.internal"'],
    [{ path: "/x", headers: ["a"] }, "probe.headers: "],
    [{ path: "/x", headers: { "a b": "x" } }, "is not the name of a field"],
    [{ path: "/x", headers: { Host: "x" } }, "has an option of its own: host"],
    [{ path: "/x", headers: { "Transfer-Encoding": "x" } }, "is written by the gateway itself"],
    [{ path: "/x", headers: { a: "x\r\nb: c" } }, "visible ASCII characters"],
    [{ path: "/x", headers: { a: 1 } }, "visible ASCII characters"],
    [{ path: "/x", requestBody: "x" }, "probe.requestBody: needs a method that has a body"],
    [{ path: "/x", method: "POST", requestBody: "x".repeat(65_537) }, "at most 65536 bytes"],
    [{ path: "/x", method: "HEAD", expect: { body: "x" } }, "HEAD has no body to expect"],
    [
      { tcp: true, method: "POST" },
      "probe.method: is sent with a request; tcp: true only connects",
    ],
    [{ path: "/x", body: "x" }, '"body" belongs in probe.expect'],
  ])("%j is told by name", (probe, problem) => {
    expect(problemOf(probe)).toContain(problem);
  });
});
