/**
 * Rules for routes: what an upstream does otherwise for calls of some paths.
 *
 * Guarantee: the first rule that fits counts, in the order in which they are written. A path is
 * compared as it is sent, case and escapes included, without its query.
 */
import type { CallOverrides } from "../core/call.js";

export interface RouteRule {
  /** As it was written. */
  readonly pattern: string;
  readonly regexp: RegExp;
  /** Null where the calls are those of the upstream. */
  readonly overrides: CallOverrides | null;
  /**
   * False where failures say nothing, unless they name the connection; null for the rules that hold
   * without one.
   */
  readonly breaker: false | RouteBreaker | null;
}

/** How a route is refused by itself; null for what holds without a rule. */
export interface RouteBreaker {
  readonly consecutiveFailures: number | null;
  readonly openMs: number | null;
  readonly openMsMax: number | null;
}

export function ruleFor(rules: readonly RouteRule[], path: string): RouteRule | null {
  if (rules.length === 0) return null;
  const plain = pathOf(path);
  return rules.find(({ regexp }) => regexp.test(plain)) ?? null;
}

/** Without its query. */
export function pathOf(path: string): string {
  const end = path.search(/[?#]/);
  return end === -1 ? path : path.slice(0, end);
}
