/**
 * A target that fails at once is never busy and answers within a millisecond. None of the ways to
 * choose may take that for a virtue: real upstreams on virtual time, thousands of calls a second.
 */
import { describe, expect, it } from "vitest";
import { STICKY } from "../../src/catalog/balance-defaults.js";
import type { BalanceOptions } from "../../src/gateway/options/balance-options.js";
import type { UpstreamOptions } from "../../src/gateway/options/options.js";
import type { Balancer } from "../../src/targets/balance/balancer.js";
import { stickiness } from "../../src/targets/balance/sticky.js";
import { type State, type ThreeInstancesResult, threeInstances } from "./three-instances.js";

const FAILING = "http://10.0.0.1:8080";

/** One that wants the failing target above all others. */
const firstOfAll: Balancer = {
  name: "first_of_all",
  over: (targets, { accepts }) => ({ pick: () => targets.find(accepts) ?? null }),
};

const { tokenOf } = stickiness({ cookie: STICKY.cookie, secret: STICKY.cookie, attributes: "" });

interface Way {
  readonly balance: BalanceOptions;
  readonly headersOf?: (call: number) => readonly string[];
}

const user = (call: number): readonly string[] => ["x-user", `user ${call % 500}`];

const WAYS: Readonly<Record<string, Way>> = {
  two_choices: { balance: { policy: "two_choices" } },
  least_pending: { balance: { policy: "least_pending" } },
  round_robin: { balance: { policy: "round_robin" } },
  hash: { balance: { policy: "hash", key: { header: "x-user" } }, headersOf: user },
  "a sticky cookie that leads there": {
    balance: { sticky: true },
    headersOf: () => ["cookie", `${STICKY.cookie}=${tokenOf(FAILING)}`],
  },
  "a balancer that wants it first": { balance: { policy: firstOfAll } },
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
): Promise<ThreeInstancesResult> {
  return threeInstances({
    seed: 1,
    method: "GET",
    perSecond,
    seconds,
    script: [[0, 0, state]],
    upstream: { balance: way.balance, ...more },
    ...(way.headersOf && { headersOf: way.headersOf }),
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

describe.each(["limiting", "timing out"] as const)(
  "one of three targets is %s at once",
  (state) => {
    it.each(["two_choices", "least_pending"])(
      "and wins nothing by it: %s",
      async (name) => {
        for (const [perSecond, seconds] of RATES) {
          const result = await playAt(perSecond, seconds, state, WAYS[name] as Way, {});
          expect(result.shares[0], `${perSecond} calls/s`).toBeGreaterThan(0);
          expect(result.shares[0], `${perSecond} calls/s`).toBeLessThan(0.12);
        }
      },
      60_000,
    );
  },
);
