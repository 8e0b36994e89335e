/**
 * `npm run bench -- all`: every mode in one go, written into the docs: the figures of this version
 * of Node, and the tables and charts that are made of them and of what other versions left. With
 * `--parts` only those are measured anew, and the others stay as they were.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
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

/**
 * The parts in their order, with what each gets of the time. The comparison has the most processes
 * by far; those that a bar is about are compared again, in more rounds.
 */
const PARTS = {
  proxies: { share: 0.5, measure: compared },
  bars: { share: 0.16, measure: measureBars },
  paired: { share: 0.05, measure: sideBySide },
  policies: { share: 0.08, measure: measurePolicies },
  sdk: { share: 0.07, measure: measureSdk },
  failing: { share: 0.05, measure: measureFailing },
  growth: { share: 0.09, measure: measureGrowth },
};
const SIDE_BY_SIDE = { proxies: [BASELINE, "bare-http", OURS], workloads: ["get-1k"] };

async function compared(options, setting) {
  return (await measureProxies(options, setting)).map(withoutRounds);
}

function sideBySide(options, setting) {
  return measureSideBySide({ ...options, ...SIDE_BY_SIDE }, setting);
}

export async function measureAll(options, setting) {
  const startedAt = performance.now();
  const chosen = chosenParts(options.parts);
  const kept = chosen.length < Object.keys(PARTS).length ? lastRun() : { about: {} };
  const all = chosen.reduce((sum, name) => sum + PARTS[name].share, 0);
  const results = {};
  for (const name of chosen) {
    const { share, measure } = PARTS[name];
    tell(`\n${name}, after ${Math.round((performance.now() - startedAt) / 1_000)} s`);
    results[name] = await measure(
      { ...options, minutes: (options.minutes * share) / all },
      setting,
    );
  }
  const minutes = Math.round((performance.now() - startedAt) / 60_000) + (kept.about.minutes ?? 0);
  return { ...kept, about: { ...aboutThis(setting), minutes }, ...results };
}

function chosenParts(names) {
  const known = Object.keys(PARTS);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--parts: "${unknown}" is none of ${known.join(", ")}`);
  }
  return names.length === 0 ? known : known.filter((name) => names.includes(name));
}

function lastRun() {
  const file = figuresFile(process.versions.node);
  if (!existsSync(file)) throw new Error("--parts: there is no whole run of this Node to keep");
  return JSON.parse(readFileSync(file, "utf8"));
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
