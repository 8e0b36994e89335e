/**
 * Charts as SVG, written without a library: bars side by side, and curves in panels. Colours follow
 * the reader's own light or dark setting.
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
  .grid { stroke: #d0d7de }
  .bar { stroke: #57606a; stroke-dasharray: 2 4 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round }
  ${dashes.join(" ")}
  ${series("light")}
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .page { fill: #0d1117 }
    .grid { stroke: #30363d }
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

const PANEL = { width: 410, height: 240, left: 56, right: 20, top: 46, bottom: 36 };
const COLUMNS = 2;

/**
 * Curves in panels, two beside each other. A panel is `{ title, unit, log, series: [{ name,
 * points: [{ x, y }] }] }`; with `log` its x are powers.
 */
export function curveChart({ title, panels, series }) {
  const rows = Math.ceil(panels.length / COLUMNS);
  const top = 70;
  const width = COLUMNS * PANEL.width + 20;
  const body = [text(24, 28, title, "title"), ...legend(series, 24, 54)];
  for (const [index, panel] of panels.entries()) {
    const x = (index % COLUMNS) * PANEL.width;
    const y = top + Math.floor(index / COLUMNS) * PANEL.height;
    body.push(`<g transform="translate(${x} ${y})">`, ...drawPanel(panel), "</g>");
  }
  return page(width, top + rows * PANEL.height + 8, title, body);
}

function drawPanel({ title, unit, log, lines }) {
  const points = lines.flat();
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const most = niceAbove(Math.max(...points.map(({ y }) => y)));
  const inner = PANEL.width - PANEL.left - PANEL.right;
  const [first, last] = [xs[0], xs.at(-1)];
  const place = (x) =>
    log ? Math.log(x / first) / Math.log(last / first) : (x - first) / (last - first);
  const px = (x) => PANEL.left + place(x) * inner;
  const bottom = PANEL.height - PANEL.bottom;
  const py = (y) => bottom - (y / most) * (bottom - PANEL.top);
  const drawn = [text(PANEL.left, 24, title, "title"), text(PANEL.left, 40, unit, "small")];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const y = r(py(most * share));
    drawn.push(`<path class="grid" d="M${PANEL.left} ${y}H${PANEL.width - PANEL.right}"/>`);
    drawn.push(text(PANEL.left - 8, y + 4, shortOf(most * share), "small", "end"));
  }
  let free = Number.NEGATIVE_INFINITY;
  for (const x of xs) {
    // Marks that would touch the one before are left out.
    if (px(x) < free) continue;
    drawn.push(text(px(x), bottom + 18, shortOf(x), "small", "middle"));
    free = px(x) + 38;
  }
  for (const [i, line] of lines.entries()) {
    const path = line
      .map(({ x, y }, at) => `${at === 0 ? "M" : "L"}${r(px(x))} ${r(py(y))}`)
      .join("");
    drawn.push(`<path class="line s${i} l${i}" d="${path}"/>`);
    for (const { x, y } of line) {
      drawn.push(`<circle class="f${i}" cx="${r(px(x))}" cy="${r(py(y))}" r="3"/>`);
    }
  }
  return drawn;
}

/** The next of 1, 2, 4, 6, 8 and 10 times a power of ten: four steps that are easy to read. */
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}

function shortOf(value) {
  if (value >= 1_000) return `${Number((value / 1_000).toFixed(1))}k`;
  return `${Number(value.toFixed(value < 1 ? 2 : 1))}`;
}
