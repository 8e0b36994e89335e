/**
 * `npm run bench -- all`: every mode in one go, written into the docs: the figures of this version
 * of Node, and the tables and charts that are made of them and of what other versions left.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { aboutThis, tell } from "../lib/bench.mjs";
import { BASELINE, OURS } from "../lib/contenders.mjs";
import { figuresFile, render } from "../lib/pages.mjs";
import { measureBars } from "./bars.mjs";
import { measureFailing } from "./failing.mjs";
import { measureGrowth } from "./growth.mjs";
import { measureSideBySide } from "./paired.mjs";
import { measurePolicies } from "./policies.mjs";
import { measureProxies } from "./proxies.mjs";
import { measureSdk } from "./sdk.mjs";

/** What each part gets of the time. The comparison has the most processes by far. */
const SHARES = {
  proxies: 0.62,
  paired: 0.05,
  policies: 0.08,
  sdk: 0.07,
  failing: 0.05,
  bars: 0.04,
  growth: 0.09,
};
const SIDE_BY_SIDE = { proxies: [BASELINE, "bare-http", OURS], workloads: ["get-1k"] };

export async function measureAll(options, setting) {
  const startedAt = performance.now();
  const part = async (name, measure, more = {}) => {
    tell(`\n${name}, after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
    return measure({ ...options, ...more, minutes: options.minutes * SHARES[name] }, setting);
  };
  const proxies = await part("proxies", measureProxies);
  const results = {
    proxies: proxies.map(withoutRounds),
    bars: await part("bars", (asked) => measureBars(asked, setting, proxies)),
    paired: await part("paired", measureSideBySide, SIDE_BY_SIDE),
    policies: await part("policies", measurePolicies),
    sdk: await part("sdk", measureSdk),
    failing: await part("failing", measureFailing),
    growth: await part("growth", measureGrowth),
  };
  const minutes = Math.round((performance.now() - startedAt) / 60_000);
  return { about: { ...aboutThis(setting), minutes }, ...results };
}

/** The docs keep medians and spreads; every round of every proxy would be a large file. */
function withoutRounds({ proxies, ...workload }) {
  const kept = proxies.map(({ rounds, ...proxy }) => ({ ...proxy, rounds: rounds.length }));
  return { ...workload, proxies: kept };
}

/** Leaves the figures for this version of Node in the docs, and makes the page of them. */
export function keepAndRender(run) {
  const file = figuresFile(run.about.node);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(run, shortened, 1)}\n`);
  render();
  return file;
}

/** Five digits are more than the figures are worth. */
function shortened(_key, value) {
  return typeof value === "number" && !Number.isInteger(value)
    ? Number(value.toPrecision(5))
    : value;
}
