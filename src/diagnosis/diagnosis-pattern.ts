/**
 * What failures of one kind have in common: one target or all, one route or all, new connections or
 * kept ones, their age, and since when. Facts only; what follows from them is said in diagnosis.ts.
 *
 * Guarantee: "only there" is said where something else was asked meanwhile and succeeded. What all
 * failures share because nothing else was asked is reported as that.
 */
import type { FailureCode } from "../catalog/failures.js";
import { closerAt } from "../catalog/fingerprints.js";
import { DIAGNOSIS } from "../catalog/health-defaults.js";
import type { FailureEntry, SuccessEntry } from "./failure-ledger.js";

/** What the failures of one kind have in common, as plain data. */
export interface FailurePattern {
  /** The most frequent of `codes`. */
  readonly code: FailureCode;
  /** Failures with one cause, which have different names at different moments. */
  readonly codes: readonly FailureCode[];
  /** How many failures there were. */
  readonly count: number;
  /** When the first of them occurred, in milliseconds since 1970. */
  readonly since: number;
  /** How long ago the last one was. */
  readonly lastMs: number;
  /** The first failure after the last success; null when exchanges succeed, too. */
  readonly nothingSucceedsSince: number | null;
  /** False when no exchange has succeeded since the gateway was created. */
  readonly everWorked: boolean;
  /** Failures, of all names, since the last success. */
  readonly failedInARow: number;
  /** Exchanges that succeeded since the first failure. */
  readonly successes: number;
  /** Exchanges that succeeded since the last failure. */
  readonly successesAfter: number;
  /** The one target at which nearly all of them happened; null when there were several. */
  readonly target: string | null;
  /** At how many targets they happened. */
  readonly targetsFailing: number;
  /** How many targets the upstream has. */
  readonly targets: number;
  /** Other targets were called meanwhile, and answered. */
  readonly otherTargetsWork: boolean;
  /** The one route on which nearly all of them happened; null when there were several. */
  readonly route: string | null;
  /** Other routes were called meanwhile, and answered. */
  readonly otherRoutesWork: boolean;
  /** On which connections they happened. */
  readonly connections: "new" | "kept" | "both";
  /** New connections were used meanwhile, and worked. */
  readonly newConnectionsWork: boolean;
  /** The typical age of the connections at the failure; null when there were none. */
  readonly socketAgeMs: number | null;
  /** How long they had typically been idle before they were used again. */
  readonly restedMs: number | null;
  /** Most of them had this age, or had been idle for this long. */
  readonly agesAlike: boolean;
  /** The program that is known to close connections after that time. */
  readonly closedBy: string | null;
}

/** What a pattern is read from. */
export interface PatternFacts {
  readonly entries: readonly FailureEntry[];
  readonly successes: number;
  readonly successesSince: number;
  /** The latest ones, the oldest first. */
  latestSuccesses(count: number): readonly SuccessEntry[];
  readonly targets: readonly string[];
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** The entries are of one family of names, and there is at least one of them. */
export function patternOf(entries: readonly FailureEntry[], facts: PatternFacts): FailurePattern {
  const { now, targets } = facts;
  const [first] = entries as readonly [FailureEntry, ...FailureEntry[]];
  const meanwhile = successesSince(first, facts);
  const others = facts.latestSuccesses(meanwhile);
  const target = shared(entries.map((one) => one.target));
  const route = shared(entries.map((one) => one.route));
  const kept = entries.filter((one) => one.reused).length / entries.length;
  const failing = new Set(entries.map((one) => one.target)).size;
  const alone = inARow(facts);
  return {
    code: mostFrequent(entries.map(({ code }) => code)),
    codes: [...new Set(entries.map(({ code }) => code))],
    count: entries.length,
    since: first.wallAt,
    lastMs: now - (entries.at(-1)?.at ?? now),
    nothingSucceedsSince: alone[0]?.wallAt ?? null,
    everWorked: facts.successes > 0 || facts.entries.some(isAnswer),
    failedInARow: alone.length,
    successes: meanwhile,
    successesAfter: facts.successesSince,
    target,
    targetsFailing: failing,
    targets: Math.max(targets.length, failing),
    otherTargetsWork: target !== null && others.some((one) => one.target !== target),
    route,
    otherRoutesWork: route !== null && others.some((one) => one.route !== route),
    connections: kept >= DIAGNOSIS.patternRatio ? "kept" : kept === 0 ? "new" : "both",
    newConnectionsWork: others.some((one) => !one.reused),
    ...agesOf(entries),
  };
}

/** An answer of the upstream: whatever it says, there is something that speaks. */
function isAnswer({ code }: FailureEntry): boolean {
  return code.startsWith("received_");
}

function successesSince(first: FailureEntry, facts: PatternFacts): number {
  const later = facts.entries.slice(facts.entries.indexOf(first) + 1);
  return later.reduce((sum, one) => sum + one.successesBefore, facts.successesSince);
}

/** The failures after which nothing succeeded. */
function inARow({ entries, successesSince: since }: PatternFacts): readonly FailureEntry[] {
  if (since > 0) return [];
  const from = entries.findLastIndex((one) => one.successesBefore > 0);
  return entries.slice(Math.max(0, from));
}

type Ages = Pick<FailurePattern, "socketAgeMs" | "restedMs" | "agesAlike" | "closedBy">;

/** The times of the connections; the rest before the failure says more than the whole age. */
function agesOf(entries: readonly FailureEntry[]): Ages {
  const age = timeOf(entries.map((one) => one.socketAgeMs));
  const rested = timeOf(entries.map((one) => one.restedMs));
  const telling = rested !== null && (rested.alike || age?.alike !== true) ? rested : age;
  return {
    socketAgeMs: age?.medianMs ?? null,
    restedMs: rested?.medianMs ?? null,
    agesAlike: telling?.alike ?? false,
    closedBy: telling?.alike === true ? telling.closedBy : null,
  };
}

function timeOf(values: readonly (number | null)[]) {
  const times = values.filter((one) => one !== null).sort((a, b) => a - b);
  const medianMs = times[Math.floor(times.length / 2)];
  if (medianMs === undefined) return null;
  const near = times.filter((one) => Math.abs(one - medianMs) <= DIAGNOSIS.ageSlackMs);
  return {
    medianMs: Math.round(medianMs),
    alike: near.length / times.length >= DIAGNOSIS.agesAlikeRatio,
    closedBy: closerAt(medianMs, DIAGNOSIS.ageSlackMs)?.closedBy ?? null,
  };
}

/** The value that nearly all have; null when there is none. */
export function shared(values: readonly string[]): string | null {
  const value = mostFrequent(values);
  const count = values.filter((one) => one === value).length;
  return count / values.length >= DIAGNOSIS.patternRatio ? value : null;
}

export function mostFrequent<Value extends string>(values: readonly Value[]): Value {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first?.[0] as Value;
}
