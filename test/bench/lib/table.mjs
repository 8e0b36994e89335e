/**
 * Figures → a table for people.
 */

const COLUMNS = [
  ["CPU s / 10k", ({ cpuPer10k }) => cpuPer10k.toFixed(3)],
  ["x bare", ({ ratio }) => fixed(ratio, 2)],
  ["min-max", ({ ratioMin, ratioMax }) => range(ratioMin, ratioMax)],
  ["req/s", ({ perSecond }) => Math.round(perSecond).toLocaleString("en-US")],
  ["core busy", ({ busy }) => `${Math.round(busy * 100)} %`],
  ["p50 ms", ({ p50Ms }) => p50Ms.toFixed(2)],
  ["p99 ms", ({ p99Ms }) => p99Ms.toFixed(2)],
  ["peak MiB", ({ peakBytes }) => (peakBytes / 2 ** 20).toFixed(0)],
];

export function printTable(results) {
  const rows = [
    ["proxy", ...COLUMNS.map(([title]) => title)],
    ...results.map(({ label, figures }) => [label, ...COLUMNS.map(([, show]) => show(figures))]),
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
