/**
 * The tables of each mode, as they are printed and as they stand in the docs.
 */
import { columns, fixed, range, table, whole } from "./markdown.mjs";

const MIB = 2 ** 20;

const PROXY_COLUMNS = [
  ["proxy", ({ label, version }) => (version === null ? label : `${label} (${version})`)],
  ["CPU s / 10k", ({ figures }) => fixed(figures?.cpuPer10k, 3)],
  ["× bare", ({ figures }) => fixed(figures?.ratio, 2)],
  ["min–max", ({ figures }) => range(figures?.ratioMin, figures?.ratioMax)],
  ["quiet s", ({ figures }) => fixed(figures?.quietPer10k, 3)],
  ["quiet × bare", ({ figures }) => fixed(figures?.quietRatio, 2)],
  ["req/s", ({ figures }) => whole(figures?.perSecond)],
  ["core busy", ({ figures }) => (figures === null ? "" : `${Math.round(figures.busy * 100)} %`)],
  ["p50 ms", ({ figures }) => fixed(figures?.p50Ms, 2)],
  ["p99 ms", ({ figures }) => fixed(figures?.p99Ms, 2)],
  ["peak MiB", ({ figures }) => (figures === null ? "" : fixed(figures.peakBytes / MIB, 0))],
];

/** One workload; a proxy that did not last is named under the table. */
export function proxyTable({ proxies }) {
  const lost = proxies.filter(({ lost }) => lost !== null);
  const notes = lost.map(({ label, lost }) => `\n${label} took no part to the end: ${lost}.`);
  return columns(PROXY_COLUMNS, proxies) + (notes.length > 0 ? `\n${notes.join("\n")}` : "");
}

export function pairedTable({ proxies }) {
  return columns(
    [
      ["proxy", ({ label }) => label],
      ["quiet µs", ({ quietUs }) => fixed(quietUs, 1)],
      ["× first", ({ ratio }) => fixed(ratio, 2)],
      ["of each set", ({ sets }) => sets.map((set) => set.ratio.toFixed(2)).join(" ")],
    ],
    proxies,
  );
}

export function policyTable(variants) {
  const [{ quietUs, pipe }] = variants;
  return columns(
    [
      ["proxy", ({ label }) => label],
      ["× all policies", ({ ratio }) => fixed(ratio, 3)],
      ["µs of CPU", (row) => fixed(row.quietUs, 1)],
      ["difference µs", (row) => signed(row.quietUs - quietUs, 1)],
      ["pipe alone µs", (row) => fixed(row.pipe?.us, 2)],
      ["bytes", (row) => whole(row.pipe?.bytes)],
      ["difference bytes", (row) => byteDifference(row, pipe)],
    ],
    variants,
  );
}

function byteDifference(row, first) {
  if (row.pipe === null || row.pipe.bytes === null || first.bytes === null) return "";
  return signed(row.pipe.bytes - first.bytes, 0);
}

function signed(value, digits) {
  const text = Math.abs(value).toFixed(digits);
  if (Number(text) === 0) return text;
  return `${value > 0 ? "+" : "−"}${text}`;
}

export function sdkTable(ways) {
  const [bare] = ways;
  return columns(
    [
      ["call", ({ label }) => label],
      ["µs of CPU", ({ us }) => fixed(us.median, 1)],
      ["min–max", ({ us }) => range(us.min, us.max, 1)],
      ["more than the first", ({ us }) => signed(us.median - bare.us.median, 1)],
      ["bytes", ({ bytes }) => whole(bytes?.median)],
      ["more than the first", (row) => moreBytes(row, bare)],
    ],
    ways,
  );
}

function moreBytes({ bytes }, bare) {
  return bytes === null || bare.bytes === null ? "" : signed(bytes.median - bare.bytes.median, 0);
}

const spreadCells = (title, key, digits) => [title, (row) => fixed(row[key].median, digits)];

export function answersTable(answers) {
  return columns(
    [
      ["answer", ({ label }) => label],
      ["per CPU second", ({ perCpuSecond }) => whole(perCpuSecond.median)],
      ["min–max", ({ perCpuSecond }) => `${whole(perCpuSecond.min)}–${whole(perCpuSecond.max)}`],
      spreadCells("× first", "ratio", 2),
      spreadCells("CPU s / 10k", "cpuPer10k", 3),
    ],
    answers,
  );
}

export function instancesTable(instances) {
  return columns(
    [
      ["two instances", ({ label }) => label],
      ["req/s", ({ perSecond }) => whole(perSecond.median)],
      spreadCells("CPU s / 10k", "cpuPer10k", 3),
      spreadCells("p50 ms", "p50Ms", 2),
      spreadCells("p99 ms", "p99Ms", 2),
      ["failed", ({ failed }) => `${(failed.median * 100).toFixed(2)} %`],
    ],
    instances,
  );
}

export function barsTable(bars) {
  return columns(
    [
      ["what must hold", ({ label }) => label],
      ["bar", ({ sense, bar, unit }) => `${sense} ${bar} ${unit}`],
      ["measured", ({ value, unit }) => `${fixed(value, 2)} ${unit}`],
      ["met", ({ met }) => (met ? "yes" : "**no**")],
      ["besides", ({ note }) => note ?? ""],
    ],
    bars,
  );
}

/** A curve as a table: one column for each point. */
export function curveTable(points, name, rows) {
  const head = [name, ...points.map(({ x }) => `${Number(x.toFixed(3)).toLocaleString("en-US")}`)];
  return table(
    head,
    rows.map(([title, show]) => [title, ...points.map(show)]),
  );
}

export function growthTables({ targets, upstreams, calls, fields, repeats }) {
  const us = ["µs of CPU", (point) => fixed(point.us, 1)];
  const first = ["× the first", ({ ratio }) => fixed(ratio, 2)];
  const memory = ["resident MiB", ({ residentBytes }) => fixed(residentBytes / MIB, 0)];
  const held = ["bytes of each that waits", ({ heldBytes }) => whole(heldBytes)];
  const bare = ["bare proxy, µs", ({ bareUs }) => fixed(bareUs, 1)];
  const against = ["× bare", ({ ratio }) => fixed(ratio, 2)];
  return [
    curveTable(targets, "targets of one upstream", [us, first]),
    curveTable(upstreams, "upstreams", [us, first, memory]),
    curveTable(calls, "calls at once, the pipe alone", [us, held]),
    curveTable(fields, "fields of a request", [us, bare, against]),
    curveTable(repeats, "repeats for each request", [us, first]),
  ].join("\n\n");
}
