/**
 * The option `balance` of an upstream, and its form after reading. Apart from the other options,
 * since it holds names and functions instead of numbers.
 */
import type { BalanceRequest, Balancer } from "../targets/balance/balancer.js";
import type { StickyCookie } from "../targets/balance/sticky.js";

export type BalancePolicy = "two_choices" | "least_pending" | "round_robin" | "hash";

/** The key by which calls are grouped. */
export type BalanceKeyOption =
  | { readonly header: string }
  | { readonly cookie: string }
  | ((request: BalanceRequest) => string | null | undefined);

/** A cookie that routes a client back to its previous target. */
export interface StickyOptions {
  /**
   * Its name.
   * @default "gateway_target"
   */
  readonly cookie?: string;
  /**
   * Keeps its values unguessable even if the addresses are known. Gateways that serve the same
   * clients need the same secret. With or without it, a value does not reveal an address.
   */
  readonly secret?: string;
  /**
   * Sent over TLS only. A client that reaches the gateway or the proxy before it without TLS
   * keeps no such cookie.
   * @default true
   */
  readonly secure?: boolean;
  /**
   * Hidden from scripts.
   * @default true
   */
  readonly httpOnly?: boolean;
  /**
   * Whether other sites may make a browser send it; `"none"` needs `secure`.
   * @default "lax"
   */
  readonly sameSite?: "lax" | "strict" | "none";
  /**
   * Paths for which it is sent.
   * @default "/"
   */
  readonly path?: string;
  /** Domain for which it is sent, subdomains included. Default: the host of the request only. */
  readonly domain?: string;
  /** How long it is kept. Default: until the browser closes. */
  readonly maxAgeMs?: number;
}

/** Which target gets a call. */
export interface BalanceOptions {
  /**
   * `"two_choices"`: of two targets drawn at random, the one with less pending and less latency.
   * `"least_pending"`, `"round_robin"`, `"hash"` by `key`, or a balancer of your own.
   * @default "two_choices"
   */
  readonly policy?: BalancePolicy | Balancer;
  /** For `"hash"`: the key by which calls are grouped. A call without one gets two choices. */
  readonly key?: BalanceKeyOption;
  /**
   * For `"hash"`: the most pending calls of one target, as a multiple of its fair share.
   * @default 1.25
   */
  readonly loadFactor?: number;
  /** A cookie that routes a client back to its target; `true` for its defaults. */
  readonly sticky?: boolean | StickyOptions;
  /**
   * Healthy share of a priority, or of the own zone, below which calls overflow to the next one.
   * @default 0.7
   */
  readonly overflowBelow?: number;
}

export interface NormalisedBalance {
  /** Creates a separate balancer for every upstream. */
  readonly make: () => Balancer;
  readonly overflowBelow: number;
  /** Null without a cookie. */
  readonly sticky: StickyCookie | null;
}
