/**
 * The figures of docs/balancing.md: `npx tsx test/simulation/balancing.ts` prints the table, and
 * `balancing.test.ts` holds the table of the docs against it. From a seed, so that it is the same
 * everywhere.
 */
import { pathToFileURL } from "node:url";
import type { Balancer } from "../../src/targets/balance/balancer.js";
import { leastPending, twoChoices } from "../../src/targets/balance/least-cost.js";
import { roundRobin } from "../../src/targets/balance/round-robin.js";
import { type BalanceResult, type Server, simulateBalance } from "./balance-world.js";

export const POLICIES = {
  two_choices: twoChoices,
  least_pending: leastPending,
  round_robin: roundRobin,
} as const satisfies Readonly<Record<string, () => Balancer>>;

type Policy = keyof typeof POLICIES;

interface Case {
  readonly name: string;
  readonly servers: readonly Server[];
  readonly utilisation: number;
  readonly gateways?: number;
}

const equal = (count: number): readonly Server[] => Array.from({ length: count }, () => ({}));

const SIZES: readonly Server[] = [{ workers: 2 }, { workers: 16 }];

/** Breakers are off in all of them: what is shown is what balancing alone does. */
export const CASES: readonly Case[] = [
  { name: "2 equal", servers: equal(2), utilisation: 0.6 },
  { name: "3 equal", servers: equal(3), utilisation: 0.6 },
  { name: "10 equal", servers: equal(10), utilisation: 0.6 },
  { name: "10 equal, 4 gateways", servers: equal(10), utilisation: 0.6, gateways: 4 },
  ...[2, 3, 10].flatMap((count) => [
    {
      name: `${count}, one ten times slower`,
      servers: [{ serviceMs: 200 }, ...equal(count - 1)],
      utilisation: 0.5,
    },
    {
      name: `${count}, one fails at once`,
      servers: [{ failsFast: 1 }, ...equal(count - 1)],
      utilisation: 0.5,
    },
    {
      name: `${count}, one never answers`,
      servers: [{ silent: true }, ...equal(count - 1)],
      utilisation: 0.5,
    },
  ]),
  { name: "10, sizes 2, 16 and 8", servers: [...SIZES, ...equal(8)], utilisation: 0.6 },
];

export function run(policy: Policy, { servers, utilisation, gateways = 1 }: Case): BalanceResult {
  const balancer = POLICIES[policy];
  return simulateBalance({ seed: 7, servers, balancer, utilisation, gateways, seconds: 20 });
}

/** The table of the docs. */
export function figures(): string {
  const policies = Object.keys(POLICIES) as Policy[];
  const head = ["targets", ...policies.map((policy) => `\`${policy}\``)];
  const rows = CASES.map((one) => [one.name, ...policies.map((policy) => cell(run(policy, one)))]);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function cell({ p50, p99, failed, calls, imbalance }: BalanceResult): string {
  const share = (100 * failed) / calls;
  const lost = failed === 0 ? "" : `, ${share.toFixed(share < 1 ? 2 : 0)} % lost`;
  return `${p50.toFixed(0)} / ${p99.toFixed(0)} ms, ×${imbalance.toFixed(1)}${lost}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(figures());
