/**
 * What poison costs the others, at full scale, with HAProxy and nginx beside it: eight kinds, one
 * to three targets, GET and POST, 0.5 to 5 times the others' rate, in a flow and in bursts. Each
 * cell has a twin without poison beside it, at the same time, so that a busy machine is no
 * difference. A column has the share of the others that failed, and of every load the p99 of all
 * its calls, less that of the twins. It takes half an hour.
 *
 * `npm run figures:poison`, with kinds of poison and names of proxies behind `--` for a part of it
 */
import { buildQuick } from "../../tools/build-quick.mjs";
import { type Cell, type CellResult, FRONTS, KINDS, playPoison } from "./poison.js";

const SECONDS = 12;
/** The others, and poison: in a steady flow, and in bursts. */
const LOADS = [
  { perSecond: 2, poison: 2 },
  { perSecond: 2, poison: 10 },
  { perSecond: 10, poison: 40 },
  { perSecond: 20, poison: 10 },
  { perSecond: 50, poison: 2.5, burst: 5 },
  { perSecond: 50, poison: 6, burst: 6 },
] as const;
/** What is played together has so many calls a second at most, for what a slow machine takes. */
const PER_SECOND_MAX = 150;

type Load = Pick<Cell, "perSecond" | "poison" | "burst">;

const asked = process.argv.slice(2);
const chosen = <Name extends string>(names: readonly Name[]): readonly Name[] => {
  const some = names.filter((one) => asked.includes(one));
  return some.length === 0 ? names : some;
};

await buildQuick();
for (const kind of chosen(KINDS)) {
  for (const front of chosen(Object.keys(FRONTS) as (keyof typeof FRONTS)[])) {
    const rows: Played[] = [];
    for (const cells of together(LOADS.flatMap((load) => cellsOf(kind, load)))) {
      const twins = cells.map((cell) => ({ ...cell, poison: 0 }));
      const came = await playPoison([...cells, ...twins], front, SECONDS);
      for (const [at, cell] of cells.entries()) {
        rows.push({
          cell,
          own: came[at] as CellResult,
          twin: came[cells.length + at] as CellResult,
        });
      }
    }
    const columns = [1, 2, 3].map((targets) =>
      columnOf(rows.filter(({ cell }) => cell.targets === targets)),
    );
    console.log(`| ${kind} | ${front} | ${columns.join(" | ")} |`);
  }
}

interface Played {
  readonly cell: Cell;
  readonly own: CellResult;
  readonly twin: CellResult;
}

function cellsOf(kind: Cell["kind"], load: Load): readonly Cell[] {
  return [1, 2, 3].flatMap((targets) =>
    (["GET", "POST"] as const).map((method) => ({ kind, targets, method, ...load })),
  );
}

/** In parts that are played one after the other. */
function together(cells: readonly Cell[]): readonly (readonly Cell[])[] {
  const parts: Cell[][] = [];
  let left = 0;
  for (const cell of cells) {
    const rate = 2 * cell.perSecond + cell.poison;
    if (rate > left) {
      parts.push([]);
      left = PER_SECOND_MAX;
    }
    parts.at(-1)?.push(cell);
    left -= rate;
  }
  return parts;
}

/** Failed of all, the worst load, and the p99 of each load above that of its twins. */
function columnOf(rows: readonly Played[]): string {
  const byLoad = LOADS.map((load) =>
    rows.filter(({ cell }) => cell.perSecond === load.perSecond && cell.poison === load.poison),
  );
  const worst = Math.max(...byLoad.map((some) => failedOf(some.map(({ own }) => own))));
  const failed = failedOf(rows.map(({ own }) => own));
  const idle = failedOf(rows.map(({ twin }) => twin));
  const above = byLoad.map((some) =>
    Math.round(p99Of(some.map(({ own }) => own)) - p99Of(some.map(({ twin }) => twin))),
  );
  const share = (part: number): string => `${(100 * part).toFixed(2)} %`;
  return `${share(failed)} (worst ${share(worst)}, twins ${share(idle)}), ${above.join("/")} ms`;
}

function failedOf(results: readonly CellResult[]): number {
  const calls = results.reduce((sum, one) => sum + one.calls, 0);
  return results.reduce((sum, one) => sum + one.failed, 0) / calls;
}

function p99Of(results: readonly CellResult[]): number {
  const took = results.flatMap((one) => one.took).sort((one, two) => one - two);
  return took[Math.ceil(took.length * 0.99) - 1] ?? Number.NaN;
}
