/**
 * An attempt: one numbered try of a call, not yet given to a target.
 *
 * Made by the retry policy; target choice turns it into an exchange.
 */
import type { Call } from "./call.js";

export interface Attempt {
  readonly call: Call;
  /** From 1. A free repeat of a stale connection keeps the number of the attempt it replaces. */
  readonly number: number;
  /**
   * Ids of the targets that earlier attempts of this call were sent to; a repeat prefers others.
   */
  readonly triedTargets: readonly string[];
  /** Id of the target that this one was given to; null until one is chosen. */
  target: string | null;
}
