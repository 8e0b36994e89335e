/**
 * Draws the retry storm: load and goodput over time, one line for each gateway.
 *
 * Plain text in, plain SVG out. Colours follow the reader's light or dark setting, and every line
 * has a dash of its own, so that it can be told from the others without its colour.
 */
import { GATEWAYS, type GatewayName, type Second, STORM } from "./retry-storm.js";

export type Storms = Readonly<Record<GatewayName, readonly Second[]>>;

const WIDTH = 860;
const LEFT = 56;
const RIGHT = 20;
const PANEL = 190;
const FIRST_TOP = 130;
const GAP = 64;
const NAMES = Object.keys(GATEWAYS) as readonly GatewayName[];

interface Panel {
  readonly top: number;
  readonly title: string;
  readonly most: number;
  readonly ticks: readonly number[];
  readonly tick: (value: number) => string;
  readonly value: (second: Second) => number;
}

const PANELS: readonly Panel[] = [
  {
    top: FIRST_TOP,
    title: "Load on the upstream, against the calls that come in",
    most: 5,
    ticks: [0, 1, 2, 3, 4, 5],
    tick: (value) => `${value}×`,
    value: ({ load, offered }) => load / offered,
  },
  {
    top: FIRST_TOP + PANEL + GAP,
    title: "Calls that are answered well",
    most: 1,
    ticks: [0, 0.25, 0.5, 0.75, 1],
    tick: (value) => `${value * 100} %`,
    value: ({ good, offered }) => good / offered,
  },
];

const HEIGHT = FIRST_TOP + 2 * PANEL + GAP + 46;

const STYLE = `
  svg { color-scheme: light dark }
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .small { font-size: 12px; fill: #57606a }
  .page { fill: #ffffff }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .outage { fill: #cf222e; opacity: 0.09 }
  .bar { stroke: #57606a; stroke-width: 1; stroke-dasharray: 2 4 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round }
  .unbounded { stroke: #cf222e }
  .budget { stroke: #0969da; stroke-dasharray: 9 3 }
  .defaults { stroke: #1a7f37; stroke-dasharray: 2 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .page { fill: #0d1117 }
    .grid { stroke: #30363d }
    .outage { fill: #ff7b72; opacity: 0.14 }
    .bar { stroke: #9198a1 }
    .unbounded { stroke: #ff7b72 }
    .budget { stroke: #79c0ff }
    .defaults { stroke: #7ee787 }
  }
`;

export function stormSvg(storms: Storms): string {
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img"`,
    ' aria-labelledby="storm-title">\n',
    '<title id="storm-title">A retry storm with and without a budget</title>\n',
    `<style>${STYLE}</style>\n`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}" rx="6"/>\n`,
    text(LEFT, 28, "title", "All targets stand still from second 10 to second 20"),
    ...NAMES.map(legend),
    ...PANELS.map((panel) => panelOf(panel, storms)),
  ];
  return `${parts.join("")}</svg>\n`;
}

function legend(name: GatewayName, index: number): string {
  const y = 50 + index * 19;
  const line = `<path class="line ${name}" d="M${LEFT} ${y - 4}h34"/>\n`;
  return line + text(LEFT + 44, y, "", GATEWAYS[name]);
}

function panelOf(panel: Panel, storms: Storms): string {
  const { top, title, most } = panel;
  const bottom = top + PANEL;
  const y = (value: number): number => bottom - (value / most) * PANEL;
  const from = xOf(STORM.outageFrom / 1_000);
  const width = xOf(STORM.outageTo / 1_000) - from;
  const place = `x="${from}" y="${top}" width="${width}" height="${PANEL}"`;
  const outage = `<rect class="outage" ${place}/>\n`;
  const grid = panel.ticks.map(
    (value) =>
      `<path class="grid" d="M${LEFT} ${round(y(value))}H${WIDTH - RIGHT}"/>\n` +
      text(LEFT - 8, round(y(value) + 4), "small", panel.tick(value), "end"),
  );
  const times = [0, 10, 20, 30, 40].map((second) =>
    text(xOf(second), bottom + 18, "small", `${second} s`, "middle"),
  );
  const bar =
    most > 1
      ? `<path class="bar" d="M${LEFT} ${round(y(1.3))}H${WIDTH - RIGHT}"/>\n` +
        text(WIDTH - RIGHT - 4, round(y(1.3) - 5), "small", "1.3×", "end")
      : "";
  const lines = NAMES.map((name) => {
    const points = storms[name].map(
      (second, index) => `${xOf(index + 0.5)} ${round(y(Math.min(most, panel.value(second))))}`,
    );
    return `<path class="line ${name}" d="M${points.join("L")}"/>\n`;
  });
  return [outage, ...grid, ...times, bar, ...lines, text(LEFT, top - 12, "title", title)].join("");
}

function xOf(second: number): number {
  const seconds = STORM.endMs / 1_000;
  return round(LEFT + (second / seconds) * (WIDTH - LEFT - RIGHT));
}

function text(x: number, y: number, name: string, content: string, anchor = "start"): string {
  const named = name === "" ? "" : ` class="${name}"`;
  return `<text x="${x}" y="${y}"${named} text-anchor="${anchor}">${content}</text>\n`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
