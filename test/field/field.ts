/**
 * `npm run field`: the score of the corpus by set, and every case that is not right. It ends with 1
 * when less is right than the project promises.
 */
import { fieldCases, score, type Total, totalOf } from "./score.js";

const scored = fieldCases().map(score);
const sets = [...new Set(scored.map(({ one }) => one.set))];

const share = (part: number, all: number): string =>
  `${Math.round((part / all) * 100)} %`.padStart(6);

function line(name: string, { all, layer, cause, next, misleads }: Total): string {
  const columns = [layer, cause, next].map((part) => share(part, all)).join("  ");
  return `${name.padEnd(12)} ${String(all).padStart(4)}  ${columns}  ${misleads}`;
}

console.log(`${"set".padEnd(12)}  all   layer   cause    next  misleading`);
for (const set of sets)
  console.log(line(set, totalOf(scored.filter(({ one }) => one.set === set))));
const total = totalOf(scored);
console.log(line("all", total));
for (const { one, layer, cause, next, misleads, said } of scored) {
  if (layer && cause && next) continue;
  const wrong = [!layer && "layer", !cause && "cause", !next && "next", misleads && "misleads"];
  console.log(
    `\n${wrong.filter(Boolean).join(", ")} (${one.set}, ${one.by}): ${one.has.slice(0, 160)}`,
  );
  console.log(
    `  wanted ${one.layer}, ${one.causes.join(" ")}; said: ${said.join("; ") || "nothing"}`,
  );
}
const LAYER_MIN = 0.95;
const CAUSE_MIN = 0.9;
const enough =
  total.layer >= total.all * LAYER_MIN &&
  total.cause >= total.all * CAUSE_MIN &&
  total.misleads === 0;
process.exitCode = enough ? 0 : 1;
