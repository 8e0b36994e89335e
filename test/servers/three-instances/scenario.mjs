/**
 * Three instances, an open loop of requests, and three outages one after the other.
 *
 * A is down from 3 to 8 s (its port closed, its connections reset), B accepts and never answers
 * from 8 to 13 s, C answers 503 to everything from 13 to 17 s. What comes back is counted at the
 * client, and at the instances: which requests each of them executed, and what became of those.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sendOpenLoop } from "./load.mjs";

export const SECONDS = 20;
export const PER_SECOND = 200;

const SCRIPT = [
  { atMs: 3_000, instance: 0, state: "down" },
  { atMs: 8_000, instance: 0, state: "normal" },
  { atMs: 8_000, instance: 1, state: "silent" },
  { atMs: 13_000, instance: 1, state: "normal" },
  { atMs: 13_000, instance: 2, state: "refusing" },
  { atMs: 17_000, instance: 2, state: "normal" },
];

/**
 * Plays the scenario with one method. `upstream` is what differs from the defaults, and `proxy`
 * starts another proxy, given the instances' ports.
 */
export async function playScenario({
  method,
  upstream = {},
  proxy = startGateway,
  seconds = SECONDS,
}) {
  const instances = await Promise.all([1, 2, 3].map(() => start("instance.mjs", [])));
  const ports = instances.map(({ port }) => port);
  const front = await proxy(ports, upstream);
  try {
    const timers = SCRIPT.map(({ atMs, instance, state }) =>
      setTimeout(() => instances[instance].child.send(state), atMs),
    );
    const results = await sendOpenLoop({
      port: front.port,
      method,
      perSecond: PER_SECOND,
      seconds,
    });
    for (const timer of timers) clearTimeout(timer);
    const fates = await Promise.all(instances.map(({ child }) => ask(child)));
    const told = await front.report();
    return summarise(
      method,
      results,
      fates.map((one) => one.fates),
      told,
    );
  } finally {
    await Promise.all([...instances, front].map(({ stop }) => stop()));
  }
}

async function startGateway(ports, upstream) {
  const targets = ports.map((port) => `http://127.0.0.1:${port}`);
  const started = await start("gateway.mjs", [JSON.stringify(upstream), ...targets]);
  return { ...started, report: () => ask(started.child) };
}

/** What the client saw, held against what the instances did. */
function summarise(method, results, fates, { tries = null, events = [] }) {
  const executions = new Map();
  const lost = new Set();
  const refused = new Set();
  let received = 0;
  for (const { id, what } of fates.flat()) {
    received += 1;
    if (what === "refused") refused.add(id);
    else executions.set(id, (executions.get(id) ?? 0) + 1);
    if (what === "cut" || what === "swallowed") lost.add(id);
  }
  const failed = results.filter(({ status }) => status !== 200);
  const well = results.filter(({ status }) => status === 200).map(({ tookMs }) => tookMs);
  return {
    method,
    sent: results.length,
    answeredWell: well.length / results.length,
    tries: (tries ?? received) / results.length,
    latency: percentiles(well),
    slow: well.filter((tookMs) => tookMs > 100).length,
    executedTwice: [...executions.values()].filter((count) => count > 1).length,
    waitedOnSilent: fates[1].filter(({ what }) => what === "swallowed").length,
    failed: failed.map((one) => ({ ...one, fate: fateOf(one.id, lost, refused) })),
    events,
  };
}

/** Where a request was lost, as the instances tell it. */
function fateOf(id, lost, refused) {
  if (lost.has(id)) return "in flight";
  return refused.has(id) ? "answered 503" : "unknown";
}

function percentiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1) };
}

async function start(script, args) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = fork(path, args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const { port } = await firstMessage(child);
  return { child, port, stop: () => stop(child) };
}

function ask(child) {
  const answer = firstMessage(child);
  child.send("report");
  return answer;
}

function firstMessage(child) {
  return new Promise((resolve, reject) => {
    const onExit = (code) => reject(new Error(`a process of the scenario ended with ${code}`));
    child.once("exit", onExit);
    child.once("message", (message) => {
      child.off("exit", onExit);
      resolve(message);
    });
  });
}

function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.disconnect();
  });
}
