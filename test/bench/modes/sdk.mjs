/**
 * `npm run bench -- sdk`: what a call of application code costs, in CPU and in bytes, against what
 * people put together themselves.
 *
 * Every way has a process of its own in every round; rounds are interleaved.
 */
import { installPackages, rounds as roundsOf, startUpstream, tell } from "../lib/bench.mjs";
import { AROUND_NOTHING, measureWay, OVER_LOOPBACK } from "../lib/calls.mjs";
import { spread } from "../lib/statistics.mjs";

export async function measureSdk(options, setting) {
  installPackages();
  const upstream = await startUpstream(setting);
  const groups = [
    { name: "nothing", ways: AROUND_NOTHING.map(measured), origin: null },
    { name: "loopback", ways: OVER_LOOPBACK.map(measured), origin: upstream.url },
  ];
  try {
    for (const round of roundsOf(options)) {
      for (const { ways, origin } of groups) {
        for (let step = 0; step < ways.length; step += 1) {
          const way = ways[(round + step) % ways.length];
          const figures = await measureWay(way.name, origin, setting);
          way.rounds.push(figures);
          tell(`sdk, round ${round + 1}: ${figures.us.toFixed(1)} us  ${way.label}`);
        }
      }
    }
  } finally {
    await upstream.stop();
  }
  return Object.fromEntries(groups.map(({ name, ways }) => [name, ways.map(summarised)]));
}

function measured(way) {
  return { ...way, rounds: [] };
}

function summarised({ name, label, rounds }) {
  const bytes = rounds.map((round) => round.bytes).filter((one) => one !== null);
  return {
    name,
    label,
    rounds: rounds.length,
    us: spread(rounds.map((round) => round.us)),
    bytes: bytes.length === 0 ? null : spread(bytes),
  };
}
