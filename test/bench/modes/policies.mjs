/**
 * `npm run bench -- policies`: what each policy costs, by switching it off, and what those cost
 * that are off unless asked for.
 *
 * CPU of a proxied request is measured side by side; microseconds and bytes of the pipe alone come
 * from `workers/call.mjs`, the bytes without the optimising compilers, where they are the same in
 * every run.
 */
import { rounds as roundsOf, startProxy, startUpstream, tell } from "../lib/bench.mjs";
import { exactBytes, measureWay } from "../lib/calls.mjs";
import { BASELINE, CONTENDERS, OURS } from "../lib/contenders.mjs";
import { inSmallSets, measurePaired } from "../lib/paired.mjs";
import { median } from "../lib/statistics.mjs";

const NEVER = "Infinity";
const NO_TIMERS = {
  ...{ connectMs: NEVER, responseMs: NEVER, idleMs: NEVER, totalMs: NEVER, bodyMs: NEVER },
};
const OFF = {
  retry: false,
  breaker: false,
  bulkhead: false,
  ejection: false,
  slowStart: false,
  panic: false,
  probe: false,
  layers: false,
};

/** The first is what the others are held against. */
const VARIANTS = [
  { name: "defaults", label: "every policy at its default", upstream: {} },
  ...Object.keys(OFF).map((name) => ({
    name: `without-${name}`,
    label: `without \`${name}\``,
    upstream: { [name]: false },
  })),
  { name: "without-timers", label: "without timeouts", upstream: { timeouts: NO_TIMERS } },
  { name: "nothing", label: "none of them", upstream: { ...OFF, timeouts: NO_TIMERS } },
  { name: "with-hedge", label: "with `hedge`", upstream: { hedge: true } },
  { name: "with-throttle", label: "with `throttle`", upstream: { throttle: true } },
  {
    name: "with-adaptive",
    label: "with `adaptiveLimit`",
    upstream: { adaptiveLimit: true },
  },
];
/** The proxies get most of the time, since bytes need no second look. */
const PAIRED_SHARE = 0.75;

export async function measurePolicies(options, setting) {
  const bare = CONTENDERS.find(({ name }) => name === BASELINE);
  const ours = CONTENDERS.find(({ name }) => name === OURS);
  const proxies = [
    ...VARIANTS.map(({ name, label, upstream }) => ({
      ...ours,
      ...{ name, label, env: envOf(upstream) },
    })),
    bare,
  ];
  const upstream = await startUpstream(setting);
  try {
    const start = (contender) => startProxy(contender, upstream, setting);
    const minutes = options.minutes * PAIRED_SHARE;
    const asked = inSmallSets({ ...options, minutes });
    const paired = await measurePaired(proxies, start, asked, tell);
    const alone = await measureAlone({ ...options, minutes: options.minutes - minutes }, setting);
    return paired.map(({ name, label, quietUs, ratio, sets }) => ({
      ...{ name, label, quietUs, ratio },
      sets: sets.map((set) => set.ratio),
      pipe: alone.get(name) ?? null,
    }));
  } finally {
    await upstream.stop();
  }
}

/** Bytes are looked at once: they are the same in every round. */
async function measureAlone(options, setting) {
  const taken = new Map(VARIANTS.map(({ name }) => [name, { us: [], bytes: null }]));
  for (const _ of roundsOf(options)) {
    for (const { name, upstream, label } of VARIANTS) {
      const env = envOf(upstream);
      const { us } = await measureWay("pipe", null, setting, { env });
      const one = taken.get(name);
      one.us.push(us);
      one.bytes ??= await exactBytes("pipe", env);
      tell(`pipe ${label}: ${us.toFixed(1)} us, ${Math.round(one.bytes)} bytes`);
    }
  }
  return new Map([...taken].map(([name, { us, bytes }]) => [name, { us: median(us), bytes }]));
}

function envOf(upstream) {
  return { GOOD_GATEWAY_UPSTREAM: JSON.stringify(upstream) };
}
