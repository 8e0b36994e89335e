/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): lists of structured
 * fields, one member for each limit.
 */
import type { RateDecision } from "./gcra.js";

/** What a limit is in fields. */
export interface NamedPolicy {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

export function limitFields(
  { name, limit, windowMs }: NamedPolicy,
  { remaining, resetMs }: RateDecision,
): Readonly<Record<string, string>> {
  return {
    "RateLimit-Policy": `"${name}";q=${limit};w=${seconds(windowMs)}`,
    RateLimit: `"${name}";r=${remaining};t=${seconds(resetMs)}`,
  };
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
