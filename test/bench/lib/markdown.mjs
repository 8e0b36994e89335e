/**
 * Figures → tables, for people who read a terminal or the docs: the same Markdown for both, its
 * columns in line.
 */

/** Rows of cells under a head; the first column is text, the others are figures. */
export function table(head, rows) {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column].length)));
  const line = (row) => {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]),
    );
    return `| ${cells.join(" | ")} |`;
  };
  const rule = widths.map((width, i) =>
    i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}

export function fixed(value, digits) {
  return value === null || value === undefined ? "" : value.toFixed(digits);
}

export function whole(value) {
  return value === null || value === undefined ? "" : Math.round(value).toLocaleString("en-US");
}

export function range(from, to, digits = 2) {
  return from === null || from === undefined ? "" : `${from.toFixed(digits)}–${to.toFixed(digits)}`;
}

/** Columns by what they show; one in which nobody has a value is left out. */
export function columns(shown, rows) {
  const kept = shown.filter(([, show]) => rows.some((row) => show(row) !== ""));
  return table(
    kept.map(([title]) => title),
    rows.map((row) => kept.map(([, show]) => show(row))),
  );
}
