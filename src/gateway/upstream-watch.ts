/**
 * Notices when the state of an upstream changes, at the moment when it does.
 *
 * Whatever may change it (a breaker, a target that comes or goes, a probe) tells the target set,
 * which calls `look`. What only the passing of time changes is waited for with one timer, which
 * keeps no process alive.
 * Guarantee: `changed` is called once for each change, never for none.
 */
import type { Clock, Timer } from "../base/clock.js";
import type { TargetSet } from "../targets/target-set.js";
import { nextReturnMs, type UpstreamState, upstreamState } from "../targets/upstream-state.js";

export interface UpstreamWatch {
  readonly state: UpstreamState;
  /** Something has happened that may change the state. */
  look(): void;
  stop(): void;
}

export function upstreamWatch(
  clock: Pick<Clock, "after">,
  set: Pick<TargetSet, "targets">,
  changed: (from: UpstreamState, to: UpstreamState) => void,
): UpstreamWatch {
  let state = upstreamState(set.targets);
  let timer: Timer | null = null;
  let stopped = false;

  const look = (): void => {
    if (stopped) return;
    timer?.cancel();
    timer = null;
    const from = state;
    state = upstreamState(set.targets);
    waitForReturn();
    if (state !== from) changed(from, state);
  };
  const waitForReturn = (): void => {
    if (state === "healthy") return;
    const ms = nextReturnMs(set.targets);
    if (!Number.isFinite(ms)) return;
    timer = clock.after(ms, look);
    timer.unref();
  };

  return {
    get state() {
      return state;
    },
    look,
    stop() {
      stopped = true;
      timer?.cancel();
      timer = null;
    },
  };
}
