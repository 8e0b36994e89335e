// What follows from the fronts that are named: deadlines, times, statuses, and what is told.

import { describe, expect, it } from "vitest";
import { FAILURES } from "../../../../src/catalog/failures.js";
import { FRONT_NAMES, FRONTS, type FrontName } from "../../../../src/catalog/fronts.js";
import { statusOf } from "../../../../src/catalog/status-policy.js";
import { serverTimes } from "../../../../src/options/behind.js";
import { normaliseGateway } from "../../../../src/options/normalise.js";
import type { GatewayOptions } from "../../../../src/options/options.js";
import { isGatewayOptionsError } from "../../../../src/options/options-error.js";

const UPSTREAMS = { orders: { targets: "http://10.0.0.5:8080" } };

function made(options: Partial<GatewayOptions>) {
  return normaliseGateway({ upstreams: UPSTREAMS, ...options });
}

function totalOf(behind: NonNullable<GatewayOptions["behind"]>) {
  return made({ behind }).upstreams["orders"]?.timeouts.totalMs;
}

describe("the deadline of calls", () => {
  it.each<[FrontName, number]>([
    ["nginx", 55_000],
    ["apache", 55_000],
    ["haproxy", 45_000],
    ["aws-alb", 55_000],
    ["cloudflare", 110_000],
    ["gcp-lb", 29_000],
    ["caddy", 30_000],
    ["envoy", 14_000],
  ])("behind %s is %d ms unless given", (front, totalMs) => {
    expect(totalOf(front)).toBe(totalMs);
    expect(totalMs).toBeLessThan(FRONTS[front].responseMs);
  });

  it("is below the least of several fronts", () => {
    expect(totalOf(["nginx", "cloudflare"])).toBe(55_000);
    expect(totalOf(["caddy", "gcp-lb"])).toBe(29_000);
  });

  it("follows what was changed of a front, and has a place below a very short one", () => {
    expect(totalOf({ front: "nginx", responseMs: 300_000 })).toBe(275_000);
    expect(totalOf({ front: "nginx", responseMs: Infinity })).toBe(30_000);
    expect(totalOf({ front: "nginx", responseMs: 1_000 })).toBe(500);
  });

  it("gives way to what is written, for one upstream or for all", () => {
    const timeouts = { totalMs: 8_000 };
    const one = made({ behind: "nginx", upstreams: { orders: { targets: "http://a", timeouts } } });
    expect(one.upstreams["orders"]?.timeouts.totalMs).toBe(8_000);
    const all = made({ behind: "nginx", defaults: { timeouts } });
    expect(all.upstreams["orders"]?.timeouts.totalMs).toBe(8_000);
    expect([...one.warnings, ...all.warnings]).toEqual([]);
  });

  it.each([60_000, 90_000, Infinity])("of %d ms behind nginx is kept, and told", (totalMs) => {
    const { warnings, upstreams } = made({ behind: "nginx", defaults: { timeouts: { totalMs } } });
    expect(upstreams["orders"]?.timeouts.totalMs).toBe(totalMs);
    expect(warnings).toEqual([
      expect.stringMatching(/^defaults\.timeouts\.totalMs: .*nginx waits \(60_000\).*write 55_000/),
    ]);
  });
});

describe("the times of a server", () => {
  it.each<[FrontName, number]>([
    ["nginx", 65_000],
    ["apache", 3_600_000],
    ["haproxy", 65_000],
    ["aws-alb", 65_000],
    ["cloudflare", 930_000],
    ["gcp-lb", 620_000],
    ["caddy", 125_000],
    ["envoy", 3_720_000],
  ])("behind %s keep a connection for %d ms", (front, keepAliveTimeout) => {
    const headersTimeout = keepAliveTimeout + 1_000;
    expect(serverTimes(FRONTS[front])).toEqual({ keepAliveTimeout, headersTimeout });
  });

  it("are Node 26's own where nothing is known", () => {
    expect(serverTimes(null).keepAliveTimeout).toBe(65_000);
  });
});

describe("statuses whose bodies a front replaces", () => {
  const { statusPolicy } = made({ behind: ["nginx", "cloudflare"] });

  it("become 503 where the request was never sent, and 500 where it may have acted", () => {
    expect(statusOf("connection_refused", statusPolicy)).toBe(503);
    expect(statusOf("connection_timeout", statusPolicy)).toBe(503);
    expect(statusOf("connection_terminated", statusPolicy)).toBe(500);
    expect(statusOf("http_response_timeout", statusPolicy)).toBe(500);
  });

  it("never are the statuses of our own answers, but for the 504 that a client asked for", () => {
    const left = Object.keys(FAILURES).filter((code) =>
      [502, 504].includes(statusOf(code as keyof typeof FAILURES, statusPolicy)),
    );
    const received = Object.entries(FAILURES).filter(([, { status }]) => status === "received");
    expect(left).toEqual([...received.map(([code]) => code), "only_if_cached"].sort(byTable));
  });

  it("stay as they are where no front replaces them, and where a policy is written", () => {
    for (const front of FRONT_NAMES.filter((name) => name !== "cloudflare")) {
      expect(made({ behind: front }).statusPolicy).toBe("rfc9209");
    }
    const written = made({ behind: "cloudflare", statusPolicy: "rfc9209" }).statusPolicy;
    expect(written).toBe("rfc9209");
  });

  it("are passed on where the upstream itself has sent them", () => {
    expect(statusOf("received_gateway_error", statusPolicy, 504)).toBe(504);
  });
});

function byTable(one: string, other: string): number {
  const codes = Object.keys(FAILURES);
  return codes.indexOf(one) - codes.indexOf(other);
}

describe("what is written of a front", () => {
  function problemsOf(behind: unknown): readonly string[] {
    try {
      made({ behind } as Partial<GatewayOptions>);
    } catch (error) {
      if (isGatewayOptionsError(error)) return error.problems;
      throw error;
    }
    return [];
  }

  it("is kept with the front's own settings for the rest", () => {
    const { behind } = made({
      behind: [{ front: "nginx", keepAliveMs: 3_000, addresses: ["192.0.2.1"], fields: ["X-A"] }],
    });
    expect(behind).toEqual({
      auto: false,
      fronts: [
        {
          ...FRONTS.nginx,
          name: "nginx",
          keepAliveMs: 3_000,
          addresses: ["192.0.2.1"],
          fields: ["x-a"],
        },
      ],
    });
    expect(made({ behind: "auto" }).behind).toEqual({ auto: true, fronts: [] });
    expect(made({}).behind).toBeNull();
  });

  it.each<[unknown, string]>([
    ["ngnix", 'behind: "ngnix" is no front that is known; did you mean "nginx"?'],
    ["ALB", 'behind: "ALB" is no front that is known; did you mean "aws-alb"?'],
    ["traefik", 'behind: "traefik" is no front that is known; there are "nginx", "apache", '],
    [["nginx", "auto"], 'behind[1]: "auto" stands alone: behind: "auto"'],
    [[], "behind: is empty; name the nearest front first, or leave it out"],
    [7, "behind: 7 is no front that is known; there are "],
    [{ proxy: "nginx" }, 'behind.proxy: unknown option; did you mean "front"?'],
    [
      { front: "nginx", keepAliveTimeout: 5_000 },
      'behind.keepAliveTimeout: unknown option; did you mean "keepAliveMs"?',
    ],
    [
      { front: "nginx", keepAliveMs: "65s" },
      'behind.keepAliveMs: "65s" is not a number of milliseconds above 0; did you mean 65_000?',
    ],
    [
      { front: "nginx", addresses: "10.0.0.0/8" },
      'behind.addresses: "10.0.0.0/8" is no list; did you mean ["10.0.0.0/8"]?',
    ],
    [
      { front: "nginx", addresses: ["10.0.0.0/33"] },
      'behind.addresses[0]: "10.0.0.0/33" is no range; its length goes up to 32',
    ],
    [
      { front: "nginx", addresses: ["front.internal"] },
      'behind.addresses[0]: "front.internal" is no address, such as 10.0.0.0/8',
    ],
    [{ front: "nginx", fields: ["a b"] }, 'behind.fields[0]: "a b" is no name of a field'],
  ])("%j is answered with the nearest right thing", (behind, problem) => {
    expect(problemsOf(behind)[0]).toContain(problem);
  });
});
