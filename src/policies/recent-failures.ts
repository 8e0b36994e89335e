/**
 * Which targets have failed lately and were not seen well since.
 *
 * Place: beside retry. While one target is above doubt, a repeat has somewhere to go, and a crash
 * of another may cost a burst of them. When all are in doubt, repeats only add to what is too much
 * already. Guarantee: it is read and written on the way of failures and repeats only; a call that
 * succeeds at once costs nothing.
 */
import type { Clock } from "../base/clock.js";
import { RETRY } from "../catalog/defaults.js";
import { countsAgainstTarget, type FailureCode } from "../catalog/failures.js";
import type { TargetSet } from "../targets/target-set.js";

export interface RecentFailures {
  /** An exchange with this target ended by this name. */
  failed(target: string | null, code: FailureCode): void;
  /** A repeat was answered well by it. */
  proved(target: string | null): void;
  /** Whether no target is above doubt. */
  coverAll(): boolean;
}

export function recentFailures(clock: Clock, set: Pick<TargetSet, "targets">): RecentFailures {
  // Most upstreams never fail.
  let failedAt: Map<string, number> | null = null;
  const isInDoubt = (id: string): boolean => {
    const at = failedAt?.get(id);
    return at !== undefined && clock.now() - at < RETRY.doubtMs;
  };
  /** Targets come and go; what is known of those that went goes, too. */
  const forget = (known: Map<string, number>): void => {
    if (known.size <= set.targets.length) return;
    for (const id of known.keys()) {
      if (!set.targets.some((target) => target.id === id)) known.delete(id);
    }
  };
  return {
    failed(target, code) {
      if (target === null || !countsAgainstTarget(code)) return;
      failedAt ??= new Map();
      failedAt.set(target, clock.now());
      forget(failedAt);
    },
    proved(target) {
      if (target !== null) failedAt?.delete(target);
    },
    coverAll: () => set.targets.every(({ id }) => isInDoubt(id)),
  };
}
