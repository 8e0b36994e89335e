/**
 * What this process refused because there was too much to do, counted by name and by priority.
 *
 * Guarantee: a refusal is counted once, by the policy that refused; none of them reaches a target,
 * so none can count against one.
 */
import type { FailureCode } from "../catalog/failures.js";
import { PRIORITIES, type Priority } from "../catalog/priorities.js";
import type { Call } from "../core/call.js";
import type { Failure } from "../core/failure.js";

export type RefusalCounts = Readonly<
  Partial<Record<FailureCode, Readonly<Record<Priority, number>>>>
>;

export interface Refusals {
  /** Counts it and hands it on. */
  note(call: Call, failure: Failure): Failure;
  /** How many there were since the start; names without any are absent. */
  counts(): RefusalCounts;
}

export function refusals(onRefusal: (call: Call, failure: Failure) => void = () => {}): Refusals {
  let byCode: Map<FailureCode, Record<Priority, number>> | null = null;
  return {
    note(call, failure) {
      byCode ??= new Map();
      let counts = byCode.get(failure.code);
      if (counts === undefined) {
        counts = none();
        byCode.set(failure.code, counts);
      }
      counts[call.priority] += 1;
      onRefusal(call, failure);
      return failure;
    },
    counts: () =>
      Object.fromEntries([...(byCode ?? [])].map(([code, counts]) => [code, { ...counts }])),
  };
}

function none(): Record<Priority, number> {
  return Object.fromEntries(PRIORITIES.map((name) => [name, 0])) as Record<Priority, number>;
}
