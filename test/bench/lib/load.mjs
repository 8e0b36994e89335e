/**
 * The load: `wrk` where it is installed, else a small client of our own in its own process.
 *
 * Guarantee: a round that met an error, or an answer other than 2xx, is thrown away with all
 * others: a proxy that refuses is fast and tells nothing. Loopback only, bounded in requests or in
 * seconds.
 */
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onCore } from "./processes.mjs";

/** What a browser sends with a call of an application, more or less. */
export const FIELDS = [
  ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["Accept", "application/json, text/plain, */*"],
  ["Accept-Language", "en-GB,en;q=0.5"],
  ["Accept-Encoding", "gzip, deflate, br"],
  ["Referer", "http://shop.example/orders"],
  ["Cookie", "session=0123456789abcdef0123456789abcdef"],
];
export const PATH = "/v1/orders/7?expand=lines";
/** wrk knows seconds only; a round of less would be mostly its start. */
const WRK_SECONDS_MIN = 1;
const WRK_GUESSED_RATE = 10_000;
const LIMIT_MS = 300_000;

export function chooseLoad(kind) {
  const found = kind !== "own" && spawnSync("wrk", ["-v"]).error === undefined;
  if (kind === "wrk" && !found) throw new Error("--load: wrk is not installed");
  return found ? "wrk" : "own";
}

/** Sends about this many requests (exactly, when it is our own client) and tells how it went. */
export async function sendLoad({ kind, url, ...rest }) {
  const run = kind === "wrk" ? runWrk : runOwn;
  const result = await run({ url: url + PATH, ...rest });
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed`);
  return result;
}

async function runWrk({ url, requests, connections, core, expectedRate }) {
  const rate = expectedRate ?? WRK_GUESSED_RATE;
  const seconds = Math.max(WRK_SECONDS_MIN, Math.round(requests / rate));
  const fields = FIELDS.flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const limits = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "--latency"];
  const text = await output(onCore(core, "wrk", [...limits, ...fields, url]));
  const number = (pattern) => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  const socketErrors = /Socket errors: (.*)/.exec(text)?.[1]?.match(/\d+/g) ?? [];
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0;
  return {
    requests: number(/(\d+) requests in/),
    errors: [...socketErrors, refused].reduce((sum, one) => sum + Number(one), 0),
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

async function runOwn({ url, pid, requests, connections, core }) {
  const client = fileURLToPath(new URL("client.mjs", import.meta.url));
  const settings = JSON.stringify({ url, pid, requests, connections, fields: FIELDS });
  return JSON.parse(await output(onCore(core, process.execPath, [client, settings])));
}

function output([command, args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], timeout: LIMIT_MS });
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
