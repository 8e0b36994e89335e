/**
 * `npm run bench -- --paired`: the same comparison, with all proxies at once.
 */
import { installPackages, startProxy, startUpstream, tell } from "../lib/bench.mjs";
import { chooseContenders } from "../lib/contenders.mjs";
import { measurePaired } from "../lib/paired.mjs";
import { chooseWorkloads } from "../lib/workloads.mjs";

/** One workload with the ratios of all contenders. */
export async function measureSideBySide(options, setting) {
  const contenders = chooseContenders(options.proxies, options.builds);
  if (contenders.some(({ packages }) => packages)) installPackages();
  const [workload] = chooseWorkloads(options.workloads, options.bodyBytes);
  const upstream = await startUpstream(setting, workload);
  try {
    const start = (contender) => startProxy(contender, upstream, setting);
    const asking = contenders.map((contender) => ({ ...contender, client: { workload } }));
    const { connections, requests } = options;
    const results = await measurePaired(asking, start, options, tell);
    return { ...workload, connections, requests, proxies: results };
  } finally {
    await upstream.stop();
  }
}
