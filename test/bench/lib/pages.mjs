/**
 * What was measured → the generated parts of docs/performance.md, and the charts beside it.
 *
 * `all` leaves one file of figures for each major version of Node in docs/performance; everything
 * else is made of these files, so that a change of a table needs no new run.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { barChart } from "./svg.mjs";
import * as tables from "./tables.mjs";

const DOCS = fileURLToPath(new URL("../../../docs/", import.meta.url));
const FOLDER = `${DOCS}performance/`;
const NONE = "Nothing has been measured yet: `npm run bench -- all` does.";

/** The figures of every version of Node, the oldest first. */
export function readRuns() {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((name) => /^node-\d+\.json$/.test(name))
    .sort()
    .map((name) => JSON.parse(readFileSync(FOLDER + name, "utf8")));
}

export function figuresFile(node) {
  return `${FOLDER}node-${node.split(".", 1)[0]}.json`;
}

/** The generated parts of the page, by name. */
export function performanceParts(runs = readRuns()) {
  const none = runs.length === 0;
  return new Map([
    ["bench-about", none ? NONE : runs.map(aboutLine).join("\n")],
    [
      "bench-chart",
      none ? NONE : "![CPU of each proxy against the bare one](performance/proxies.svg)",
    ],
    ["bench-bars", none ? NONE : barsOf(runs)],
    ["bench-paired", none ? NONE : runs.map(pairedOf).join("\n\n")],
  ]);
}

/** One line for each bar, with what each version of Node came to. */
function barsOf(runs) {
  const [{ bars }] = runs;
  const measured = (label, { bars }) => {
    const { value, unit, met } = bars.find((one) => one.label === label);
    return `${value.toFixed(2)} ${unit}${met ? "" : " **(missed)**"}`;
  };
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [
    line(["what must hold", "bar", ...runs.map(({ about }) => `Node ${about.node}`)]),
    line(["---", "---", ...runs.map(() => "---")]),
    ...bars.map(({ label, sense, bar, unit }) =>
      line([label, `${sense} ${bar} ${unit}`, ...runs.map((run) => measured(label, run))]),
    ),
  ].join("\n");
}

function pairedOf({ about, paired }) {
  return `Node ${about.node}:\n\n${tables.pairedTable(paired)}`;
}

function aboutLine({ about }) {
  const { node, undici, date, cpu, cores, kernel, load, pinned, minutes } = about;
  const where = pinned ? "one core for the proxy, another for load and upstream" : "no core bound";
  return (
    `- Node ${node}, undici ${undici}, on ${date}: ${cores} cores of ${cpu}, Linux ${kernel}; ` +
    `load by ${load}, ${where}; ${minutes} minutes for the whole run.`
  );
}

/** The charts, by file name. */
export function performanceCharts(runs = readRuns()) {
  if (runs.length === 0) return new Map();
  const series = runs.map(({ about }) => `Node ${about.node.split(".", 1)[0]}`);
  return new Map([["proxies.svg", proxiesChart(runs, series)]]);
}

function proxiesChart(runs, series) {
  const measured = runs.map(({ proxies }) => proxies.find(({ name }) => name === "get-1k").proxies);
  const rows = rowsOf(measured, (proxy) => proxy?.figures?.ratio ?? null);
  const title = "GET 1 KiB: CPU of the proxy process, against the bare proxy";
  return barChart({ title, rows, series, bar: 1.15 });
}

/** A row for each name of the first run, with the value of every run. */
function rowsOf(measured, figureOf) {
  return measured[0].map(({ name, label }) => ({
    label: label.replaceAll("`", ""),
    values: measured.map((list) => figureOf(list.find((one) => one.name === name))),
  }));
}

const PART = /<!-- generated:(bench-[\w-]+) -->\n[\s\S]*?<!-- \/generated:\1 -->/g;

/** Writes the parts of the page and the charts. */
export function render() {
  const parts = performanceParts();
  const page = `${DOCS}performance.md`;
  const text = readFileSync(page, "utf8").replace(
    PART,
    (_, name) => `<!-- generated:${name} -->\n${parts.get(name)}\n<!-- /generated:${name} -->`,
  );
  writeFileSync(page, text);
  for (const [name, svg] of performanceCharts()) writeFileSync(FOLDER + name, svg);
}
