/**
 * The cheapest of a few that are drawn at random: two choices, and least pending.
 *
 * Drawing two and taking the better one is nearly as good as looking at all, at the same cost for
 * three targets as for a thousand, and without every gateway running to the same target at once
 * (Mitzenmacher's power of two choices).
 */
import { BALANCE } from "../../catalog/balance-defaults.js";
import type { BalanceField, Balancer, BalanceTarget, Picker } from "./balancer.js";
import { type Sampler, sampler } from "./sampler.js";

/** Whether the second target would clearly serve a call better than the first. */
type Better = (second: BalanceTarget, first: BalanceTarget, now: number) => boolean;

/**
 * Two choices by pending exchanges and latency. A target that fails fast looks slow, since its
 * failures are noted as long waits (policies/pick-target.ts).
 */
export function twoChoices(): Balancer {
  return {
    name: "two_choices",
    over: (targets, field) =>
      askingTheQuiet(targets, field, leastOf(targets, field, 2, cheaper(targets))),
  };
}

/**
 * A mean of latency without new values falls by half in seven seconds: who failed, or was slow,
 * would stay unused for a minute after it is well again. So one call now and then asks.
 */
function askingTheQuiet(
  targets: readonly BalanceTarget[],
  field: BalanceField,
  usual: Picker,
): Picker {
  if (targets.length < 2) return usual;
  let picks = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let next = 0;
  return {
    pick(request) {
      picks += 1;
      if (picks <= BALANCE.quietEvery) return usual.pick(request);
      const now = field.now();
      if (now - askedAt < BALANCE.quietMs) return usual.pick(request);
      // One of them is looked at by each call, at the same cost for three as for a thousand.
      next = (next + 1) % targets.length;
      const target = targets[next] as BalanceTarget;
      const { latency, pending } = target;
      if (pending > latency.swallowed || !latency.isQuiet(now) || !field.accepts(target)) {
        return usual.pick(request);
      }
      picks = 0;
      askedAt = now;
      return target;
    },
  };
}

/**
 * Fewest pending exchanges for its weight. A handful of targets is looked at as a whole. What has
 * failed lately counts as pending, or a target that fails fast would always be the idle one.
 */
export function leastPending(): Balancer {
  const choices = BALANCE.leastPendingChoices;
  return {
    name: "least_pending",
    over: (targets, field) => leastOf(targets, field, choices, lessBusy(targets)),
  };
}

function leastOf(
  targets: readonly BalanceTarget[],
  field: BalanceField,
  choices: number,
  better: Better,
): Picker {
  const [only] = targets;
  if (only !== undefined && targets.length === 1) {
    return { pick: () => (field.accepts(only) ? only : null) };
  }
  const sample = sampler(targets);
  return targets.length <= choices
    ? { pick: () => leastOfAll(targets, field, sample, better) }
    : { pick: () => leastOfSome(choices, field, sample, better) };
}

/** So few that all are looked at; the one that is drawn by weight wins where they are equal. */
function leastOfAll(
  targets: readonly BalanceTarget[],
  field: BalanceField,
  sample: Sampler,
  better: Better,
): BalanceTarget | null {
  const now = field.now();
  const drawn = sample(field.random);
  let best = field.accepts(drawn) ? drawn : null;
  for (const target of targets) {
    if (target === drawn || !field.accepts(target)) continue;
    if (best === null || better(target, best, now)) best = target;
  }
  return best;
}

function leastOfSome(
  choices: number,
  field: BalanceField,
  sample: Sampler,
  better: Better,
): BalanceTarget | null {
  const now = field.now();
  let best: BalanceTarget | null = null;
  let found = 0;
  // A draw that is not fit, or is the best one again, is drawn anew.
  for (let left = choices * BALANCE.drawsPerChoice; left > 0 && found < choices; left -= 1) {
    const target = sample(field.random);
    if (target === best || !field.accepts(target)) continue;
    found += 1;
    if (best === null || better(target, best, now)) best = target;
  }
  return best;
}

/**
 * The one that was drawn first wins unless the second is clearly cheaper: weights decide who is
 * drawn first, and the noise of what was measured is not to overrule them.
 */
function cheaper(targets: readonly BalanceTarget[]): Better {
  const busy = busyOf(targets);
  return (second, first, now) => {
    const busySecond = busy(second);
    const busyFirst = busy(first);
    // Of a target that has not answered yet only its pending exchanges are known.
    if (!second.latency.known || !first.latency.known) return busySecond < busyFirst;
    const costSecond = second.latency.at(now) * busySecond * BALANCE.clearlyCheaper;
    return costSecond < first.latency.at(now) * busyFirst;
  };
}

function lessBusy(targets: readonly BalanceTarget[]): Better {
  const busy = busyOf(targets);
  return (second, first, now) =>
    busy(second, second.latency.failures(now)) < busy(first, first.latency.failures(now));
}

/** What is under way for its weight, and the call that is to be added; an idle target is 1. */
function busyOf(
  targets: readonly BalanceTarget[],
): (target: BalanceTarget, failures?: number) => number {
  const mean = targets.reduce((sum, { weight }) => sum + weight, 0) / targets.length;
  return ({ pending, latency, weight }, failures = 0) =>
    ((pending - latency.swallowed + failures) * mean) / weight + 1;
}
