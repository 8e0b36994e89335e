/**
 * The rate limits of a gateway, as they say of themselves: for the snapshot, the metrics, the page.
 *
 * A gateway without limits keeps an empty list.
 */

/** A rate limit at one moment. It names no key, since keys may be secrets. */
export interface RateLimitState {
  readonly name: string;
  /** The upstream whose quota it is; null for a limit of those who ask. */
  readonly upstream: string | null;
  readonly count: string;
  readonly dryRun: boolean;
  /** Where it is counted; null for this process alone. */
  readonly store: { readonly kind: string; readonly up: boolean } | null;
  /** Members that share it. */
  readonly members: number;
  /** Keys that are remembered here. */
  readonly keys: number;
  /** Requests by tier; without tiers under the name of the limit. */
  readonly requests: Readonly<Record<string, RateLimitCounts>>;
  /** Calls that wait for their turn. */
  readonly waiting: number;
}

export interface RateLimitCounts {
  readonly admitted: number;
  readonly refused: number;
  /** Counted and let pass, since it is a dry run. */
  readonly wouldRefuse: number;
}

/** Each as long as it is in use. */
export type RateLimitStates = Set<() => RateLimitState>;
