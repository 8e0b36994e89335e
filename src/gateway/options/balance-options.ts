/**
 * What people may write for `balance` of an upstream, and what becomes of it. Apart from the other
 * options, since it holds names and functions where those are numbers.
 */
import type { BalanceRequest, Balancer } from "../../targets/balance/balancer.js";
import type { StickyCookie } from "../../targets/balance/sticky.js";

export type BalancePolicy = "two_choices" | "least_pending" | "round_robin" | "hash";

/** What calls have in common that belong together. */
export type BalanceKeyOption =
  | { readonly header: string }
  | { readonly cookie: string }
  | ((request: BalanceRequest) => string | null | undefined);

/** A cookie that leads a client back to the target that it had. */
export interface StickyOptions {
  /**
   * Its name.
   * @default "gateway_target"
   */
  readonly cookie?: string;
  /**
   * Makes its values impossible to guess for who knows the addresses. Gateways that serve the same
   * clients need the same one; its values stand for a target either way and tell nothing of it.
   */
  readonly secret?: string;
  /**
   * Sent through TLS only. A client that reaches the gateway or the proxy before it without TLS
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
   * Paths that it is sent for.
   * @default "/"
   */
  readonly path?: string;
  /** Hosts that it is sent to, with those below; the host of the request alone unless given. */
  readonly domain?: string;
  /** How long it is kept; as long as the browser runs unless given. */
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
  /** For `"hash"`: what calls have in common that belong together. Without it, two choices. */
  readonly key?: BalanceKeyOption;
  /**
   * For `"hash"`: the most that one target gets of the calls under way, times its fair share.
   * @default 1.25
   */
  readonly loadFactor?: number;
  /** A cookie that leads a client back to its target; `true` for its defaults. */
  readonly sticky?: boolean | StickyOptions;
  /**
   * Healthy share of a priority, or of the own zone, below which calls go on to the next one.
   * @default 0.7
   */
  readonly overflowBelow?: number;
}

export interface NormalisedBalance {
  /** A balancer of its own for every upstream. */
  readonly make: () => Balancer;
  readonly overflowBelow: number;
  /** Null when clients may go anywhere. */
  readonly sticky: StickyCookie | null;
}
