/**
 * What may be set for some paths of an upstream; a part of its options. Each stands over what the
 * upstream has, and what is not written is the upstream's.
 */

import type { RetryOptions } from "../catalog/options/retry.js";
import type { TimeoutOptions } from "../catalog/options/timeouts.js";
import type { Priority } from "../catalog/priorities.js";

export interface RouteOptions {
  /** Cuts in time, each over the upstream's own. */
  readonly timeouts?: Omit<TimeoutOptions, "continueMs" | "clientMs">;
  /** Attempts of a call, over the upstream's own; `false` for one. */
  readonly retry?: false | Pick<RetryOptions, "attemptsMax">;
  /**
   * When the route is refused by itself: after so many failures in a row, and for how long. `false`
   * for a route that fails without saying anything of its target; what names the connection counts
   * all the same.
   */
  readonly breaker?:
    | false
    | {
        readonly consecutiveFailures?: number;
        readonly openMs?: number;
        readonly openMsMax?: number;
      };
  /** False asks no second target while the first has not answered. */
  readonly hedge?: false;
  /** How much its calls matter when not all can be served. */
  readonly priority?: Priority;
}
