/**
 * Draws targets at random by their weights, in the same time for three as for a thousand.
 *
 * Two columns (Walker's alias method, as Vose fills them): a place is drawn, then one of the two
 * targets that share it. Equal weights need no columns at all.
 */
import type { BalanceTarget } from "./balancer.js";

export type Sampler = (random: () => number) => BalanceTarget;

export function sampler(targets: readonly BalanceTarget[]): Sampler {
  const count = targets.length;
  const equal = targets.every(({ weight }) => weight === targets[0]?.weight);
  if (equal) return (random) => targets[Math.floor(random() * count)] as BalanceTarget;
  const { own, alias } = columns(targets.map(({ weight }) => weight));
  return (random) => {
    const draw = random() * count;
    const place = Math.floor(draw);
    const index = draw - place < (own[place] as number) ? place : (alias[place] as number);
    return targets[index] as BalanceTarget;
  };
}

interface Columns {
  /** How much of each place is its own target's. */
  readonly own: Float64Array;
  /** Whose the rest is. */
  readonly alias: Uint32Array;
}

function columns(weights: readonly number[]): Columns {
  const count = weights.length;
  // Divided first: the sum of very large weights would be no number any more.
  const largest = Math.max(...weights);
  const scaled = weights.map((weight) => weight / largest);
  const mean = scaled.reduce((sum, weight) => sum + weight, 0) / count;
  const own = Float64Array.from(scaled, (weight) => weight / mean);
  const alias = Uint32Array.from(own, (_, index) => index);
  const poor: number[] = [];
  const rich: number[] = [];
  for (const [index, share] of own.entries()) (share < 1 ? poor : rich).push(index);
  while (poor.length > 0 && rich.length > 0) {
    const from = rich[rich.length - 1] as number;
    const to = poor.pop() as number;
    alias[to] = from;
    own[from] = (own[from] as number) - (1 - (own[to] as number));
    if ((own[from] as number) < 1) poor.push(rich.pop() as number);
  }
  // What is left over differs from 1 by rounding only.
  for (const index of [...poor, ...rich]) own[index] = 1;
  return { own, alias };
}
