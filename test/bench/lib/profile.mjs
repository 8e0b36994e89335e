/**
 * A CPU profile of V8 → the functions in which time went, by what they did themselves.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a profiler calls time in which the process did nothing. */
const WAITING = new Set(["(idle)", "(program)", "(root)"]);
const ROWS = 40;

/** The profile with this prefix in its name, as lines of share, function and place. */
export function printProfile(folder, prefix) {
  const file = readdirSync(folder).find((name) => name.startsWith(prefix));
  if (file === undefined) return `no profile of ${prefix}\n`;
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(join(folder, file), "utf8"));
  const spent = new Map();
  samples.forEach((id, index) => {
    spent.set(id, (spent.get(id) ?? 0) + timeDeltas[index]);
  });
  const byFunction = new Map();
  let total = 0;
  for (const { id, callFrame } of nodes) {
    if (callFrame.functionName === "(idle)" || callFrame.functionName === "(root)") continue;
    const time = spent.get(id) ?? 0;
    const key = WAITING.has(callFrame.functionName) ? "(program)" : nameOf(callFrame);
    byFunction.set(key, (byFunction.get(key) ?? 0) + time);
    total += time;
  }
  const rows = [...byFunction].sort((a, b) => b[1] - a[1]).slice(0, ROWS);
  return rows.map(([key, time]) => `${share(time, total)}  ${key}\n`).join("");
}

function nameOf({ functionName, url, lineNumber }) {
  const place = url === "" ? "" : `${url.split("/").slice(-3).join("/")}:${lineNumber + 1}`;
  return `${functionName || "(anonymous)"}  ${place}`.trim();
}

function share(time, total) {
  return `${((100 * time) / total).toFixed(1).padStart(5)} %`;
}
