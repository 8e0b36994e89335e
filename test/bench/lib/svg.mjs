/**
 * Charts as SVG, written without a library: bars side by side. Colours follow the
 * reader's own light or dark setting.
 */

const FONT = "13px system-ui, sans-serif";
/** One for each series, readable on white and on black, and told apart without colour by dashes. */
const SERIES = [
  { light: "#0969da", dark: "#79c0ff", dash: "" },
  { light: "#bc4c00", dark: "#ffa657", dash: "7 4" },
  { light: "#1a7f37", dark: "#7ee787", dash: "2 3" },
  { light: "#8250df", dark: "#d2a8ff", dash: "9 3 2 3" },
];

function page(width, height, title, body) {
  const series = (mode) =>
    SERIES.map((one, i) => `.s${i} { stroke: ${one[mode]} } .f${i} { fill: ${one[mode]} }`).join(
      " ",
    );
  const dashes = SERIES.map(({ dash }, i) => `.l${i} { stroke-dasharray: ${dash || "none"} }`);
  const size = `viewBox="0 0 ${width} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-labelledby="title">
<title id="title">${escaped(title)}</title>
<style>
  svg { color-scheme: light dark }
  text { font: ${FONT}; fill: #24292f }
  .title { font-weight: 600 }
  .small { font-size: 12px; fill: #57606a }
  .page { fill: #ffffff }
  .bar { stroke: #57606a; stroke-dasharray: 2 4 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round }
  ${dashes.join(" ")}
  ${series("light")}
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .page { fill: #0d1117 }
    .bar { stroke: #9198a1 }
    ${series("dark")}
  }
</style>
<rect class="page" width="${width}" height="${height}" rx="6"/>
${body.join("\n")}
</svg>
`;
}

function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function text(x, y, content, classes = "", anchor = "start") {
  const kind = classes === "" ? "" : ` class="${classes}"`;
  return `<text x="${r(x)}" y="${r(y)}"${kind} text-anchor="${anchor}">${escaped(content)}</text>`;
}

function r(value) {
  return Math.round(value * 10) / 10;
}

/** The names of the series, in one line. */
function legend(names, x, y) {
  const NAME_WIDTH = 160;
  return names.flatMap((name, i) => [
    `<path class="line s${i} l${i}" d="M${x + i * NAME_WIDTH} ${y - 4}h28"/>`,
    text(x + i * NAME_WIDTH + 36, y, name),
  ]);
}

/**
 * One row for each label, with a bar for each series: `rows` are `{ label, values }`, a value may
 * be null. `bar` draws a line that is not to be passed.
 */
export function barChart({ title, rows, series, bar = null, digits = 2 }) {
  const LEFT = 310;
  const WIDTH = 860;
  const RIGHT = 70;
  const THICK = 13;
  const top = 84;
  const rowHeight = series.length * (THICK + 2) + 10;
  const height = top + rows.length * rowHeight + 16;
  const most = Math.max(bar ?? 0, ...rows.flatMap(({ values }) => values.map((v) => v ?? 0)));
  const scale = (WIDTH - LEFT - RIGHT) / most;
  const body = [text(24, 28, title, "title"), ...legend(series, 24, 54)];
  for (const [index, { label, values }] of rows.entries()) {
    const y = top + index * rowHeight;
    body.push(text(LEFT - 12, y + rowHeight / 2, label, "", "end"));
    for (const [i, value] of values.entries()) {
      if (value === null) continue;
      const at = y + i * (THICK + 2);
      const width = r(value * scale);
      body.push(`<rect class="f${i}" x="${LEFT}" y="${at}" width="${width}" height="${THICK}"/>`);
      body.push(text(LEFT + width + 6, at + THICK - 2, value.toFixed(digits), "small"));
    }
  }
  if (bar !== null) {
    const x = r(LEFT + bar * scale);
    body.push(`<path class="bar" d="M${x} ${top - 8}V${height - 12}"/>`);
    body.push(text(x + 4, top - 10, `${bar}`, "small"));
  }
  return page(WIDTH, height, title, body);
}
