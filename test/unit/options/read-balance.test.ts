import { describe, expect, it } from "vitest";
import { normaliseUpstream } from "../../../src/options/normalise.js";
import type { UpstreamOptions } from "../../../src/options/options.js";
import { GatewayOptionsError } from "../../../src/options/options-error.js";

type Wrong = Readonly<Record<string, unknown>> | string | number | boolean;

const read = (balance: unknown, more: object = {}) =>
  normaliseUpstream("orders", {
    targets: "http://a",
    balance: balance as NonNullable<UpstreamOptions["balance"]>,
    ...more,
  }).balance;

const problemsOf = (balance: Wrong): readonly string[] => {
  try {
    read(balance);
  } catch (error) {
    if (!(error instanceof GatewayOptionsError)) throw error;
    return error.problems.map((problem) => problem.replace("upstreams.orders.balance", "balance"));
  }
  return [];
};

describe("what balance may be", () => {
  it.each(["two_choices", "least_pending", "round_robin"])("the name %s", (policy) => {
    expect(read(policy).make().name).toBe(policy);
    expect(read({ policy }).make().name).toBe(policy);
  });

  it("two choices unless something else is written", () => {
    const { balance } = normaliseUpstream("orders", { targets: "http://a" });
    expect(balance.make().name).toBe("two_choices");
    expect(balance).toMatchObject({ overflowBelow: 0.7, sticky: null });
  });

  it.each([{ header: "X-User" }, { cookie: "session" }, () => "key"])("a hash by %j", (key) => {
    expect(read({ policy: "hash", key }).make().name).toBe("hash");
  });

  it("a balancer of the user, which is neither copied nor frozen", () => {
    const own = { name: "own", over: () => ({ pick: () => null }) };
    expect(read(own).make()).toBe(own);
    expect(read({ policy: own }).make()).toBe(own);
    expect(Object.isFrozen(own)).toBe(false);
  });

  it("that of an upstream in place of that in defaults", () => {
    const defaults = { balance: "round_robin" } as const;
    const make = (own: object) =>
      normaliseUpstream("orders", { targets: "http://a", ...own }, defaults).balance.make().name;
    expect(make({})).toBe("round_robin");
    expect(make({ balance: { overflowBelow: 0.5 } })).toBe("two_choices");
  });
});

describe("the sticky cookie", () => {
  it("is hidden, for TLS, and for the site alone unless said otherwise", () => {
    expect(read({ sticky: true }).sticky).toMatchObject({
      cookie: "gateway_target",
      attributes: "; Path=/; HttpOnly; Secure; SameSite=Lax",
    });
  });

  it("has the attributes that are written", () => {
    const sticky = {
      ...{ cookie: "at", secret: "long enough", path: "/shop", domain: "example.com" },
      ...{ maxAgeMs: 3_600_000, secure: false, httpOnly: false, sameSite: "strict" },
    };
    expect(read({ sticky }).sticky).toEqual({
      cookie: "at",
      secret: "long enough",
      attributes: "; Path=/shop; Domain=example.com; Max-Age=3600; SameSite=Strict",
    });
  });

  it.each<[Wrong, string]>([
    [{ cookie: "a;b" }, 'cookie: "a;b" is not the name of a cookie, such as "gateway_target"'],
    [{ path: "/;HttpOnly" }, 'path: "/;HttpOnly" is not a path, such as "/"'],
    [{ secret: "short" }, "secret: this is not a secret text of at least eight characters"],
    [{ sameSite: "Lax" }, 'sameSite: "Lax" is not known; did you mean "lax"?'],
    [
      { sameSite: "none", secure: false },
      'sameSite: "none" needs secure: true; browsers refuse the cookie otherwise',
    ],
    [{ ttlMs: 1 }, 'ttlMs: unknown option; did you mean "maxAgeMs"?'],
  ])("%j is a problem", (sticky, problem) => {
    expect(problemsOf({ sticky })).toEqual([`balance.sticky.${problem}`]);
  });
});

describe("what cannot be meant", () => {
  it.each<[Wrong, string]>([
    ["p2c", 'balance: "p2c" is not a way to balance; did you mean "two_choices"?'],
    ["least-conn", 'balance: "least-conn" is not a way to balance; did you mean "least_pending"?'],
    ["round_robn", 'balance: "round_robn" is not a way to balance; did you mean "round_robin"?'],
    ["hash", 'balance: "hash" needs a key; write { policy: "hash", key: { header: "x-user" } }'],
    [{ key: { header: "a" } }, 'balance.key: is used with policy: "hash" only'],
    [{ strategy: "hash" }, 'balance.strategy: unknown option; did you mean "policy"?'],
    [
      { policy: "hash", key: { header: "a b" } },
      'balance.key: does not name one field or one cookie; write { header: "x-user" }, ' +
        '{ cookie: "session" } or a function',
    ],
    [
      { overflowBelow: 70 },
      "balance.overflowBelow: 70 is not a ratio above 0, up to 1; did you mean 0.7?",
    ],
    [
      { policy: "hash", key: () => "", loadFactor: 1 },
      "balance.loadFactor: 1 is not a number above 1",
    ],
  ])("%j is a problem", (balance, problem) => {
    const problems = problemsOf(balance);
    expect(problems[0]).toBe(problem);
  });
});
