/**
 * The breaker of one target. Interface first; the keeping of its state follows in this file.
 */
import type { Permit } from "../base/permit.js";

export type BreakerState = "closed" | "open" | "half_open";

export interface Breaker {
  readonly state: BreakerState;
  /** A permit that must be settled once, or how long until the next one may be given. */
  admit(): Permit | { readonly deniedForMs: number };
}
