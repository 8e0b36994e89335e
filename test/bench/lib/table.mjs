/**
 * Figures → a table for people.
 */

const COLUMNS = [
  ["CPU s / 10k", ({ cpuPer10k }) => cpuPer10k.toFixed(3)],
  ["x bare", ({ ratio }) => fixed(ratio, 2)],
  ["min-max", ({ ratioMin, ratioMax }) => range(ratioMin, ratioMax)],
  ["quiet s", ({ quietPer10k }) => fixed(quietPer10k, 3)],
  ["x bare", ({ quietRatio }) => fixed(quietRatio, 2)],
  ["req/s", ({ perSecond }) => Math.round(perSecond).toLocaleString("en-US")],
  ["core busy", ({ busy }) => `${Math.round(busy * 100)} %`],
  ["p50 ms", ({ p50Ms }) => p50Ms.toFixed(2)],
  ["p99 ms", ({ p99Ms }) => p99Ms.toFixed(2)],
  ["peak MiB", ({ peakBytes }) => (peakBytes / 2 ** 20).toFixed(0)],
];

/** A column in which nobody has a value is left out. */
export function printTable(results) {
  const columns = COLUMNS.filter(([, show]) => results.some(({ figures }) => show(figures)));
  const rows = [
    ["proxy", ...columns.map(([title]) => title)],
    ...results.map(({ label, figures }) => [label, ...columns.map(([, show]) => show(figures))]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const lines = rows.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  "),
  );
  lines.splice(1, 0, widths.map((width) => "-".repeat(width)).join("  "));
  return `${lines.join("\n")}\n`;
}

function fixed(value, digits) {
  return value === null ? "" : value.toFixed(digits);
}

function range(from, to) {
  return from === null ? "" : `${from.toFixed(2)}-${to.toFixed(2)}`;
}
