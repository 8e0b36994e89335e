/**
 * Who is worse than its peers: by the share of good answers, and by how long they take.
 *
 * A target is compared with the others alone, not with a mean that it is part of itself: among
 * three, one that fails every time is never 1.9 deviations below a mean that it has dragged down,
 * which is why Envoy needs five hosts. Pure functions over counts.
 */

import { EJECTION } from "../catalog/defaults.js";
import type { EjectionOptions } from "../catalog/options/health.js";

/** What the exchanges of one target came to lately. */
export interface Lately {
  readonly answers: number;
  readonly failures: number;
  /** Until the head of an answer was there; 0 when there was none. */
  readonly meanMs: number;
}

type OutlierOptions = Required<
  Pick<EjectionOptions, "volumeMin" | "successDeviations" | "latencyFactor">
>;

/** Whether fewer of its answers are good than chance and the spread of its peers explain. */
export function failsMore(own: Lately, peers: readonly Lately[], options: OutlierOptions): boolean {
  const known = peers.filter(({ answers }) => answers >= options.volumeMin);
  if (own.answers < options.volumeMin || known.length === 0) return false;
  const rates = known.map(successRate);
  const usual = mean(rates);
  const rate = successRate(own);
  // Its own share is a sample, so it has a spread of its own, even where all peers are alike.
  const chance = Math.sqrt((usual * (1 - usual) + rate * (1 - rate)) / own.answers);
  const spread = Math.max(deviation(rates, usual), chance);
  const gap = Math.max(EJECTION.successGapMin, options.successDeviations * spread);
  return rate < usual - gap;
}

/** Whether its good answers take so much longer that its callers are better served elsewhere. */
export function isSlower(own: Lately, peers: readonly Lately[], options: OutlierOptions): boolean {
  const known = peers.filter(({ answers, meanMs }) => answers >= options.volumeMin && meanMs > 0);
  if (own.answers < options.volumeMin || known.length === 0) return false;
  const usual = median(known.map(({ meanMs }) => meanMs));
  const slower = own.meanMs - usual >= EJECTION.latencyGapMsMin;
  return slower && own.meanMs > usual * options.latencyFactor;
}

function successRate({ answers, failures }: Lately): number {
  return 1 - failures / answers;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[], around: number): number {
  return Math.sqrt(mean(values.map((value) => (value - around) ** 2)));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1] ?? 0, sorted[middle] ?? 0];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}
