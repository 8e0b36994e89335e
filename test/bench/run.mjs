/**
 * `npm run bench`: what a proxied request costs, side by side.
 *
 * The figure to compare is CPU seconds of the proxy process per 10,000 requests, as the kernel
 * counts them: unlike a rate it hardly depends on what else the machine does. Every round runs its
 * proxy in a process of its own on one core, load and upstream on another; rounds are interleaved
 * and start with another proxy each time, so that a slow minute hits all of them.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { BASELINE, chooseContenders } from "./lib/contenders.mjs";
import { chooseLoad, sendLoad } from "./lib/load.mjs";
import { readOptions } from "./lib/options.mjs";
import { measurePaired, printPaired } from "./lib/paired.mjs";
import { chooseCores, startScript } from "./lib/processes.mjs";
import { printProfile } from "./lib/profile.mjs";
import { summarise } from "./lib/statistics.mjs";
import { printTable } from "./lib/table.mjs";
import { cpuSeconds, peakBytes } from "./lib/usage.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PER = 10_000;

async function main() {
  const options = readOptions(process.argv.slice(2));
  const contenders = chooseContenders(options.proxies, options.builds);
  if (contenders.some(({ packages }) => packages)) installPackages();
  const setting = { load: chooseLoad(options.load), cores: chooseCores() };
  const upstream = await startUpstream(options, setting);
  try {
    if (options.paired) await pair(contenders, upstream, options, setting);
    else await report(await measure(contenders, upstream, options, setting), options, setting);
  } finally {
    await upstream.stop();
  }
  if (options.profile !== null) reportProfiles(contenders, options.profile);
}

async function pair(contenders, upstream, options, setting) {
  const start = (contender) => startProxy(contender, upstream, options, setting);
  const results = await measurePaired(contenders, start, options, tell);
  if (options.json === "-") process.stdout.write(`${JSON.stringify({ results }, null, 2)}\n`);
  else process.stdout.write(`\n${printPaired(results)}`);
}

/** The peers are no dependency of the package; they are installed when somebody compares. */
function installPackages() {
  if (existsSync(`${HERE}node_modules/http-proxy-middleware/package.json`)) return;
  tell("installing what good-gateway is compared with …");
  const args = ["ci", "--no-audit", "--no-fund", "--silent"];
  const npm = spawnSync("npm", args, { cwd: HERE, stdio: ["ignore", "ignore", "inherit"] });
  if (npm.status !== 0) throw new Error("npm ci failed in test/bench");
}

function startUpstream({ bodyBytes }, { cores }) {
  const args = [String(bodyBytes)];
  return startScript({ script: "upstream.mjs", args, core: cores?.rest ?? null });
}

function startProxy({ name, script, args = [], env }, upstream, { profile }, { cores }) {
  const execArgv =
    profile === null
      ? []
      : ["--cpu-prof", `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}.cpuprofile`];
  const core = cores?.proxy ?? null;
  return startScript({ script, args: [upstream.url, ...args], core, env, execArgv });
}

async function measure(contenders, upstream, options, setting) {
  const rounds = contenders.map(() => []);
  for (let round = 0; round < options.rounds; round += 1) {
    for (let step = 0; step < contenders.length; step += 1) {
      const index = (round + step) % contenders.length;
      const result = await measureRound(contenders[index], upstream, options, setting);
      rounds[index].push(result);
      const cpu = result.cpuPer10k.toFixed(3);
      tell(`round ${round + 1} of ${options.rounds}: ${cpu} s  ${contenders[index].label}`);
    }
  }
  const base = contenders.findIndex(({ name }) => name === BASELINE);
  return contenders.map(({ name, label }, index) => ({
    name,
    label,
    figures: summarise(rounds[index], base === -1 ? null : rounds[base]),
    rounds: rounds[index],
  }));
}

/** A process for each round: what the compiler makes of the same code differs between processes. */
async function measureRound(contender, upstream, options, setting) {
  const proxy = await startProxy(contender, upstream, options, setting);
  try {
    const { perSecond } = await load(proxy, options.warmup, null, options, setting);
    const before = cpuSeconds(proxy.pid);
    const result = await load(proxy, options.requests, perSecond, options, setting);
    const cpu = cpuSeconds(proxy.pid) - before;
    return {
      ...result,
      cpuPer10k: (cpu / result.requests) * PER,
      busy: (cpu / result.requests) * result.perSecond,
      peakBytes: peakBytes(proxy.pid),
    };
  } finally {
    await proxy.stop();
  }
}

function load({ url, pid }, requests, expectedRate, { connections }, { load: kind, cores }) {
  const core = cores?.rest ?? null;
  return sendLoad({ kind, url, pid, requests, connections, core, expectedRate });
}

async function report(results, options, { load: kind, cores }) {
  const { rounds, requests, connections, bodyBytes, json } = options;
  const about = { node: process.versions.node, rounds, requests, connections, bodyBytes };
  const data = `${JSON.stringify({ ...about, load: kind, cores, results }, null, 2)}\n`;
  if (json === "-") {
    process.stdout.write(data);
    return;
  }
  process.stdout.write(`\n${headline(options, kind, cores)}\n\n${printTable(results)}\n`);
  if (json !== null) await writeFile(json, data);
}

function headline({ rounds, requests, connections, bodyBytes }, kind, cores) {
  const load = kind === "wrk" ? "wrk" : "lib/client.mjs";
  const where = cores === null ? "no core bound" : "a core each for proxy and load";
  return [
    `GET of ${bodyBytes} bytes over ${connections} connections by ${load}, ` +
      `${rounds} rounds of ${requests} requests.`,
    `Node ${process.versions.node}, ${where}.`,
    'Medians; "x bare" is CPU against the bare proxy over undici.',
    ...(kind === "wrk" ? [] : ['"quiet" is the lower decile over windows of 500 requests.']),
  ].join("\n");
}

function reportProfiles(contenders, folder) {
  for (const { name, label } of contenders) {
    process.stdout.write(`\n${label}\n${printProfile(folder, name)}`);
  }
}

function tell(line) {
  process.stderr.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  tell(`the bench ended early: ${error.message}`);
  process.exitCode = 1;
}
