/**
 * An attempt: one numbered try of a call, not yet given to a target.
 *
 * Made by the retry policy; target choice turns it into an exchange.
 */
import type { Call, Stage } from "./call.js";
import type { Cuttable } from "./cancellation.js";

export interface Attempt {
  readonly call: Call;
  /** From 1. A free repeat of a stale connection keeps the number of the attempt it replaces. */
  readonly number: number;
  /**
   * Ids of the targets that earlier attempts of this call were sent to; a repeat prefers others.
   */
  readonly triedTargets: readonly string[];
  /** Further attempts that the call may make, as far as its request and its failure allow. */
  readonly further: number;
  /** Id of the target that this one was given to; null until one is chosen. */
  target: string | null;
  /** By which its exchange alone can be cut; null until there is one. */
  running: Cuttable | null;
  /** Further attempts that were made beside it, before it had an answer; null for none. */
  hedges: readonly Attempt[] | null;
}

/** An attempt beside which another one may be made. */
export type HedgedAttempt = Attempt & Stage<"hedged">;
/** An attempt for which no Retry-After of the upstream is to be waited. */
export type PacedAttempt = Attempt & Stage<"paced">;
/** An attempt that is within the quota of the upstream. */
export type MeteredAttempt = Attempt & Stage<"metered">;
/** An attempt that the throttle let pass. */
export type ThrottledAttempt = Attempt & Stage<"throttled">;

/** The highest number that was given, by it or beside it. */
export function lastNumber({ number, hedges }: Attempt): number {
  return number + (hedges?.length ?? 0);
}

/** The targets that it and those before and beside it were given to. */
export function targetsTried({ triedTargets, target, hedges }: Attempt): readonly string[] {
  const own = target === null ? triedTargets : [...triedTargets, target];
  if (hedges === null) return own;
  return [...own, ...hedges.map((hedge) => hedge.target).filter((id) => id !== null)];
}
