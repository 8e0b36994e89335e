/**
 * The load: `wrk` where it is installed, else a small client of our own in its own process.
 *
 * Guarantee: a round that met an error, or an answer other than 2xx, is thrown away with all
 * others: a proxy that refuses is fast and tells nothing. Where refusing is what is measured, every
 * answer must be one. Loopback only, bounded in requests or in seconds.
 */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onCore } from "./processes.mjs";
import { FIELDS, PATH } from "./workloads.mjs";

export { FIELDS, PATH };

/** wrk knows seconds only; a round of less would be mostly its start. */
const WRK_SECONDS_MIN = 1;
/** Of a proxy that is slow, or on a machine that is, fewer requests say enough. */
const WRK_SECONDS_MAX = 2;
const WRK_GUESSED_RATE = 10_000;
const LIMIT_MS = 300_000;
const POST_SCRIPT = fileURLToPath(new URL("post.lua", import.meta.url));

export function chooseLoad(kind) {
  const found = kind !== "own" && spawnSync("wrk", ["-v"]).error === undefined;
  if (kind === "wrk" && !found) throw new Error("--load: wrk is not installed");
  return found ? "wrk" : "own";
}

/**
 * Sends about this many requests (exactly, when it is our own client) and tells how it went.
 * `expects` says what answers are to be: all good, all "refused" (other than 2xx), or "any".
 */
export async function sendLoad({ kind, url, expects = "good", ...rest }) {
  const run = kind === "wrk" ? runWrk : runOwn;
  const result = await run({ url: url + PATH, ...rest });
  const { requests, errors, unusual } = result;
  if (requests === 0) throw new Error("no request was answered");
  const bad = errors + { good: unusual, refused: requests - unusual, any: 0 }[expects];
  if (bad > 0) throw new Error(`${bad} of ${requests} requests did not end as they should`);
  return result;
}

async function runWrk({ url, requests, connections, core, expectedRate, workload, seconds }) {
  const rate = expectedRate ?? WRK_GUESSED_RATE;
  const wanted = Math.max(WRK_SECONDS_MIN, Math.round(requests / rate));
  const lasts = seconds ?? Math.min(WRK_SECONDS_MAX, wanted);
  const fields = FIELDS.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const script = workload.sentBytes > 0 ? ["-s", POST_SCRIPT] : [];
  const limits = ["-t1", `-c${connections}`, `-d${lasts}s`, "--timeout", "10s", "--latency"];
  const env = { ...process.env, BENCH_SENT_BYTES: String(workload.sentBytes) };
  const text = await output(onCore(core, "wrk", [...limits, ...script, ...fields, url]), env);
  const number = (pattern) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const socketErrors = /Socket errors: (.*)/.exec(text)?.[1]?.match(/\d+/g) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    errors: socketErrors.reduce((sum, one) => sum + Number(one), 0),
    unusual: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0),
    perSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Ms: milliseconds(/^\s+50%\s+([\d.]+)(us|ms|s)/m.exec(text)),
    p99Ms: milliseconds(/^\s+99%\s+([\d.]+)(us|ms|s)/m.exec(text)),
    windows: [],
  };
}

const UNITS_MS = { us: 1e-3, ms: 1, s: 1e3 };

function milliseconds(match) {
  return match === null ? Number.NaN : Number(match[1]) * UNITS_MS[match[2]];
}

async function runOwn({ url, pids, requests, connections, core, workload }) {
  const client = fileURLToPath(new URL("client.mjs", import.meta.url));
  const settings = JSON.stringify({ url, pids, requests, connections, workload });
  return JSON.parse(await output(onCore(core, process.execPath, [client, settings]), process.env));
}

function output([command, args], env) {
  return new Promise((resolve, reject) => {
    const stdio = ["ignore", "pipe", "inherit"];
    const child = spawn(command, args, { stdio, env, timeout: LIMIT_MS });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${command} ended with code ${code}`));
    });
  });
}
