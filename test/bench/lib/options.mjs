/**
 * The command line of the bench, with its defaults and their reasons.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";

/** Odd, so that a median is one that was measured; seven outlive a neighbour's noise. */
const ROUNDS = 7;
/** A second or two of CPU, so that the ten milliseconds in which a kernel may count do not show. */
const REQUESTS = 20_000;
/** Enough that the optimising compiler has seen every hot function: a second round is no faster. */
const WARMUP_REQUESTS = 20_000;
/** Enough to keep the proxy busy, few enough that none of them queues anything. */
const CONNECTIONS = 50;
const BODY_BYTES = 1_024;

const HELP = `npm run bench -- [options]

  --rounds N        rounds of each proxy, interleaved (${ROUNDS})
  --requests N      requests of each round (${REQUESTS})
  --warmup N        requests before the first round (${WARMUP_REQUESTS})
  --connections N   connections of the load (${CONNECTIONS})
  --body-bytes N    bytes of each answer's body (${BODY_BYTES})
  --load KIND       wrk, own, or auto: wrk where it is installed (auto)
  --proxies A,B     only these
  --build NAME=DIR  also the good-gateway that is built in DIR; may be repeated
  --paired          all proxies at once, in many small loads; rounds are sets of processes
  --profile DIR     write CPU profiles there, and print where time goes
  --json FILE       write all figures there as JSON; - is the standard output, without a table
`;

export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      requests: { type: "string" },
      warmup: { type: "string" },
      connections: { type: "string" },
      "body-bytes": { type: "string" },
      load: { type: "string", default: "auto" },
      proxies: { type: "string", default: "" },
      build: { type: "string", multiple: true, default: [] },
      profile: { type: "string" },
      paired: { type: "boolean", default: false },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  if (!["auto", "wrk", "own"].includes(values.load)) {
    throw new Error(`--load: "${values.load}" is none of auto, wrk, own`);
  }
  return {
    rounds: count("rounds", values.rounds, ROUNDS),
    requests: count("requests", values.requests, REQUESTS),
    warmup: count("warmup", values.warmup, WARMUP_REQUESTS),
    connections: count("connections", values.connections, CONNECTIONS),
    bodyBytes: count("body-bytes", values["body-bytes"], BODY_BYTES),
    load: values.load,
    proxies: values.proxies.split(",").filter((name) => name !== ""),
    builds: values.build.map(readBuild),
    profile: values.profile === undefined ? null : resolve(values.profile),
    json: values.json ?? null,
    paired: values.paired,
  };
}

function count(name, text, fallback) {
  const value = text === undefined ? fallback : Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name}: "${text}" is not a whole number above 0`);
  }
  return value;
}

function readBuild(text) {
  const at = text.indexOf("=");
  if (at < 1) throw new Error(`--build: "${text}" is not NAME=DIR`);
  return { name: text.slice(0, at), dist: resolve(text.slice(at + 1)) };
}
