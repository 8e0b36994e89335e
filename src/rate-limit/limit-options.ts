/**
 * The options of a rate limit and of a quota, checked when it is made.
 *
 * All problems are thrown at once, each with the option, the value and the nearest right thing.
 */
import type { Section } from "../catalog/options/option.js";
import {
  type CountMode,
  QUOTA_OPTIONS,
  RATE_LIMIT_OPTIONS,
} from "../catalog/options/rate-limit.js";
import { QUOTA, RATE_LIMIT } from "../catalog/rate-limit-defaults.js";
import { createFindings, type Findings, isRecord, shown } from "../options/findings.js";
import { nearest } from "../options/nearest.js";
import { GatewayOptionsError } from "../options/options-error.js";
import { readOptions } from "../options/read-option.js";
import { type RateRule, ruleOf } from "./gcra.js";
import type { LimitedRequest } from "./request-keys.js";
import type { RateStore } from "./store.js";

/** What may be written for one tier in place of the limit's own. */
export interface RateTierOptions {
  readonly limit: number;
  readonly windowMs?: number;
  readonly burst?: number;
}

/** One tier as it is counted. */
export interface LimitTier {
  /** As fields, metrics and the store name it. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly rule: RateRule;
}

export interface ReadCounting {
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
  readonly count: CountMode;
  readonly members: number;
  readonly storeMs: number;
  readonly keysMax: number;
  readonly store: RateStore | null;
}

export interface ReadRateLimit extends ReadCounting {
  readonly dryRun: boolean;
  readonly fields: "all" | "refusals" | "none";
  /** Costs that are no positive number count as 1. */
  readonly costOf: ((request: LimitedRequest) => number) | null;
  readonly tierOf: ((request: LimitedRequest) => string | null | undefined) | null;
  readonly base: LimitTier;
  readonly tiers: ReadonlyMap<string, LimitTier>;
}

type Options = Readonly<Record<string, unknown>>;

/** Names that are code, or are read elsewhere. */
const CODE = ["key", "cost", "tier", "tiers", "store"];

export function readRateLimit(
  findings: Findings,
  options: unknown,
): { readonly given: Options; readonly read: ReadRateLimit } {
  const given = isRecord(options) ? options : {};
  const counting = readCounting(findings, given, RATE_LIMIT_OPTIONS, CODE);
  const { cost, tier } = given;
  const burst = counting.burst ?? counting.limit;
  if (cost !== undefined && typeof cost !== "function" && !isCost(cost)) {
    findings.problem("cost", `${shown(cost)} is neither a number above 0 nor a function`);
  }
  if (tier !== undefined && typeof tier !== "function") {
    findings.problem("tier", `${shown(tier)} is not a function that names one of tiers`);
  }
  const base = tierOf(counting.name, { ...counting, burst });
  const read = {
    ...{ dryRun: RATE_LIMIT.dryRun, fields: RATE_LIMIT.fields, ...counting, burst, base },
    costOf: typeof cost === "function" ? (cost as ReadRateLimit["costOf"]) : fixed(cost),
    tierOf: typeof tier === "function" ? (tier as ReadRateLimit["tierOf"]) : null,
    tiers: readTiers(findings, given["tiers"], base),
  };
  return { given, read: read as ReadRateLimit };
}

function fixed(cost: unknown): ReadRateLimit["costOf"] {
  return isCost(cost) && cost !== 1 ? () => cost : null;
}

export function isCost(value: unknown): value is number {
  return typeof value === "number" && value > 0 && Number.isFinite(value);
}

function readTiers(findings: Findings, given: unknown, base: LimitTier): Map<string, LimitTier> {
  const tiers = new Map<string, LimitTier>();
  if (given === undefined) return tiers;
  if (!isRecord(given)) findings.problem("tiers", `${shown(given)} is not { name: { limit } }`);
  else {
    for (const [name, options] of Object.entries(given)) {
      const path = `tiers.${name}`;
      if (!RATE_LIMIT_OPTIONS.name.pattern.test(name)) {
        findings.problem(path, `is not ${RATE_LIMIT_OPTIONS.name.wanted}`);
      }
      if (!isRecord(options)) {
        findings.problem(path, `${shown(options)} is not { limit, windowMs, burst }`);
        continue;
      }
      const { limit, windowMs, burst } = RATE_LIMIT_OPTIONS;
      const section = { limit, windowMs, burst };
      checkNames(findings, options, Object.keys(section), `${path}.`);
      if (options["limit"] === undefined) findings.problem(`${path}.limit`, "is missing");
      const read = readOptions(findings, path, section, options) as Partial<LimitTier>;
      tiers.set(name, tierOf(`${base.name}-${name}`, { ...base, ...burstless, ...read }));
    }
  }
  return tiers;
}

const burstless = { burst: undefined };

function tierOf(
  name: string,
  {
    limit,
    windowMs,
    burst = limit,
  }: { readonly limit: number; readonly windowMs: number; readonly burst?: number | undefined },
): LimitTier {
  return { name, limit, windowMs, rule: ruleOf(limit, windowMs, Math.min(burst, limit)) };
}

type Counting = Omit<ReadCounting, "burst"> & { readonly burst?: number };

export function readCounting(
  findings: Findings,
  given: Options,
  section: Section,
  others: readonly string[],
): Counting {
  checkNames(findings, given, [...Object.keys(section), ...others], "");
  for (const name of ["name", "limit", "windowMs"]) {
    if (
      name in section &&
      given[name] === undefined &&
      !(section === QUOTA_OPTIONS && name === "name")
    )
      findings.problem(name, "is missing");
  }
  const read = readOptions(findings, "", section, given);
  const { limit, burst } = read;
  if (Number(burst) > Number(limit)) {
    findings.problem("burst", `${shown(burst)} is more than limit, ${shown(limit)}`);
  }
  return {
    ...(section === QUOTA_OPTIONS ? QUOTA : RATE_LIMIT),
    ...{ name: "", limit: 1, windowMs: 1, ...read },
    store: readStore(findings, given["store"], given["count"]),
  } as Counting;
}

function readStore(findings: Findings, store: unknown, count: unknown): RateStore | null {
  if (store === undefined || store === null) return null;
  if (typeof (Object(store) as Partial<RateStore>).take !== "function") {
    findings.problem("store", `${shown(store)} is no store; write redisStore(client)`);
    return null;
  }
  const read = store as RateStore;
  if (read.whole === true && count !== "exact") {
    findings.problem("count", `a store of ${read.kind} leases no blocks; write count: "exact"`);
  }
  return read;
}

function checkNames(
  findings: Findings,
  given: Options,
  known: readonly string[],
  path: string,
): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const close = nearest(name, known);
    const advice = close === null ? `there are ${known.join(", ")}` : `did you mean "${close}"?`;
    findings.problem(path + name, `unknown option; ${advice}`);
  }
}

/** Throws all problems at once. */
export function reading<Value>(read: (findings: Findings) => Value): Value {
  const findings = createFindings();
  const value = read(findings);
  if (findings.problems.length > 0) throw new GatewayOptionsError(findings.problems);
  return value;
}
