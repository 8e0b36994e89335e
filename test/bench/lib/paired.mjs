/**
 * The steadiest figure that a shared machine gives: all proxies live at once, and small loads go to
 * one after another.
 *
 * What else the machine does comes and goes within seconds; a slice of load takes some ten
 * milliseconds, so neighbours in time have the same weather and their ratio does not show it. What
 * the compiler makes of the same code differs between processes, and by more than anything else
 * here; so there are several sets of processes, each of which is shown.
 */
import { rounds } from "./bench.mjs";
import { keptClient } from "./kept-client.mjs";
import { median } from "./statistics.mjs";
import { cpuSeconds } from "./usage.mjs";

/** Into so many slices the requests of a set are cut. */
const SLICES = 30;
const MICROSECONDS = 1e6;
/** A slice that nothing disturbed; other work can only make one dearer. */
const QUIET = 0.15;

/** Half the requests for twice the sets, where many processes are compared that differ little. */
export function inSmallSets(options) {
  const half = (count) => Math.ceil(count / 2);
  return { ...options, requests: half(options.requests), warmup: half(options.warmup) };
}

/**
 * `start` starts a contender's process; the ratios are to the contender that it names as `against`,
 * else to the first. A contender may say what its client does: `client`.
 */
export async function measurePaired(contenders, start, options, tell) {
  const sets = [];
  for (const set of rounds(options)) {
    sets.push(await measureSet(contenders, start, options));
    tell(`set ${set + 1}: ${sets[set].map(({ ratio }) => ratio.toFixed(3)).join(" ")}`);
  }
  return contenders.map(({ name, label }, index) => {
    const rows = sets.map((set) => set[index]);
    return {
      name,
      label,
      quietUs: median(rows.map(({ quietUs }) => quietUs)),
      ratio: median(rows.map(({ ratio }) => ratio)),
      sets: rows,
    };
  });
}

async function measureSet(contenders, start, { requests, warmup, connections }) {
  const living = [];
  const perSlice = Math.ceil(requests / SLICES);
  try {
    for (const contender of contenders) {
      const proxy = await start(contender);
      const client = keptClient(proxy.url, connections, contender.client);
      living.push({ proxy, client, slices: [] });
    }
    for (const { client } of living) await client.run(warmup);
    for (let slice = 0; slice < SLICES; slice += 1) {
      // Each slice starts with another proxy, so that none is always the one behind another.
      for (let step = 0; step < living.length; step += 1) {
        await measureSlice(living[(slice + step) % living.length], perSlice);
      }
    }
  } finally {
    for (const { proxy, client } of living) {
      client.close();
      await proxy.stop();
    }
  }
  return living.map(({ slices }, index) => {
    const base = living[againstOf(contenders, index)].slices;
    return {
      quietUs: quiet(slices),
      ratio: median(slices.map((us, slice) => us / base[slice])),
      quietRatio: quiet(slices) / quiet(base),
    };
  });
}

function againstOf(contenders, index) {
  const { against } = contenders[index];
  return against === undefined ? 0 : contenders.findIndex(({ name }) => name === against);
}

async function measureSlice({ proxy, client, slices }, requests) {
  const before = cpuSeconds(proxy.pids);
  await client.run(requests);
  slices.push(((cpuSeconds(proxy.pids) - before) * MICROSECONDS) / requests);
}

function quiet(slices) {
  const sorted = [...slices].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length * QUIET)];
}
