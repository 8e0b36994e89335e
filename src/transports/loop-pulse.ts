/**
 * Knows whether our event loop has looked at its sockets lately.
 *
 * A pooled socket may carry the peer's farewell that we have not read because our own process was
 * busy. Whoever reuses a socket asks `fresh` first; when the loop has not polled for a while, it
 * waits a turn, and a dead socket shows itself. Under load the check costs one shared turn, not one
 * per exchange.
 */
import type { Clock } from "../base/clock.js";
import { SELF } from "../catalog/defaults.js";

export interface LoopPulse {
  /** Whether the loop has polled within the last few milliseconds. */
  fresh(): boolean;
}

export function loopPulse(clock: Clock): LoopPulse {
  let polledAt = Number.NEGATIVE_INFINITY;
  let scheduled = false;
  const onTurn = (): void => {
    scheduled = false;
    polledAt = clock.now();
  };
  return {
    fresh() {
      if (!scheduled) {
        scheduled = true;
        clock.turn(onTurn);
      }
      return clock.now() - polledAt <= SELF.pollFreshMs;
    },
  };
}

/**
 * Calls after the loop has polled at least once more: two turns, since a turn may follow a poll.
 */
export function afterPoll(clock: Pick<Clock, "turn">, fn: () => void): void {
  clock.turn(() => clock.turn(fn));
}
