/**
 * `npm run bench -- failing`: what an answer that tells of a failure costs, and what the good
 * instance of two does while the other one fails.
 */
import { createServer } from "node:net";
import {
  load,
  rounds as roundsOf,
  startProxy,
  startUpstream,
  tell,
  warmUp,
} from "../lib/bench.mjs";
import { startScript } from "../lib/processes.mjs";
import { spread } from "../lib/statistics.mjs";
import { cpuSeconds } from "../lib/usage.mjs";

const PER = 10_000;
/** Silent upstreams are waited for, so it takes many at once to keep the process busy. */
const CONNECTIONS_SILENT = 200;
/**
 * So is the connection that is tried for those who come, at most fifty times a second: with the
 * usual number of clients the process sleeps most of the time, and wakes up with cold caches.
 */
const CONNECTIONS_OPEN = 400;

/** The first is what the others are held against. */
export const ANSWERS = [
  { name: "answer", label: "`node:http` answers 200 itself", script: "proxies/answer.mjs" },
  {
    name: "open",
    label: "503, the breaker is open",
    kind: "open",
    bad: "refusing",
    connections: CONNECTIONS_OPEN,
  },
  {
    name: "open-few",
    label: "503, the same, when it mostly waits",
    kind: "open",
    bad: "refusing",
  },
  { name: "refused", label: "502, the connection is refused", kind: "refused", bad: "refusing" },
  {
    name: "silent",
    label: "504, no answer in time",
    kind: "silent",
    bad: "silent",
    connections: CONNECTIONS_SILENT,
  },
];

const INSTANCES = [
  { name: "good", label: "both answer", bad: "twin" },
  { name: "refusing", label: "one refuses connections", bad: "refusing" },
  { name: "silent", label: "one takes requests and never answers", bad: "silent" },
];

export async function measureFailing(options, setting) {
  return withUpstreams(setting, async (upstreams) => {
    const minutes = options.minutes / 2;
    const answers = await measureAnswers({ ...options, minutes }, setting, upstreams, ANSWERS);
    const instances = INSTANCES.map((row) => contenderOf(row, "beside", upstreams));
    const beside = await measureAll(instances, upstreams, { ...options, minutes }, setting, "any");
    return {
      answers,
      instances: beside.map(({ name, label, rounds }) => ({
        ...{ name, label },
        perSecond: over(rounds, "perSecond"),
        cpuPer10k: over(rounds, "cpuPer10k"),
        p50Ms: over(rounds, "p50Ms"),
        p99Ms: over(rounds, "p99Ms"),
        failed: over(rounds, "failedShare"),
      })),
    };
  });
}

/** What refusals cost, for the bars. */
export function measureRefusals(options, setting) {
  const rows = ANSWERS.filter(({ name }) => name === "answer" || name === "open");
  return withUpstreams(setting, (upstreams) => measureAnswers(options, setting, upstreams, rows));
}

async function measureAnswers(options, setting, upstreams, rows) {
  const contenders = rows.map((row) => contenderOf(row, "alone", upstreams));
  const measured = await measureAll(contenders, upstreams, options, setting, "refused");
  const [{ rounds: first }] = measured;
  return measured.map(({ name, label, rounds }) => ({
    ...{ name, label },
    cpuPer10k: over(rounds, "cpuPer10k"),
    perCpuSecond: over(rounds, "perCpuSecond"),
    ratio: spread(rounds.map(({ perCpuSecond }, at) => perCpuSecond / first[at].perCpuSecond)),
  }));
}

function over(rounds, key) {
  return spread(rounds.map((round) => round[key]));
}

function contenderOf({ name, label, script, kind, bad, connections }, place, upstreams) {
  if (script !== undefined) return { name, label, script, good: true };
  const args = [kind ?? "default", place, upstreams[bad].url];
  return { name, label, script: "proxies/failing.mjs", args, connections };
}

async function withUpstreams(setting, use) {
  const core = setting.cores?.rest ?? null;
  const good = await startUpstream(setting);
  const silent = await startScript({ script: "workers/hang.mjs", core });
  try {
    const refusing = { url: `http://127.0.0.1:${await refusingPort()}` };
    const twin = { url: good.url.replace("127.0.0.1", "127.0.0.2") };
    return await use({ good, twin, silent, refusing });
  } finally {
    await good.stop();
    await silent.stop();
  }
}

/** A port that was free a moment ago; nothing listens there. */
function refusingPort() {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function measureAll(contenders, upstreams, options, setting, expects) {
  const taking = contenders.map((contender) => ({ ...contender, rounds: [] }));
  for (const round of roundsOf(options)) {
    for (let step = 0; step < taking.length; step += 1) {
      const one = taking[(round + step) % taking.length];
      const expected = one.good === true ? "good" : expects;
      one.rounds.push(await measureRound(one, upstreams.good, expected, options, setting));
      const { cpuPer10k } = one.rounds[round];
      tell(`failing, round ${round + 1}: ${cpuPer10k.toFixed(3)} s  ${one.label}`);
    }
  }
  return taking;
}

async function measureRound(contender, upstream, expects, options, setting) {
  const connections = contender.connections ?? options.connections;
  const proxy = await startProxy(contender, upstream, setting);
  try {
    const asked = { connections, expects };
    // The first calls find out what is wrong, with other answers than those that follow.
    const first = { ...asked, expects: "any", warmup: options.warmup };
    const expectedRate = await warmUp(proxy, first, setting);
    const before = cpuSeconds(proxy.pids);
    const measured = { ...asked, requests: options.requests, expectedRate };
    const { requests, unusual, p50Ms, p99Ms, ...rest } = await load(proxy, measured, setting);
    const cpu = cpuSeconds(proxy.pids) - before;
    return {
      ...{ p50Ms, p99Ms, perSecond: rest.perSecond, failedShare: unusual / requests },
      cpuPer10k: (cpu / requests) * PER,
      perCpuSecond: requests / cpu,
    };
  } finally {
    await proxy.stop();
  }
}
