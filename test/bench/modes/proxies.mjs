/**
 * `npm run bench`: what a proxied request costs, side by side, for each workload.
 *
 * The figure to compare is CPU seconds of the proxy process per 10,000 requests, as the kernel
 * counts them: unlike a rate it hardly depends on what else the machine does. Every round runs its
 * proxy in a process of its own on one core, load and upstream on another; rounds are interleaved
 * and start with another proxy each time, so that a slow minute hits all of them.
 */
import {
  installPackages,
  load,
  rounds as roundsOf,
  startProxy,
  startUpstream,
  tell,
  versionOf,
  warmUp,
} from "../lib/bench.mjs";
import { BASELINE, chooseContenders } from "../lib/contenders.mjs";
import { summarise } from "../lib/statistics.mjs";
import { cpuSeconds, peakBytes } from "../lib/usage.mjs";
import { chooseWorkloads } from "../lib/workloads.mjs";

const PER = 10_000;
/** The first workload has the figures that are compared most, and so gets more of the time. */
const FIRST_SHARE = 2;

/** A list of workloads, each with the figures of all contenders. */
export async function measureProxies(options, setting) {
  const contenders = chooseContenders(options.proxies, options.builds);
  if (contenders.some(({ packages }) => packages)) installPackages();
  const workloads = chooseWorkloads(options.workloads, options.bodyBytes);
  const shares = workloads.length + FIRST_SHARE - 1;
  const results = [];
  for (const [index, workload] of workloads.entries()) {
    const share = index === 0 ? FIRST_SHARE : 1;
    const minutes = (options.minutes * share) / shares;
    const upstream = await startUpstream(setting, workload);
    try {
      const asked = { ...options, minutes, workload };
      const asking = contenders.filter(({ once }) => index === 0 || once !== true);
      results.push({ ...workload, ...(await measure(asking, upstream, asked, setting)) });
    } finally {
      await upstream.stop();
    }
  }
  return results;
}

async function measure(contenders, upstream, options, setting) {
  const taking = contenders.map((contender) => ({ contender, rounds: [], lost: null }));
  for (const round of roundsOf(options)) {
    for (let step = 0; step < taking.length; step += 1) {
      const one = taking[(round + step) % taking.length];
      if (one.lost === null) await takeRound(one, round, upstream, options, setting);
    }
  }
  const base = taking.find(({ contender }) => contender.name === BASELINE)?.rounds ?? null;
  const proxies = taking.map(({ contender, rounds, lost }) => ({
    name: contender.name,
    label: contender.label,
    version: versionOf(contender),
    lost,
    figures: lost === null ? summarise(rounds, base) : null,
    rounds,
  }));
  const { connections, warmup, requests } = options;
  return { connections, warmup, requests, proxies };
}

/** A peer that fails takes no further part, and the table says why; ours must not fail. */
async function takeRound(one, round, upstream, options, setting) {
  const { contender, rounds } = one;
  try {
    const result = await measureRound(contender, upstream, options, setting);
    rounds.push(result);
    const cpu = result.cpuPer10k.toFixed(3);
    tell(`${options.workload.label}, round ${round + 1}: ${cpu} s  ${contender.label}`);
  } catch (error) {
    if (contender.packages !== true && contender.server === undefined) throw error;
    one.lost = error.message;
    tell(`${contender.label} takes no further part: ${error.message}`);
  }
}

/** A process for each round: what the compiler makes of the same code differs between processes. */
async function measureRound(contender, upstream, options, setting) {
  const { warmup, requests, connections, workload, profile } = options;
  const proxy = await startProxy(contender, upstream, setting, profileFlags(profile, contender));
  try {
    const asked = { connections, workload };
    const expectedRate = await warmUp(proxy, { ...asked, warmup }, setting);
    const before = cpuSeconds(proxy.pids);
    const result = await load(proxy, { ...asked, requests, expectedRate }, setting);
    const cpu = cpuSeconds(proxy.pids) - before;
    return {
      ...result,
      cpuPer10k: (cpu / result.requests) * PER,
      busy: (cpu / result.requests) * result.perSecond,
      peakBytes: peakBytes(proxy.pids),
    };
  } finally {
    await proxy.stop();
  }
}

function profileFlags(folder, { name }) {
  if (folder === null) return [];
  return ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`];
}
