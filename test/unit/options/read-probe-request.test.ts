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

  it("is one of several kinds, and further checks by their names", () => {
    const none = { path: null, grpc: null, agent: false, command: null, checks: [] };
    expect(read({ grpc: true })).toMatchObject({ ...none, grpc: "", onlyChecks: false });
    expect(read({ grpc: "a.B" })).toMatchObject({ ...none, grpc: "a.B" });
    expect(read({ agent: true, port: 9 })).toMatchObject({ ...none, agent: true, port: 9 });
    const command = ["/check", "-v"];
    expect(read({ command })).toMatchObject({ ...none, command: ["/check", "-v"] });
    const checks = { db: { path: "/db", method: "HEAD" }, agent: { agent: true, port: 9 } };
    const named = [
      { name: "db", path: "/db", method: "HEAD", statuses: [[200, 299]], port: null },
      { name: "agent", path: null, agent: true, port: 9, method: "GET" },
    ];
    expect(read({ path: "/x", checks })).toMatchObject({ checks: named, onlyChecks: false });
    expect(read({ checks, fall: 1 })).toMatchObject({ checks: named, onlyChecks: true, fall: 1 });
  });

  it.each([
    [{ path: "/x", grpc: true }, "probe.grpc: contradicts path; a check asks one thing"],
    [{ tcp: true, command: ["x"] }, "probe.command: contradicts tcp"],
    [{ grpc: "a b" }, 'probe.grpc: "a b" is neither true nor a service such as "orders.Orders"'],
    [{ agent: true }, "probe.agent: needs port, the one that the agent listens on"],
    [{ agent: 1, port: 1 }, "probe.agent: 1 is not true or false"],
    [{ command: "check -v" }, 'probe.command: "check -v" is not a program with its arguments: ["'],
    [{ command: [] }, "probe.command: "],
    [{ command: ["x", "a\0b"] }, "probe.command: "],
    [{ command: ["x"], headers: {} }, "probe.headers: is sent with a request; command has no"],
    [{ grpc: true, method: "POST" }, "probe.method: is sent with a request; grpc has no place"],
    [{ grpc: true, expect: { status: 200 } }, "probe.expect: is for path; grpc has its own"],
    [{ checks: {} }, "probe.checks: is not an object of 1 to 8 checks by name, such as"],
    [{ checks: ["/a"] }, "probe.checks: "],
    [{ checks: { db: "/db" } }, 'probe.checks.db: "/db" is not an object such as'],
    [{ checks: { db: {} } }, "probe.checks.db: has nothing to probe"],
    [{ checks: { "a b": { path: "/" } } }, "is not a name of letters, digits, dots and hyphens"],
    [{ checks: { db: { path: "/", fall: 1 } } }, 'checks.db.fall: unknown option; "fall"'],
    [{ checks: { db: { path: "/", status: 1 } } }, 'checks.db.status: unknown option; "status" be'],
    [
      { checks: Object.fromEntries([..."abcdefghi"].map((name) => [name, { path: "/" }])) },
      "probe.checks: is not an object of 1 to 8",
    ],
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
