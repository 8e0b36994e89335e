/**
 * Reads `balance` of an upstream or of `defaults`: a name, settings, or a custom balancer.
 *
 * The result creates a balancer per upstream, since a balancer has state.
 */
import { BALANCE_NUMBERS } from "../catalog/options/balance.js";
import { defaultsOf } from "../catalog/options/option.js";
import type { Balancer } from "../targets/balance/balancer.js";
import { type BalanceKey, hashRing } from "../targets/balance/hash-ring.js";
import { leastPending, twoChoices } from "../targets/balance/least-cost.js";
import { roundRobin } from "../targets/balance/round-robin.js";
import { BALANCE_POLICIES, type BalancePolicy, type NormalisedBalance } from "./balance-options.js";
import { at, type Findings, isRecord, shown } from "./findings.js";
import { nearest } from "./nearest.js";
import { checkNames } from "./option-names.js";
import { readKey } from "./read-key.js";
import { readOptions } from "./read-option.js";
import { readSticky } from "./read-sticky.js";

const NUMBERS = defaultsOf(BALANCE_NUMBERS);

/** What is used when nothing is written. */
export const DEFAULT_BALANCE: NormalisedBalance = {
  make: twoChoices,
  overflowBelow: NUMBERS.overflowBelow,
  sticky: null,
};

type WithoutKey = Exclude<BalancePolicy, "hash">;

const WITHOUT_KEY: Readonly<Record<WithoutKey, () => Balancer>> = {
  two_choices: twoChoices,
  least_pending: leastPending,
  round_robin: roundRobin,
};

const POLICIES: readonly string[] = BALANCE_POLICIES;

/** What other libraries call these. */
const SYNONYMS: Readonly<Record<string, BalancePolicy>> = {
  p2c: "two_choices",
  ewma: "two_choices",
  peak_ewma: "two_choices",
  random: "two_choices",
  least_time: "two_choices",
  least_request: "least_pending",
  leastconn: "least_pending",
  least_conn: "least_pending",
  least_connections: "least_pending",
  wrr: "round_robin",
  weighted_round_robin: "round_robin",
  ip_hash: "hash",
  ring_hash: "hash",
  maglev: "hash",
  consistent_hash: "hash",
  uri: "hash",
  source: "hash",
};

/** Undefined when nothing was written. */
export function readBalance(
  findings: Findings,
  path: string,
  value: unknown,
): NormalisedBalance | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" || isBalancer(value)) {
    return { ...DEFAULT_BALANCE, make: readPolicy(findings, path, path, value, undefined) };
  }
  if (!isRecord(value)) {
    findings.problem(path, `${shown(value)} is not a way to balance; ${advice(value)}`);
    return undefined;
  }
  checkNames(findings, path, "balance", value);
  const { policy = "two_choices", key, sticky } = value;
  const numbers = { ...NUMBERS, ...readOptions(findings, path, BALANCE_NUMBERS, value) };
  if (key !== undefined && policy !== "hash") {
    findings.problem(at(path, "key"), 'is used with policy: "hash" only');
  }
  const hash = {
    key: key === undefined ? null : readKey(findings, at(path, "key"), key),
    loadFactor: numbers.loadFactor,
  };
  return {
    make: readPolicy(findings, path, at(path, "policy"), policy, hash),
    overflowBelow: numbers.overflowBelow,
    sticky: readSticky(findings, at(path, "sticky"), sticky),
  };
}

interface HashSettings {
  readonly key: BalanceKey | null;
  readonly loadFactor: number;
}

function readPolicy(
  findings: Findings,
  path: string,
  policyPath: string,
  value: unknown,
  hash: HashSettings | undefined,
): () => Balancer {
  if (isBalancer(value)) return () => value;
  if (value === "hash") {
    const key = hash?.key ?? null;
    if (key !== null) return () => hashRing(key, hash?.loadFactor ?? 1, twoChoices());
    const example = '{ policy: "hash", key: { header: "x-user" } }';
    findings.problem(path, `"hash" needs a key; write ${example}`);
    return twoChoices;
  }
  const make = POLICIES.includes(String(value)) ? WITHOUT_KEY[value as WithoutKey] : undefined;
  if (make !== undefined) return make;
  findings.problem(policyPath, `${shown(value)} is not a way to balance; ${advice(value)}`);
  return twoChoices;
}

function advice(value: unknown): string {
  const meant =
    typeof value === "string"
      ? (SYNONYMS[value.toLowerCase().replaceAll("-", "_")] ?? nearest(value, POLICIES))
      : null;
  if (meant !== null) return `did you mean "${meant}"?`;
  return `write one of ${POLICIES.map((name) => `"${name}"`).join(", ")}, or a balancer`;
}

function isBalancer(value: unknown): value is Balancer {
  if (typeof value !== "object" || value === null) return false;
  const { name, over } = value as Partial<Balancer>;
  return typeof name === "string" && typeof over === "function";
}
