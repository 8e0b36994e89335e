// Rules for routes, as they are written, checked, completed and compared.
import { describe, expect, it } from "vitest";
import { createGateway } from "../../../src/gateway/gateway.js";
import { normaliseGateway } from "../../../src/options/normalise.js";
import type { UpstreamOptions } from "../../../src/options/options.js";
import { RouteLedger } from "../../../src/targets/route-ledger.js";
import { ruleFor } from "../../../src/targets/route-rules.js";

const targets = "http://10.0.0.5:8080";

function read(routes: unknown, more: UpstreamOptions = {}) {
  const written = { targets, ...more, routes: routes as NonNullable<UpstreamOptions["routes"]> };
  const normalised = normaliseGateway({ upstreams: { app: written } });
  return { rules: normalised.upstreams["app"]?.routes ?? [], warnings: normalised.warnings };
}

const patternFor = (routes: Record<string, object>, path: string) =>
  ruleFor(read(routes).rules, path)?.pattern;

describe("a pattern", () => {
  it.each([
    ["/reports/*", "/reports/2026/march", true],
    ["/reports/*", "/reports", false],
    ["/reports{/*}", "/reports", true],
    ["/reports/*all", "/reports/1", true],
    ["/users/:id", "/users/7?tab=1", true],
    ["/users/:id", "/users/7/", true],
    ["/users/:id", "/users/7/orders", false],
    ["/Users", "/users", false],
    ["/a\\*b", "/a*b", true],
    ["/*/edit", "/a/b/edit#top", true],
  ])("%s of %s: %s", (pattern, path, fits) => {
    expect(patternFor({ [pattern]: {} }, path)).toBe(fits ? pattern : undefined);
  });

  it("that is written first counts", () => {
    const routes = { "/reports/live": {}, "/reports/:id": {}, "/*": {} };
    expect(patternFor(routes, "/reports/live")).toBe("/reports/live");
    expect(patternFor(routes, "/reports/7")).toBe("/reports/:id");
    expect(patternFor(routes, "/else")).toBe("/*");
  });

  it.each([
    [{ "reports/*": {} }, 'did you mean "/reports/*"?'],
    [{ "http://a/b": {} }, "write its path only"],
    [{ "/a(b)": {} }, "is no pattern (unexpected ( at index 2"],
    [{ "/a/:": {} }, "is no pattern (missing parameter name"],
    [{ "/*": {}, "/reports/*": {} }, 'is never reached: "/*" before it takes all of its paths'],
    [{ "/a{/:b}": {}, "/a/:c": {} }, 'is never reached: "/a{/:b}"'],
    [{ "/a": 5 }, "5 is not an object; write"],
    ["/a", '"/a" is not an object; write { "/reports/*"'],
    [{ "/a": { timeout: 5 } }, 'did you mean "timeouts.totalMs"'],
    [{ "/a": { bulkhead: false } }, "unknown option"],
    [{ "/a": { priority: "high" } }, "is not a priority"],
    [{ "/a": { timeouts: { clientMs: 5_000 } } }, "is a setting of the upstream; a route can only"],
    [{ "/a": { retry: { unprocessedStatuses: [503] } } }, "is a setting of the upstream"],
    [{ "/a": { breaker: { windowMs: 5_000 } } }, "is a setting of the upstream"],
    [{ "/a": { timeouts: { responseMs: "5s" } } }, '["/a"].timeouts.responseMs: "5s" is not'],
    [
      Object.fromEntries(Array.from({ length: 101 }, (_, one) => [`/${one}`, {}])),
      "101 patterns are more than 100",
    ],
  ])("%j is refused: %s", (routes, text) => {
    expect(() => read(routes)).toThrow(text);
  });

  it("that leaves a later one something is none that hides it", () => {
    expect(read({ "/a/x": {}, "/a/:id": {}, "/a/:id/:part": {}, "/a/*": {} }).rules).toHaveLength(
      4,
    );
  });
});

describe("what is written for a route", () => {
  it("stands over the upstream, whose defaults give way to it", () => {
    const { rules } = read({ "/a": { timeouts: { totalMs: 5_000 } }, "/b": {} });
    expect(rules[0]?.overrides?.timeouts).toMatchObject({ totalMs: 5_000, responseMs: 5_000 });
    expect(rules[1]).toMatchObject({ overrides: null, breaker: null });
    const own = read({ "/a": { timeouts: { idleMs: 9_000 } } }, { timeouts: { responseMs: 70 } });
    expect(own.rules[0]?.overrides?.timeouts).toMatchObject({ idleMs: 9_000, responseMs: 70 });
  });

  it("that can never matter is told", () => {
    const { warnings } = read({ "/a": { timeouts: { responseMs: 60_000 } } });
    expect(warnings.join()).toContain('routes["/a"].timeouts.responseMs');
  });

  it("switches repeats on where the upstream has none", () => {
    const { rules } = read({ "/a": { retry: { attemptsMax: 2 } } }, { retry: false });
    expect(rules[0]?.overrides?.retry).toEqual({ attemptsMax: 2 });
  });

  it("is described with the pipe", () => {
    const routes = { "/a/*": { retry: false as const, breaker: false as const } };
    const gateway = createGateway({ upstreams: { app: { targets, routes }, other: { targets } } });
    expect(gateway.upstream("app").describe()[0]).toEqual({
      role: "routes",
      settings: { "/a/*": { retry: false, breaker: false } },
    });
    expect(gateway.upstream("other").describe()[0]?.role).not.toBe("routes");
    gateway.close();
  });
});

describe("a route with a rule", () => {
  it("is one route, whatever its paths, with the breaker that is written", () => {
    const { rules } = read({
      "/a/*": { breaker: { consecutiveFailures: 1, openMs: 4_000, openMsMax: 5_000 } },
    });
    const clock = { at: 0, now: () => clock.at };
    const ledger = new RouteLedger(clock, 5, rules);
    const get = (path: string) => ({ method: "GET", path });
    ledger.failed(get("/a/one"));
    expect(ledger.refusedForMs(get("/a/two/three"))).toBe(4_000);
    expect(ledger.refusedForMs(get("/b"))).toBe(0);
    expect(ledger.list()).toMatchObject([{ route: "GET /a/*", standing: "refused" }]);
    clock.at = 4_000;
    expect(ledger.refusedForMs(get("/a/two"))).toBe(0);
    ledger.tried(get("/a/two"));
    ledger.failed(get("/a/two"));
    expect(ledger.refusedForMs(get("/a/one"))).toBe(5_000);
  });
});
