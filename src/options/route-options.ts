/**
 * What may be set for some paths of an upstream; a part of its options. Each stands over what the
 * upstream has, and what is not written is the upstream's.
 */
import { BREAKER_OPTIONS, type BreakerOptions } from "../catalog/options/breaker.js";
import { nested, type OptionsOf, own, type Section } from "../catalog/options/option.js";
import { RETRY_OPTIONS, type RetryOptions } from "../catalog/options/retry.js";
import { TIMEOUT_OPTIONS, type TimeoutOptions } from "../catalog/options/timeouts.js";
import { PRIORITIES, type Priority } from "../catalog/priorities.js";

const { continueMs: _, clientMs: _of, ...TIMEOUTS } = TIMEOUT_OPTIONS;
const { attemptsMax } = RETRY_OPTIONS;
const { consecutiveFailures, openMs, openMsMax } = BREAKER_OPTIONS;

export const ROUTE_OPTIONS = {
  /** Cuts in time, each over the upstream's own. */
  timeouts: nested<Omit<TimeoutOptions, "continueMs" | "clientMs">>(TIMEOUTS),
  /** Attempts of a call, over the upstream's own; `false` for one. */
  retry: nested<false | Pick<RetryOptions, "attemptsMax">>({ attemptsMax }, [false]),
  /**
   * When the route is refused by itself: after so many failures in a row, and for how long. `false`
   * for a route that fails without saying anything of its target; what names the connection counts
   * all the same.
   */
  breaker: nested<false | Pick<BreakerOptions, "consecutiveFailures" | "openMs" | "openMsMax">>(
    { consecutiveFailures, openMs, openMsMax },
    [false],
  ),
  /** False asks no second target while the first has not answered. */
  hedge: own<false>({ const: false }),
  /** How much its calls matter when not all can be served. */
  priority: own<Priority>({ enum: PRIORITIES }),
} as const satisfies Section;

export interface RouteOptions extends OptionsOf<typeof ROUTE_OPTIONS> {}
