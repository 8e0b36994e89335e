/**
 * The option `balance` of an upstream, and its form after reading. Apart from the other options,
 * since it holds names and functions instead of numbers.
 */
import { BALANCE_NUMBERS, STICKY_OPTIONS, type StickyOptions } from "../catalog/options/balance.js";
import { KEY_JSON, nested, type OptionsOf, own, type Section } from "../catalog/options/option.js";
import type { BalanceRequest, Balancer } from "../targets/balance/balancer.js";
import type { StickyCookie } from "../targets/balance/sticky.js";

export type BalancePolicy = (typeof BALANCE_POLICIES)[number];

/** The key by which calls are grouped. */
export type BalanceKeyOption =
  | { readonly header: string }
  | { readonly cookie: string }
  | ((request: BalanceRequest) => string | null | undefined);

export const BALANCE_POLICIES = ["two_choices", "least_pending", "round_robin", "hash"] as const;

const POLICY_OPTIONS = {
  /**
   * `"two_choices"`: of two targets drawn at random, the one with less pending and less latency.
   * `"least_pending"`, `"round_robin"`, `"hash"` by `key`, or a balancer of your own.
   * @default "two_choices"
   */
  policy: own<BalancePolicy | Balancer>({ enum: BALANCE_POLICIES }, "two_choices"),
  /** For `"hash"`: the key by which calls are grouped. A call without one gets two choices. */
  key: own<BalanceKeyOption>(KEY_JSON),
  /** A cookie that routes a client back to its target; `true` for its defaults. */
  sticky: nested<boolean | StickyOptions>(STICKY_OPTIONS, [false, true]),
} as const satisfies Section;

export const BALANCE_OPTIONS = { ...POLICY_OPTIONS, ...BALANCE_NUMBERS };

type Numbers = OptionsOf<typeof BALANCE_NUMBERS>;

/** Which target gets a call. */
export interface BalanceOptions extends OptionsOf<typeof POLICY_OPTIONS>, Numbers {}

export interface NormalisedBalance {
  /** Creates a separate balancer for every upstream. */
  readonly make: () => Balancer;
  readonly overflowBelow: number;
  /** Null without a cookie. */
  readonly sticky: StickyCookie | null;
}
