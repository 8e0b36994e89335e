/**
 * What an upstream did in the last fifteen minutes, by slots of five seconds: calls, failures by
 * name, repeats, and latencies.
 *
 * Guarantee: bounded by the number of slots, whatever the traffic. There is no timer: a slot is
 * made anew when time has come round to it.
 */
import { DASHBOARD } from "../catalog/dashboard-defaults.js";
import type { FailureCode } from "../catalog/failures.js";
import type { EndedCall } from "../records/ended-call.js";
import { type BucketCounts, histogram, merge, observe, percentile } from "./histogram.js";

/** One slot as it is shown; a slot without calls is left out. */
export interface TrafficSlot {
  /** Number of the slot: `slotMs` times it is when it began, by the clock of `epochMs`. */
  readonly slot: number;
  /** Calls that ended in it … */
  readonly calls: number;
  /** … those of them with a failure, by its name … */
  readonly failures: Readonly<Partial<Record<FailureCode, number>>>;
  /** … and those that a repeat made good. */
  readonly recovered: number;
  /** Attempts beyond the first. */
  readonly repeats: number;
  /** Latencies of the calls, in milliseconds; null for tunnels, whose length is no latency. */
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** The last minute, for what is said of now. */
export type TrafficNow = Omit<TrafficSlot, "slot">;

export interface Traffic {
  /** Counts a call that ended in this slot, which is the latest one or the one that is over. */
  count(call: EndedCall, slot: number, recovered: boolean): void;
  /** The slots from this one on, the oldest first. */
  since(slot: number): readonly TrafficSlot[];
  /** The last minute in one. */
  now(): TrafficNow;
}

interface Slot {
  slot: number;
  calls: number;
  recovered: number;
  repeats: number;
  readonly failures: Map<FailureCode, number>;
  readonly latencies: BucketCounts;
}

export function traffic(slotNow: () => number): Traffic {
  // Sparse: an upstream without traffic keeps no slots.
  const ring: Slot[] = [];

  const slotOf = (slot: number): Slot => {
    const place = slot % DASHBOARD.slots;
    const known = ring[place];
    if (known?.slot === slot) return known;
    const fresh = known === undefined ? emptySlot(slot) : cleared(known, slot);
    ring[place] = fresh;
    return fresh;
  };
  const kept = (from: number): readonly Slot[] => {
    const oldest = slotNow() - DASHBOARD.slots + 1;
    return ring
      .filter(({ slot }) => slot >= Math.max(from, oldest))
      .sort((a, b) => a.slot - b.slot);
  };

  return {
    count(call, at, recovered) {
      const slot = slotOf(at);
      slot.calls += 1;
      if (recovered) slot.recovered += 1;
      if (call.attemptCount > 1) slot.repeats += call.attemptCount - 1;
      if (call.kind !== "upgrade") observe(slot.latencies, call.durationMs);
      const { code } = call;
      if (code !== null) slot.failures.set(code, (slot.failures.get(code) ?? 0) + 1);
    },
    since: (from) => kept(from).map((slot) => ({ slot: slot.slot, ...read(slot) })),
    now() {
      const sum = emptySlot(0);
      for (const slot of kept(slotNow() - DASHBOARD.nowSlots + 1)) add(sum, slot);
      return read(sum);
    },
  };
}

function emptySlot(slot: number): Slot {
  const counts = { calls: 0, recovered: 0, repeats: 0 };
  return { slot, ...counts, failures: new Map(), latencies: histogram() };
}

/** The same memory for another time. */
function cleared(slot: Slot, number: number): Slot {
  slot.failures.clear();
  slot.latencies.fill(0);
  return Object.assign(slot, { slot: number, calls: 0, recovered: 0, repeats: 0 });
}

function add(sum: Slot, slot: Slot): void {
  sum.calls += slot.calls;
  sum.recovered += slot.recovered;
  sum.repeats += slot.repeats;
  merge(sum.latencies, slot.latencies);
  for (const [code, count] of slot.failures) {
    sum.failures.set(code, (sum.failures.get(code) ?? 0) + count);
  }
}

function read({ calls, recovered, repeats, failures, latencies }: Slot): TrafficNow {
  return {
    calls,
    failures: Object.fromEntries(failures),
    recovered,
    repeats,
    p50: percentile(latencies, 0.5),
    p95: percentile(latencies, 0.95),
    p99: percentile(latencies, 0.99),
  };
}
