// What a choice costs, from 3 to 1,000 targets: `npm run -s bench:balance`. The quickest of some
// rounds, since other work on the machine only makes them longer. The figures stand in
// docs/balancing.md; what must hold, the count of targets that are looked at, is a test
// (test/unit/targets/balance/balancers.test.ts).
import { register } from "tsx/esm/api";

register();
const { createTarget, parseTarget } = await import("../../src/targets/target.ts");
const { createTargetSet } = await import("../../src/targets/target-set.ts");
const { twoChoices, leastPending } = await import("../../src/targets/balance/least-cost.ts");
const { roundRobin } = await import("../../src/targets/balance/round-robin.ts");
const { hashRing } = await import("../../src/targets/balance/hash-ring.ts");

const COUNTS = [3, 10, 100, 1_000];
const CHOICES = 10_000;
const ROUNDS = 60;
const balancers = {
  two_choices: twoChoices,
  least_pending: leastPending,
  round_robin: roundRobin,
  hash: () => hashRing(({ path }) => path, 1.25, twoChoices()),
};
const requests = Array.from({ length: 1_024 }, (_, at) => ({
  method: "GET",
  path: `/orders/${at}`,
  headers: [],
}));
const parts = { clock: { now: () => performance.now() }, random: { next: () => Math.random() } };

function nanoseconds(balancer, count) {
  const targets = Array.from({ length: count }, (_, at) => {
    const target = createTarget(parseTarget(`http://10.0.${at >> 8}.${at & 255}:8080`), null);
    target.latency.observe(20 + (at % 7), performance.now());
    return target;
  });
  const options = { balancer: balancer(), zone: null, overflowBelow: 0.7, sticky: null };
  const set = createTargetSet(parts, targets, options);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    for (let at = 0; at < CHOICES; at += 1) set.choose(requests[at & 1_023], []);
    return ((performance.now() - start) * 1e6) / CHOICES;
  });
  return Math.min(...rounds);
}

console.log(`| nanoseconds | ${COUNTS.join(" | ")} |`);
console.log(`|${" --- |".repeat(COUNTS.length + 1)}`);
for (const [name, balancer] of Object.entries(balancers)) {
  const cells = COUNTS.map((count) => nanoseconds(balancer, count).toFixed(0));
  console.log(`| \`${name}\` | ${cells.join(" | ")} |`);
}
