/**
 * `npm run bench -- bars`: what must hold, line by line, with the figure that says whether it does.
 *
 * CPU and latency are taken from a comparison; refusals, memory of calls under way and upstreams at
 * rest are measured here.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy, startUpstream, tell } from "../lib/bench.mjs";
import { BASELINE, CONTENDERS, OURS } from "../lib/contenders.mjs";
import { startScript } from "../lib/processes.mjs";
import { startUpstreams } from "../lib/upstreams.mjs";
import { cpuSeconds, residentBytes } from "../lib/usage.mjs";
import { measureRefusals } from "./failing.mjs";
import { measureProxies } from "./proxies.mjs";

const KIB = 1_024;
const MIB = KIB * KIB;
const GC = ["--expose-gc"];

/** Calls that are held, each with a connection on either side: far below a usual limit of files. */
const HELD = 4_000;
const HELD_QUICK = 500;
const HELD_POLL_MS = 100;
/** Nothing may cut or refuse what is held. */
const PATIENT = {
  bulkhead: { concurrencyMax: HELD * 2 },
  limits: { connectionsMax: HELD * 2 },
  timeouts: { responseMs: 600_000, totalMs: 600_000, idleMs: 600_000 },
};

const IDLE_UPSTREAMS = 1_000;
const IDLE_MS = 3_000;
/** After the start the compiler is busy for a moment … */
const SETTLE_MS = 2_000;
/** … and kept connections are closed after four seconds; what is measured is rest. */
const SETTLE_USED_MS = 6_000;
const QUICK = 0.2;

/**
 * The peers that a bar names, with how many times less CPU is demanded; http-proxy-middleware 3 as
 * its documentation has it, and with an agent that keeps connections, which few give it.
 */
const TIMES_LESS = { httpxy: 1.25, "fastify-http-proxy": 1.8, hpm3: 3.5, "hpm3-keep-alive": 3.5 };
const COMPARED = [BASELINE, OURS, ...Object.keys(TIMES_LESS)];

export async function measureBars(options, setting) {
  const workloads = await compare(options, setting);
  return [
    ...costBars(workloads),
    await refusalBar(options, setting),
    await heldBar(options, setting),
    ...(await idleBars(options, setting)),
  ];
}

function compare(options, setting) {
  const minutes = options.minutes / 2;
  const asked = { ...options, minutes, proxies: COMPARED, workloads: ["get-1k", "get-1m"] };
  return measureProxies(asked, setting);
}

function costBars(workloads) {
  const figuresOf = (workload, proxy) =>
    workloads.find(({ name }) => name === workload)?.proxies.find(({ name }) => name === proxy)
      ?.figures ?? null;
  const small = figuresOf("get-1k", OURS);
  const large = figuresOf("get-1m", OURS);
  const peers = Object.entries(TIMES_LESS).flatMap(([name, times]) => {
    const peer = figuresOf("get-1k", name);
    const { label } = CONTENDERS.find((row) => row.name === name);
    if (peer === null || small === null) return [];
    const less = peer.cpuPer10k / small.cpuPer10k;
    return [atLeast(`GET 1 KiB, times less CPU than ${label}`, less, times)];
  });
  return [
    ...(small === null ? [] : [atMost("GET 1 KiB, CPU against the bare proxy", small.ratio, 1.15)]),
    ...peers,
    ...(large === null ? [] : [atMost("GET 1 MiB, CPU against the bare proxy", large.ratio, 1.05)]),
    ...(small === null
      ? []
      : [atMost("GET 1 KiB, p99 against the bare proxy", small.p99Ratio, 1.25)]),
  ];
}

function atMost(label, value, bar, unit = "×") {
  return { label, value, bar, unit, met: value <= bar, sense: "at most" };
}

function atLeast(label, value, bar, unit = "×") {
  return { label, value, bar, unit, met: value >= bar, sense: "at least" };
}

async function refusalBar(options, setting) {
  const asked = { ...options, minutes: options.minutes / 6 };
  const [, open] = await measureRefusals(asked, setting);
  const label = "503 of an open breaker per CPU second, against 200 of `node:http`";
  return atLeast(label, open.ratio.median, 0.5);
}

/** Memory of a call that waits for its answer, beyond what the bare proxy holds for it. */
async function heldBar(options, setting) {
  const count = options.quick ? HELD_QUICK : HELD;
  const bytes = {};
  for (const name of [BASELINE, OURS]) {
    bytes[name] = await heldBytes(name, count, setting);
    const { heap, resident } = bytes[name];
    tell(`a call under way, ${name}: ${kib(heap)} KiB of heap, ${kib(resident)} KiB resident`);
  }
  const [bare, ours] = [bytes[BASELINE], bytes[OURS]];
  const label = `memory of each of ${count.toLocaleString("en-US")} calls under way`;
  const note =
    `${kib(bare.heap)} KiB of them in the bare proxy as well; resident memory grows by ` +
    `${kib(ours.resident)} KiB a call, in the bare proxy by ${kib(bare.resident)} KiB`;
  return { ...atMost(label, ours.heap / KIB, 24, "KiB"), note };
}

function kib(bytes) {
  return (bytes / KIB).toFixed(1);
}

async function heldBytes(name, count, setting) {
  const core = setting.cores?.rest ?? null;
  const upstream = await startScript({ script: "workers/hang.mjs", core });
  const contender = CONTENDERS.find((row) => row.name === name);
  const env = { GOOD_GATEWAY_UPSTREAM: JSON.stringify(PATIENT) };
  const proxy = await startProxy({ ...contender, env }, upstream, setting, GC);
  const before = await memoryOf(proxy);
  const args = [proxy.url, String(count)];
  const client = await startScript({ script: "workers/hold.mjs", args, core });
  try {
    for (let held = 0; held < count; { held } = await upstream.ask("held")) {
      await sleep(HELD_POLL_MS);
    }
    const after = await memoryOf(proxy);
    return {
      heap: (after.heap - before.heap) / count,
      resident: (after.resident - before.resident) / count,
    };
  } finally {
    await client.stop();
    await proxy.stop();
    await upstream.stop();
  }
}

/** Heap and buffers after a collection, and what the kernel counts. */
async function memoryOf(proxy) {
  const { memory } = await proxy.ask("memory");
  return { heap: memory.heapUsed + memory.external, resident: residentBytes(proxy.pids) };
}

async function idleBars(options, setting) {
  const upstream = await startUpstream(setting);
  try {
    const few = await idle(upstream, 1, options, setting);
    const many = await idle(upstream, IDLE_UPSTREAMS, options, setting);
    const used = await idle(upstream, IDLE_UPSTREAMS, options, setting, "each");
    const memory = (many.resident - few.resident) / MIB;
    const note = `${(used.share * 100).toFixed(2)} % after each has had a request`;
    const usedMemory = ((used.resident - few.resident) / MIB).toFixed(1);
    return [
      { ...atMost("1,000 upstreams at rest, share of a core", many.share * 100, 1, "%"), note },
      {
        ...atMost("1,000 upstreams at rest, memory", memory, 50, "MiB"),
        note: `${usedMemory} MiB after each has had a request`,
      },
    ];
  } finally {
    await upstream.stop();
  }
}

async function idle(upstream, count, { quick }, setting, ...each) {
  const core = setting.cores?.proxy ?? null;
  const worker = await startUpstreams(upstream.url, count, each, core);
  try {
    const scale = quick ? QUICK : 1;
    // What the start has left is collected, and given back to the system, before anything counts.
    await worker.ask("memory");
    await sleep((each.length > 0 ? SETTLE_USED_MS : SETTLE_MS) * scale);
    await worker.ask("memory");
    const before = cpuSeconds(worker.pids);
    const ms = IDLE_MS * scale;
    await sleep(ms);
    const share = (cpuSeconds(worker.pids) - before) / (ms / 1_000);
    const resident = residentBytes(worker.pids);
    tell(`${count} upstreams at rest: ${(share * 100).toFixed(2)} % of a core`);
    return { share, resident, madeMs: worker.result.madeMs };
  } finally {
    await worker.stop();
  }
}
