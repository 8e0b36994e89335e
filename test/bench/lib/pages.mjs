/**
 * What was measured → the generated parts of docs/performance.md, and the charts beside it.
 *
 * `all` leaves one file of figures for each major version of Node in docs/performance; everything
 * else is made of these files, so that a change of a table needs no new run.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { barChart, curveChart } from "./svg.mjs";
import * as tables from "./tables.mjs";
import { WORKLOADS } from "./workloads.mjs";

const DOCS = fileURLToPath(new URL("../../../docs/", import.meta.url));
const FOLDER = `${DOCS}performance/`;
const MIB = 2 ** 20;
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
  const each = (show) =>
    runs.length === 0
      ? NONE
      : runs.map((run) => `Node ${run.about.node}:\n\n${show(run)}`).join("\n\n");
  const chart = (name, alt) => (runs.length === 0 ? "" : `![${alt}](performance/${name}.svg)\n\n`);
  const workload = ({ name }) => [
    `bench-${name}`,
    (name === "get-1k" ? chart("proxies", "CPU of each proxy against the bare one") : "") +
      each((run) => tables.proxyTable(run.proxies.find((one) => one.name === name))),
  ];
  return new Map([
    ["bench-about", runs.length === 0 ? NONE : runs.map(aboutLine).join("\n")],
    ["bench-bars", each(({ bars }) => tables.barsTable(bars))],
    ...WORKLOADS.map(workload),
    ["bench-paired", each(({ paired }) => tables.pairedTable(paired))],
    ["bench-policies", each(({ policies }) => tables.policyTable(policies))],
    [
      "bench-sdk-nothing",
      chart("calls", "CPU of a call around nothing") +
        each(({ sdk }) => tables.sdkTable(sdk.nothing)),
    ],
    ["bench-sdk-loopback", each(({ sdk }) => tables.sdkTable(sdk.loopback))],
    ["bench-answers", each(({ failing }) => tables.answersTable(failing.answers))],
    ["bench-instances", each(({ failing }) => tables.instancesTable(failing.instances))],
    [
      "bench-growth",
      chart("growth", "How the cost of a call grows") +
        each(({ growth }) => tables.growthTables(growth)),
    ],
  ]);
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
  return new Map([
    ["proxies.svg", proxiesChart(runs, series)],
    ["calls.svg", callsChart(runs, series)],
    ["growth.svg", growthChart(runs, series)],
  ]);
}

function proxiesChart(runs, series) {
  const measured = runs.map(({ proxies }) => proxies.find(({ name }) => name === "get-1k").proxies);
  const rows = rowsOf(measured, (proxy) => proxy?.figures?.ratio ?? null);
  const title = "GET 1 KiB: CPU of the proxy process, against the bare proxy";
  return barChart({ title, rows, series, bar: 1.15 });
}

function callsChart(runs, series) {
  const rows = rowsOf(
    runs.map(({ sdk }) => sdk.nothing),
    (way) => way?.us.median ?? null,
  );
  const title = "Around a function that does nothing: microseconds of CPU a call";
  return barChart({ title, rows, series, bar: 10, digits: 1 });
}

/** A row for each name of the first run, with the value of every run. */
function rowsOf(measured, figureOf) {
  return measured[0].map(({ name, label }) => ({
    label: label.replaceAll("`", ""),
    values: measured.map((list) => figureOf(list.find((one) => one.name === name))),
  }));
}

function growthChart(runs, series) {
  const panel = (title, unit, log, curve, y) => ({
    ...{ title, unit, log },
    lines: runs.map(({ growth }) => growth[curve].map((point) => ({ x: point.x, y: y(point) }))),
  });
  const us = (point) => point.us;
  const panels = [
    panel("Targets of one upstream", "µs of CPU a request", true, "targets", us),
    panel("Upstreams of one gateway", "µs of CPU a request", true, "upstreams", us),
    panel(
      "Upstreams of one gateway, memory",
      "MiB resident",
      true,
      "upstreams",
      (point) => point.residentBytes / MIB,
    ),
    panel("Calls at once", "µs of CPU a call, the pipe alone", true, "calls", us),
    panel("Fields of a request", "µs of CPU a request", false, "fields", us),
    panel("Repeats for each request", "µs of CPU a request", false, "repeats", us),
  ];
  return curveChart({ title: "How the cost of a call grows", panels, series });
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
