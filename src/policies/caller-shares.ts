/**
 * What one caller may take of the places that all share.
 *
 * Place: inside the bulkhead. A caller may take another place while those that it has are fewer
 * than those that are free, times a factor. With a factor of 1 a single caller gets half of all
 * places, two get a third each, and there is always a place for one more: the dynamic thresholds
 * of switches that share their memory (Choudhury and Hahne, 1998).
 * Guarantee: a caller that holds no place gets one while there is one; only callers that hold
 * places are remembered, and each costs one entry.
 */
import type { Call } from "../core/call.js";
import type { GatewayRequest } from "../core/request.js";

/** How callers are identified. */
export interface CallerKey {
  /** As `describe()` shows it. */
  readonly by: string;
  /** Null where there is none: such calls are one caller. */
  of(request: GatewayRequest): string | null;
}

/** Places of one kind, by caller. */
export class CallerShares {
  readonly #key: CallerKey;
  readonly #factor: number;
  readonly #held = new Map<string, number>();

  constructor(key: CallerKey, share: number) {
    this.#key = key;
    this.#factor = share / (1 - share);
  }

  mayTake(call: Call, free: number): boolean {
    return this.held(call) < this.#factor * free;
  }

  /** Places that the caller of a call holds. */
  held(call: Call): number {
    return this.#held.get(callerOf(call, this.#key)) ?? 0;
  }

  take(call: Call): void {
    const caller = callerOf(call, this.#key);
    this.#held.set(caller, (this.#held.get(caller) ?? 0) + 1);
  }

  giveBack(call: Call): void {
    const caller = callerOf(call, this.#key);
    const left = (this.#held.get(caller) ?? 0) - 1;
    if (left > 0) this.#held.set(caller, left);
    else this.#held.delete(caller);
  }

  /** Callers that hold places, and how many the one holds that has most. */
  get summary(): { readonly count: number; readonly most: number } {
    let most = 0;
    for (const held of this.#held.values()) most = Math.max(most, held);
    return { count: this.#held.size, most };
  }
}

/** Asked once for each call, since a function of the user may answer otherwise the next time. */
const CALLERS = new WeakMap<Call, string>();

function callerOf(call: Call, key: CallerKey): string {
  const known = CALLERS.get(call);
  if (known !== undefined) return known;
  const caller = key.of(call.request) ?? "";
  CALLERS.set(call, caller);
  return caller;
}
