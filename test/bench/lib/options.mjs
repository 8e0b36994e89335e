/**
 * The command line of the bench, with its defaults and their reasons.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";

export const MODES = {
  proxies: "what a proxied request costs, against bare proxies, peers, nginx and HAProxy",
  policies: "what each policy costs, by switching it off",
  sdk: "what gatewayFetch and upstream.send cost, against undici and other libraries",
  failing: "what a failure costs, and what the good instance does meanwhile",
  bars: "memory per call, idle upstreams, refusals, latency: what must hold",
  growth: "how cost grows with targets, upstreams, calls at once, fields and repeats",
  all: "all of them, written into docs/performance.md and docs/performance/",
  render: "writes the tables and curves of the docs anew, from what was measured last",
};

/** What a mode may take; a run on a machine that is used for other things as well stays short. */
const MINUTES = 10;
const MINUTES_ALL = 30;
const MINUTES_QUICK = 0.5;
/** wrk counts in seconds: one or two of them, so that a kernel's ticks do not show. */
const REQUESTS = 20_000;
/** Until the optimising compiler is through: it shares the one core that the proxy has. */
const WARMUP_REQUESTS = 50_000;
/** Enough to keep the proxy busy, few enough that none of them queues anything. */
const CONNECTIONS = 50;
const QUICK_REQUESTS = 2_000;

const HELP = `npm run bench -- [mode] [options]

${Object.entries(MODES)
  .map(([name, text]) => `  ${name.padEnd(18)}${text}`)
  .join("\n")}

  --minutes N       how long it may take: rounds go on until then (${MINUTES}; all: ${MINUTES_ALL})
  --rounds N        exactly so many rounds instead
  --quick           half a minute for each mode, to see that it runs
  --requests N      requests of each round (${REQUESTS})
  --warmup N        requests before each round (${WARMUP_REQUESTS})
  --connections N   connections of the load (${CONNECTIONS})
  --workloads A,B   get-1k, get-64k, get-1m, post-10k (all of them)
  --body-bytes N    one workload of GETs with answers of this size instead
  --parts A,B       with all: only these parts anew, such as bars,paired
  --load KIND       wrk, own, or auto: wrk where it is installed (auto)
  --proxies A,B     only these
  --build NAME=DIR  also the good-gateway that is built in DIR; may be repeated
  --paired          all proxies at once, in many small loads; rounds are sets of processes
  --profile DIR     write CPU profiles there, and print where time goes
  --json FILE       write all figures there as JSON; - is the standard output, without a table
`;

export function readOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      minutes: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      requests: { type: "string" },
      warmup: { type: "string" },
      connections: { type: "string" },
      workloads: { type: "string", default: "" },
      "body-bytes": { type: "string" },
      parts: { type: "string", default: "" },
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
  return { mode: readMode(positionals), ...readSizes(values), ...readRest(values) };
}

function readMode([mode = "proxies", ...further]) {
  if (further.length > 0 || !(mode in MODES)) {
    const wrong = further[0] ?? mode;
    throw new Error(`"${wrong}" is none of the modes ${Object.keys(MODES).join(", ")}`);
  }
  return mode;
}

function readSizes(values) {
  const requests = values.quick ? QUICK_REQUESTS : REQUESTS;
  return {
    quick: values.quick,
    minutes: minutesOf(values),
    rounds: values.rounds === undefined ? null : count("rounds", values.rounds, 1),
    requests: count("requests", values.requests, requests),
    warmup: count("warmup", values.warmup, values.quick ? QUICK_REQUESTS : WARMUP_REQUESTS),
    connections: count("connections", values.connections, CONNECTIONS),
    bodyBytes:
      values["body-bytes"] === undefined ? null : count("body-bytes", values["body-bytes"]),
  };
}

/** Null leaves it to the mode, whose own default is in `minutesFor`. */
function minutesOf({ minutes, quick }) {
  if (minutes === undefined) return quick ? MINUTES_QUICK : null;
  const value = Number(minutes);
  if (!(value > 0)) throw new Error(`--minutes: "${minutes}" is not a number above 0`);
  return value;
}

/** How long a mode may take. */
export function minutesFor({ minutes, mode }) {
  return minutes ?? (mode === "all" ? MINUTES_ALL : MINUTES);
}

function readRest(values) {
  return {
    workloads: names(values.workloads),
    parts: names(values.parts),
    load: values.load,
    proxies: names(values.proxies),
    builds: values.build.map(readBuild),
    profile: values.profile === undefined ? null : resolve(values.profile),
    json: values.json ?? null,
    paired: values.paired,
  };
}

function names(text) {
  return text.split(",").filter((name) => name !== "");
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
