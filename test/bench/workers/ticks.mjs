/**
 * What `process.nextTick` costs, in nanoseconds, before and after full collections in moments
 * without any tick: `node --expose-gc workers/ticks.mjs [gateway]`; with one, or without.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fromDist } from "../proxies/dist.mjs";

const TICKS = 50_000;
/** What nothing disturbed counts. */
const RUNS = 8;
const ROUNDS = 6;
const NS_PER_US = 1_000;

if (process.argv[2] === "gateway") {
  const { createGateway } = await fromDist("index.js");
  createGateway({ upstreams: { one: { targets: "http://127.0.0.1:9" } } });
}
await tickNs();
const before = await tickNs();
// The first collections may come before V8 has compiled it for good.
for (let round = 0; round < ROUNDS; round += 1) {
  for (let times = 0; times < 2; times += 1) {
    await sleep(5);
    globalThis.gc();
  }
  await sleep(5);
  await tickNs();
}
process.once("disconnect", () => process.exit());
process.send({ result: { before, after: await tickNs() } });

async function tickNs() {
  const all = [];
  for (let run = 0; run < RUNS; run += 1) all.push(await runOnce());
  return Math.min(...all);
}

function runOnce() {
  const start = process.cpuUsage();
  return new Promise((resolve) => {
    let left = TICKS;
    const next = () => {
      left -= 1;
      if (left > 0) return process.nextTick(next);
      const { user, system } = process.cpuUsage(start);
      resolve(((user + system) * NS_PER_US) / TICKS);
    };
    process.nextTick(next);
  });
}
