/**
 * Rules that choose an upstream: conditions, hosts, and shares that stay when they grow.
 */
import { describe, expect, it } from "vitest";
import { createFindings } from "../../../src/options/findings.js";
import { readUpstreamFor } from "../../../src/options/read-upstream-for.js";
import { chooseUpstream } from "../../../src/targets/upstream-rules.js";

function chosen(rule: object, headers: readonly string[] = [], path = "/", drawn = 0.5) {
  const findings = createFindings();
  const choice = readUpstreamFor(findings, "upstreamFor", [{ to: "next", ...rule }]);
  expect(findings.problems).toEqual([]);
  if (choice === false) throw new Error("no choice");
  return chooseUpstream(choice, { method: "GET", path, headers }, { next: () => drawn }) !== null;
}

describe("a host", () => {
  it.each([
    ["shop.example", ["host", "shop.example"], true],
    ["shop.example", ["Host", "SHOP.example:8080"], true],
    ["shop.example", ["host", "a.shop.example"], false],
    ["*.shop.example", ["host", "a.b.shop.example"], true],
    ["*.shop.example", ["host", "shop.example"], false],
    ["*.shop.example", ["host", "evilshop.example"], false],
    ["[::1]", ["host", "[::1]:80"], true],
    ["shop.example", ["host", "10.0.0.1", "x-forwarded-host", "shop.example"], true],
    ["shop.example", [], false],
  ])("%s and %j: %s", (host, headers, is) => {
    expect(chosen({ host }, headers)).toBe(is);
  });
});

it("all conditions of a rule must hold", () => {
  const rule = { path: "/a/*", header: { "X-A": "1", "x-b": "2" }, cookie: { c: "3" } };
  const all = ["x-a", "1", "x-b", "2", "cookie", "c=3"];
  expect(chosen(rule, all, "/a/b?c")).toBe(true);
  expect(chosen(rule, all, "/b")).toBe(false);
  for (const left of [0, 2, 4]) expect(chosen(rule, all.toSpliced(left, 2), "/a/b")).toBe(false);
});

describe("a share", () => {
  const by = { header: "x-user" };
  const users = Array.from({ length: 4_000 }, (_, index) => `user ${index}`);
  const taken = (weight: number) =>
    new Set(users.filter((user) => chosen({ weight, by }, ["x-user", user])));

  it("is about as large as it says, and who was in it stays when it grows", () => {
    const [small, large] = [taken(0.05), taken(0.2)];
    expect(Math.abs(small.size / users.length - 0.05)).toBeLessThan(0.015);
    expect(Math.abs(large.size / users.length - 0.2)).toBeLessThan(0.03);
    expect([...small].every((user) => large.has(user))).toBe(true);
  });

  it("is drawn for requests without a key, and is none or all at its ends", () => {
    expect([0.04, 0.06].map((drawn) => chosen({ weight: 0.05, by }, [], "/", drawn))).toEqual([
      true,
      false,
    ]);
    expect(chosen({ weight: 0 }, [], "/", 0)).toBe(false);
    expect(chosen({ weight: 1 }, [], "/", 0.999_999)).toBe(true);
  });
});

it.each([
  ["next", "is no choice of upstreams"],
  [[], "is no choice of upstreams"],
  [["next"], "is no rule"],
  [[{}], "to: undefined is not the name of an upstream"],
  [[{ to: "next", wieght: 1 }], 'did you mean "weight"?'],
  [[{ to: "next", weight: 5 }], "is not a ratio from 0 to 1; did you mean 0.05?"],
  [[{ to: "next", host: "http://a" }], "is not a host without a port"],
  [[{ to: "next", header: "x-canary" }], "is not names with their values"],
  [[{ to: "next", path: "next" }], 'did you mean "/next"?'],
  [[{ to: "next", by: "session" }], "is not a key"],
])("%j is a problem", (value, words) => {
  const findings = createFindings();
  readUpstreamFor(findings, "upstreamFor", value);
  expect(findings.problems.join()).toContain(words);
});
