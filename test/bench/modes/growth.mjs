/**
 * `npm run bench -- growth`: how the cost of a call grows with what there is more of.
 *
 * Points of one curve live side by side and take turns; a curve of calls at once is taken in one
 * process, with the wire in memory, since sockets would be what is measured.
 */
import { rounds as roundsOf, startProxy, startUpstream, tell } from "../lib/bench.mjs";
import { BASELINE, CONTENDERS, OURS } from "../lib/contenders.mjs";
import { inSmallSets, measurePaired } from "../lib/paired.mjs";
import { runScript } from "../lib/processes.mjs";
import { median } from "../lib/statistics.mjs";
import { residentBytes } from "../lib/usage.mjs";
import { FIELDS } from "../lib/workloads.mjs";

const TARGETS = [3, 10, 30, 100, 300, 1_000];
const UPSTREAMS = [1, 10, 100, 1_000, 10_000];
const AT_ONCE = [1, 10, 100, 1_000, 10_000, 20_000];
const FIELDS_MORE = [0, 10, 25, 50, 100];
/** A connection is dropped instead of answering each so-manieth request; 0 drops none. */
const DROP_EVERY = [0, 100, 20, 10, 5, 3, 2];
/** Traffic goes to so many upstreams, however many there are. */
const ASKED_UPSTREAMS = 10;
const CURVES = 5;
/** Nothing but the repeats may act, and there are as many as are needed. */
const REPEATING = {
  ...{ breaker: false, ejection: false, probe: false },
  timeouts: { connectMs: 60_000, responseMs: 120_000, totalMs: 240_000 },
  retry: { attemptsMax: 20, budgetRatio: 1, budgetFloorPerSecond: 100_000, backoffBaseMs: 1 },
};

export async function measureGrowth(options, setting) {
  const each = inSmallSets({ ...options, minutes: options.minutes / CURVES });
  const upstream = await startUpstream(setting);
  try {
    return {
      targets: await targets(each, upstream, setting),
      upstreams: await upstreams(each, upstream, setting),
      calls: await callsAtOnce(each, setting),
      fields: await fields(each, upstream, setting),
      repeats: await repeats(each, setting),
    };
  } finally {
    await upstream.stop();
  }
}

/** Points as figures: microseconds of CPU a request, and against the first point. */
function pointsOf(results, xs) {
  return xs.map((x, index) => {
    const { quietUs, ratio } = results[index];
    return { x, us: quietUs, ratio };
  });
}

async function targets(options, upstream, setting) {
  const contenders = TARGETS.map((count) => many("targets", count));
  const start = (contender) => startProxy(contender, upstream, setting);
  return pointsOf(await measurePaired(contenders, start, options, tell), TARGETS);
}

async function upstreams(options, upstream, setting) {
  const resident = [];
  const contenders = UPSTREAMS.map((count) => {
    const asked = Math.min(count, ASKED_UPSTREAMS);
    const paths = Array.from({ length: asked }, (_, at) => `/${Math.floor((at * count) / asked)}`);
    return { ...many("upstreams", count), client: { paths } };
  });
  const start = async (contender) => {
    const proxy = await startProxy(contender, upstream, setting);
    resident[contenders.indexOf(contender)] = residentBytes(proxy.pids);
    return proxy;
  };
  const points = pointsOf(await measurePaired(contenders, start, options, tell), UPSTREAMS);
  return points.map((point, index) => ({ ...point, residentBytes: resident[index] }));
}

function many(kind, count) {
  const args = [kind, String(count)];
  return { name: `${kind}-${count}`, label: `${count} ${kind}`, script: "proxies/many.mjs", args };
}

async function callsAtOnce(options, setting) {
  const taken = AT_ONCE.map(() => []);
  for (const _ of roundsOf(options)) {
    for (const [index, count] of AT_ONCE.entries()) {
      const figures = await runScript({
        script: "workers/calls-at-once.mjs",
        args: [String(count)],
        core: setting.cores?.proxy ?? null,
        execArgv: ["--expose-gc"],
      });
      taken[index].push(figures);
      tell(`${count} calls at once: ${figures.us.toFixed(1)} us`);
    }
  }
  const of = (index, key) => median(taken[index].map((figures) => figures[key]));
  return AT_ONCE.map((x, index) => ({ x, us: of(index, "us"), heldBytes: of(index, "heldBytes") }));
}

/** Both proxies, since fields cost the bare one, too. */
async function fields(options, upstream, setting) {
  const contenders = FIELDS_MORE.flatMap((count) => {
    const more = Array.from({ length: count }, (_, at) => [`X-Field-${at}`, `value-${at}-of-many`]);
    const client = { fields: [...FIELDS, ...more] };
    return [BASELINE, OURS].map((name) => ({
      ...CONTENDERS.find((row) => row.name === name),
      name: `${name}-${count}`,
      label: `${count} more fields`,
      against: `${BASELINE}-${count}`,
      client,
    }));
  });
  const start = (contender) => startProxy(contender, upstream, setting);
  const results = await measurePaired(contenders, start, options, tell);
  return FIELDS_MORE.map((count, index) => {
    const [bare, ours] = [results[index * 2], results[index * 2 + 1]];
    const x = count + FIELDS.length + 1;
    return { x, us: ours.quietUs, bareUs: bare.quietUs, ratio: ours.ratio };
  });
}

async function repeats(options, setting) {
  const dropping = [];
  try {
    for (const every of DROP_EVERY) {
      dropping.push(await startUpstream(setting, { args: ["--every", String(every)] }));
    }
    const ours = CONTENDERS.find(({ name }) => name === OURS);
    const env = { GOOD_GATEWAY_UPSTREAM: JSON.stringify(REPEATING) };
    const contenders = DROP_EVERY.map((every) => ({ ...ours, name: `every-${every}`, env }));
    const start = (one) => startProxy(one, dropping[contenders.indexOf(one)], setting);
    const results = await measurePaired(contenders, start, options, tell);
    // Of N exchanges one is repeated, so N - 1 requests are answered for one repeat.
    return pointsOf(
      results,
      DROP_EVERY.map((every) => (every === 0 ? 0 : 1 / (every - 1))),
    );
  } finally {
    for (const upstream of dropping) await upstream.stop();
  }
}
