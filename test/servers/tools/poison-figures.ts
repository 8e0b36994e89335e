/**
 * What poison costs the others, at full scale, with HAProxy and nginx beside it: eight kinds, one
 * to three targets, GET and POST, 0.5 to 4 times the others' rate. A column has the share of the
 * others that failed, and their p99. It takes twenty minutes, and a machine at rest.
 *
 * `npm run figures:poison`, with kinds of poison behind `--` for a part of it
 */
import { buildQuick } from "../../tools/build-quick.mjs";
import { type Cell, type CellResult, FRONTS, KINDS, playPoison } from "./poison.js";

const SECONDS = 12;
/** The others, and poison: in a steady flow, and in bursts. */
const LOADS = [
  { perSecond: 20, poison: 10 },
  { perSecond: 10, poison: 40 },
  { perSecond: 20, poison: 10, burst: 5 },
] as const;

const asked = process.argv.slice(2);

await buildQuick();
for (const kind of KINDS.filter((one) => asked.length === 0 || asked.includes(one))) {
  for (const front of Object.keys(FRONTS) as (keyof typeof FRONTS)[]) {
    const results = new Map<number, CellResult[]>([1, 2, 3].map((targets) => [targets, []]));
    for (const load of LOADS) {
      const cells = cellsOf(kind, load);
      const came = await playPoison(cells, front, SECONDS);
      for (const [at, one] of came.entries()) results.get(cells[at]?.targets ?? 0)?.push(one);
    }
    const columns = [...results.values()].map(summed);
    console.log(`| ${kind} | ${front} | ${columns.join(" | ")} |`);
  }
}

function cellsOf(kind: Cell["kind"], load: (typeof LOADS)[number]): readonly Cell[] {
  return [1, 2, 3].flatMap((targets) =>
    (["GET", "POST"] as const).map((method) => ({ kind, targets, method, ...load })),
  );
}

/** Failed of all, and the worst p99. */
function summed(results: readonly CellResult[]): string {
  const calls = results.reduce((sum, one) => sum + one.calls, 0);
  const failed = results.reduce((sum, one) => sum + one.failed, 0);
  const p99 = Math.max(...results.map((one) => one.p99));
  return `${((100 * failed) / calls).toFixed(1)} %, ${Math.round(p99)} ms`;
}
