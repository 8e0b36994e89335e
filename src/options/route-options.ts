/**
 * What may be set for some paths of an upstream; a part of its options. Each stands over what the
 * upstream has, and what is not written is the upstream's.
 */
import { BREAKER_OPTIONS, type BreakerOptions } from "../catalog/options/breaker.js";
import { FALLBACK_JSON } from "../catalog/options/fallback.js";
import { nested, type OptionsOf, own, type Section } from "../catalog/options/option.js";
import { RETRY_OPTIONS, type RetryOptions } from "../catalog/options/retry.js";
import { TIMEOUT_OPTIONS, type TimeoutOptions } from "../catalog/options/timeouts.js";
import { PRIORITIES, type Priority } from "../catalog/priorities.js";
import type { Fallback } from "../core/fallback.js";

const { continueMs: _, clientMs: _of, ...TIMEOUTS } = TIMEOUT_OPTIONS;
const { attemptsMax } = RETRY_OPTIONS;
const { consecutiveFailures, openMs, openMsMax } = BREAKER_OPTIONS;

export const ROUTE_OPTIONS = {
  /** Timeouts; each replaces that of the upstream. */
  timeouts: nested<Omit<TimeoutOptions, "continueMs" | "clientMs">>(TIMEOUTS),
  /** Attempts of a call, instead of the upstream's; `false` for one. */
  retry: nested<false | Pick<RetryOptions, "attemptsMax">>({ attemptsMax }, [false]),
  /**
   * When the route is refused by itself: after how many failures in a row, and for how long. With
   * `false` its failures do not count against the target, except those of the connection.
   */
  breaker: nested<false | Pick<BreakerOptions, "consecutiveFailures" | "openMs" | "openMsMax">>(
    { consecutiveFailures, openMs, openMsMax },
    [false],
  ),
  /** `false`: no second target is tried while the first has not answered. */
  hedge: own<false>({ const: false }),
  /** How important its calls are when not all can be served. */
  priority: own<Priority>({ enum: PRIORITIES }),
  /** What stands in when a call fails, instead of what the upstream has; `false` for nothing. */
  fallback: own<Fallback>(FALLBACK_JSON),
} as const satisfies Section;

export interface RouteOptions extends OptionsOf<typeof ROUTE_OPTIONS> {}
