/**
 * How long to wait before the same target is asked again.
 *
 * Full jitter: anything between nothing and the cap, which grows from repeat to repeat. It gives
 * the fewest calls in contention; without it those who failed together come back together.
 */

import type { Random } from "../base/random.js";
import { RETRY } from "../catalog/defaults.js";
import type { RetryOptions } from "../catalog/options/retry.js";

type BackoffOptions = Required<Pick<RetryOptions, "backoffBaseMs" | "backoffMsMax">>;

/** The wait before a repeat; `repeat` counts from 1. */
export function backoffMs(random: Random, repeat: number, options: BackoffOptions): number {
  const cap = Math.min(
    options.backoffBaseMs * RETRY.backoffFactor ** (repeat - 1),
    options.backoffMsMax,
  );
  return cap * random.next();
}
