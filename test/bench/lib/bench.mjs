/**
 * What every mode of the bench shares: where it runs, how its processes are started, how long it
 * may take.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import { BASELINE, CONTENDERS } from "./contenders.mjs";
import { chooseLoad, sendLoad } from "./load.mjs";
import { chooseCores, startScript } from "./processes.mjs";
import { serverVersion, startServer } from "./servers.mjs";
import { chooseWorkloads } from "./workloads.mjs";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Cores, kind of load, and what is said on the way. */
export function chooseSetting(options) {
  return { load: chooseLoad(options.load), cores: chooseCores() };
}

export function tell(line) {
  process.stderr.write(`${line}\n`);
}

/** The peers are no dependency of the package; they are installed when somebody compares. */
export function installPackages() {
  const wanted = Object.keys(manifest(`${HERE}package.json`).dependencies);
  if (wanted.every((name) => existsSync(`${HERE}node_modules/${name}/package.json`))) return;
  tell("installing what good-gateway is compared with …");
  const args = ["ci", "--no-audit", "--no-fund", "--silent"];
  const npm = spawnSync("npm", args, { cwd: HERE, stdio: ["ignore", "ignore", "inherit"] });
  if (npm.status !== 0) throw new Error("npm ci failed in test/bench");
}

function manifest(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Whose version stands in a table, read where it is installed. */
export function versionOf({ versionOf: name, server }) {
  if (server !== undefined) return serverVersion(server);
  if (name === undefined) return null;
  return manifest(`${HERE}node_modules/${name}/package.json`).version;
}

/** Where the figures come from. */
export function aboutThis(setting) {
  const [{ model }] = cpus();
  return {
    node: process.versions.node,
    package: manifest(`${HERE}../../package.json`).version,
    undici: manifest(`${HERE}../../node_modules/undici/package.json`).version,
    date: new Date().toISOString().slice(0, 10),
    cpu: model.trim(),
    cores: cpus().length,
    kernel: release(),
    load: setting.load,
    pinned: setting.cores !== null,
  };
}

/** The default upstream answers a kilobyte at once. */
export function startUpstream(setting, { bodyBytes = 1_024, args = [] } = {}) {
  const core = setting.cores?.rest ?? null;
  return startScript({ script: "upstream.mjs", args: [String(bodyBytes), ...args], core });
}

/** Starts a contender in front of an upstream, on the core of the proxies. */
export function startProxy(contender, upstream, setting, execArgv = []) {
  const { script, args = [], env, server } = contender;
  const core = setting.cores?.proxy ?? null;
  if (server !== undefined) return startServer(server, upstream.url, core);
  return startScript({ script, args: [upstream.url, ...args], core, env, execArgv });
}

/** Sends a load to a proxy from the other core. */
export function load(proxy, asked, setting) {
  const core = setting.cores?.rest ?? null;
  const [workload] = chooseWorkloads(["get-1k"], null);
  return sendLoad({ workload, ...asked, ...proxy, kind: setting.load, core });
}

/** A slow proxy is warm after fewer requests than would be asked of it. */
const WARMUP_SECONDS_MAX = 10;

/**
 * Loads a proxy until it has had so many requests, and tells its rate. A proxy that has just been
 * started spends its first seconds compiling, and one with more code more of them: a round that
 * counts that measures a start, which a server has once.
 */
export async function warmUp(proxy, { warmup, ...asked }, setting) {
  const startedAt = performance.now();
  let left = warmup;
  let rate;
  do {
    const result = await load(proxy, { ...asked, requests: left, expectedRate: rate }, setting);
    rate = result.perSecond;
    left -= result.requests;
  } while (left > 0 && performance.now() - startedAt < WARMUP_SECONDS_MAX * 1_000);
  return rate;
}

export const baseline = CONTENDERS.find(({ name }) => name === BASELINE);

/** Rounds until they are enough, or until the next one would not fit into the time. */
export function* rounds({ rounds: exact, minutes, roundsMin = 1 }) {
  const startedAt = performance.now();
  const limitMs = minutes * 60_000;
  for (let round = 0; ; round += 1) {
    const spentMs = performance.now() - startedAt;
    const over = exact === null ? spentMs + spentMs / Math.max(1, round) > limitMs : false;
    if (exact !== null ? round >= exact : round >= roundsMin && over) return;
    yield round;
  }
}
