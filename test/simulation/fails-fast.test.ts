/**
 * A target that fails at once is never busy and answers within a millisecond. None of the ways to
 * choose may take that for a virtue: real upstreams on virtual time, thousands of calls a second.
 */
import { describe, expect, it } from "vitest";
import { REFUSING } from "../../src/catalog/defaults.js";
import { STICKY_OPTIONS } from "../../src/catalog/options/balance.js";
import type { BalanceOptions } from "../../src/options/balance-options.js";
import type { UpstreamOptions } from "../../src/options/options.js";
import type { Balancer } from "../../src/targets/balance/balancer.js";
import { stickiness } from "../../src/targets/balance/sticky.js";
import {
  type AtOnce,
  type State,
  type ThreeInstancesResult,
  threeInstances,
} from "./three-instances.js";

const FAILING = "http://10.0.0.1:8080";

/** One that wants the failing target above all others. */
const firstOfAll: Balancer = {
  name: "first_of_all",
  over: (targets, { accepts }) => ({ pick: () => targets.find(accepts) ?? null }),
};

const COOKIE = STICKY_OPTIONS.cookie.initial;
const { tokenOf } = stickiness({ cookie: COOKIE, secret: COOKIE, attributes: "" });

interface Way {
  readonly balance: BalanceOptions;
  readonly headersOf?: (call: number) => readonly string[];
  /** That of the target that fails, against 1. */
  readonly weight?: number;
}

const user = (call: number): readonly string[] => ["x-user", `user ${call % 500}`];

const WAYS: Readonly<Record<string, Way>> = {
  two_choices: { balance: { policy: "two_choices" } },
  least_pending: { balance: { policy: "least_pending" } },
  round_robin: { balance: { policy: "round_robin" } },
  hash: { balance: { policy: "hash", key: { header: "x-user" } }, headersOf: user },
  "a sticky cookie that leads there": {
    balance: { sticky: true },
    headersOf: () => ["cookie", `${COOKIE}=${tokenOf(FAILING)}`],
  },
  "a balancer that wants it first": { balance: { policy: firstOfAll } },
};

const BALANCERS: Readonly<Record<string, Way>> = {
  two_choices: { balance: { policy: "two_choices" } },
  least_pending: { balance: { policy: "least_pending" } },
  round_robin: { balance: { policy: "round_robin" } },
  hash: { balance: { policy: "hash", key: { header: "x-user" } }, headersOf: user },
  "round_robin by weight": { balance: { policy: "round_robin" }, weight: 2 },
  "two_choices by weight": { balance: { policy: "two_choices" }, weight: 2 },
};

const FAULTS: readonly (readonly [state: State, what: string])[] = [
  ["down", "refuses connections"],
  ["refusing", "answers 503 within a millisecond"],
];

const RATES: readonly (readonly [perSecond: number, seconds: number])[] = [
  [200, 20],
  [2_000, 5],
];

/** Of a third, which it would get if it were well. */
const SHARE_MAX = 0.006;

async function play(state: State, way: Way, more: Partial<UpstreamOptions> = {}): Promise<void> {
  for (const [perSecond, seconds] of RATES) {
    const result = await playAt(perSecond, seconds, state, way, more);
    expect(result, `${perSecond} calls/s`).toMatchObject({ answeredWell: 1, failed: {} });
    expect(result.shares[0], `${perSecond} calls/s`).toBeGreaterThan(0);
    expect(result.shares[0], `${perSecond} calls/s`).toBeLessThan(SHARE_MAX);
  }
}

function playAt(
  perSecond: number,
  seconds: number,
  state: State,
  way: Way,
  more: Partial<UpstreamOptions>,
  method: "GET" | "POST" = "GET",
): Promise<ThreeInstancesResult> {
  return threeInstances({
    seed: 1,
    method,
    perSecond,
    seconds,
    script: [[0, 0, state]],
    upstream: { balance: way.balance, ...more },
    ...(way.headersOf && { headersOf: way.headersOf }),
    ...(way.weight !== undefined && { weight: way.weight }),
  });
}

describe.each(FAULTS)("one of three targets is %s: it %s", (state) => {
  it.each(Object.entries(WAYS))(
    "it gets next to no call, and no GET is lost: %s",
    async (_, way) => {
      await play(state, way);
    },
    60_000,
  );

  it.each(["two_choices", "least_pending"])(
    "%s sees to that with breaker and ejection off, too",
    async (name) => {
      await play(state, WAYS[name] as Way, { breaker: false, ejection: false });
    },
    60_000,
  );
});

/** All that it answers, and does at once. */
const AT_ONCE: readonly AtOnce[] = [401, 404, 408, 421, 425, 429, 500];

/** A third would be its part. */
const REFUSED_MAX = 0.12;

describe.each(AT_ONCE)("one of three targets answers %i at once", (status) => {
  it.each(Object.entries(BALANCERS))(
    "and wins nothing by it: %s",
    async (_, way) => {
      for (const method of ["GET", "POST"] as const) {
        for (const [perSecond, seconds] of [
          [20, 40],
          [200, 10],
        ] as const) {
          const result = await playAt(perSecond, seconds, status, way, {}, method);
          const what = `${method}, ${perSecond} calls/s: ${JSON.stringify(result.failed)}`;
          expect(result.shares[0], what).toBeGreaterThan(0);
          expect(result.shares[0], what).toBeLessThan(REFUSED_MAX);
          expect(result.answeredWell, what).toBeGreaterThan(1 - REFUSED_MAX);
        }
      }
    },
    60_000,
  );
});

describe("refusals that are not the target's own", () => {
  it.each(["round_robin", "hash", "least_pending"])(
    "leave each target its share: %s",
    async (name) => {
      for (const status of [404, 429] as const) {
        // Four of five callers are refused by every target.
        const refuses = (call: number): AtOnce | null => (call % 5 === 0 ? null : status);
        const { shares } = await threeInstances({
          ...{ seed: 1, method: "POST", perSecond: 200, seconds: 30, script: [], refuses },
          upstream: { balance: (WAYS[name] as Way).balance },
          headersOf: user,
        });
        for (const share of shares) expect(share).toBeGreaterThan(0.27);
      }
    },
    60_000,
  );

  it("a target is asked again as soon as it answers, or says that it will", async () => {
    const { executedAt } = await threeInstances({
      ...{ seed: 1, method: "GET", perSecond: 200, seconds: 20 },
      script: [
        [0, 0, 404],
        [6_000, 0, "normal"],
      ],
      upstream: { balance: { policy: "round_robin" } },
    });
    const [first = []] = executedAt;
    expect(first[0]).toBeLessThan(6_000 + REFUSING.waitMs + REFUSING.trialMs);
    const after = (executedAt[1] ?? []).filter((at) => at > (first[0] as number)).length;
    expect(first.length / after).toBeGreaterThan(0.95);
  });
});
