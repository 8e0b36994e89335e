/**
 * Notices when the state of an upstream changes, at the moment when it does.
 *
 * Whatever may change it (a breaker, a target that comes or goes, a probe) notifies the target set,
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
  return new Watch(clock, set, changed);
}

class Watch implements UpstreamWatch {
  state: UpstreamState;
  readonly #clock: Pick<Clock, "after">;
  readonly #set: Pick<TargetSet, "targets">;
  readonly #changed: (from: UpstreamState, to: UpstreamState) => void;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(
    clock: Pick<Clock, "after">,
    set: Pick<TargetSet, "targets">,
    changed: (from: UpstreamState, to: UpstreamState) => void,
  ) {
    this.#clock = clock;
    this.#set = set;
    this.#changed = changed;
    this.state = upstreamState(set.targets);
  }

  look(): void {
    if (this.#stopped) return;
    this.#timer?.cancel();
    this.#timer = null;
    const from = this.state;
    this.state = upstreamState(this.#set.targets);
    this.#waitForReturn();
    if (this.state !== from) this.#changed(from, this.state);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #waitForReturn(): void {
    if (this.state === "healthy") return;
    const ms = nextReturnMs(this.#set.targets);
    if (!Number.isFinite(ms)) return;
    this.#timer = this.#clock.after(ms, () => this.look());
    this.#timer.unref();
  }
}
