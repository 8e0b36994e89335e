/**
 * What a proxied request costs in our own process alone: no kernel, no other process.
 *
 * Both ends are sockets in memory, the server's and the upstream's, so that what is left is what
 * node:http, undici and the proxy between them do. Contenders take turns in one process, in slices
 * of some ten milliseconds, and the slices that nothing disturbed count, so it is steady on a busy
 * machine. `--heap` prints what each request allocates instead, by V8's sampling profiler, which no
 * other work of the machine can change.
 *
 * `node test/bench/pipe.mjs [--slices N] [--heap [--rows N]] [bare] [NAME=DIST …]`; without
 * contenders the bare proxy and the built package. `--off` compares the built package with itself
 * without one policy or the other. `--refuse KIND` measures refusals instead, against a 200 that
 * `node:http` answers itself: `open`, the breaker is open; `hoped`, it is, and calls wait for the
 * connection that is tried meanwhile; `full`, no place is free; `maintenance`, the first to refuse.
 * `--listening [--only NAME,…]` compares nobody listening with metrics, an access log, dashboard
 * or all of them; `no-sdk` and `sdk` are OpenTelemetry. It takes other builds, too.
 */
import { openSync, writeSync } from "node:fs";
import http from "node:http";
import { Session } from "node:inspector/promises";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import { resolve } from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { FIELDS, PATH } from "./lib/load.mjs";

const ORIGIN = "http://127.0.0.1:8080";
const BODY_BYTES = 1_024;
const WARMUP = 30_000;
const PER_SLICE = 500;
const CONNECTIONS = 10;
/** Calls that wait for a connection wait in real time, so it takes many to keep this busy. */
const CONNECTIONS_HOPED = 500;
const GOOD = "HTTP/1.1 200";
const REFUSED = "HTTP/1.1 503";
/** Calls that find out about the target before a breaker opens. */
const FIRST = 20;
const HEAP_REQUESTS = 20_000;
const HEAP_INTERVAL_BYTES = 4_096;
/** The share of slices that nothing disturbed; other work can only make one dearer. */
const QUIET = 0.1;

const REQUEST = Buffer.from(
  `GET ${PATH} HTTP/1.1\r\nHost: shop.example\r\n` +
    `${FIELDS.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`,
);
const ANSWER = Buffer.from(
  "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n" +
    `ETag: "0123456789abcdef"\r\nContent-Length: ${BODY_BYTES}\r\n` +
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n" +
    `\r\n${"x".repeat(BODY_BYTES)}`,
);

/** A socket in memory; what is written to it goes to `onWrite`. */
class MemorySocket extends Duplex {
  constructor(onWrite) {
    super({ decodeStrings: false });
    this.onWrite = onWrite;
    this.remoteAddress = "127.0.0.1";
    this.remotePort = 40_000;
  }
  _read() {}
  _write(chunk, encoding, done) {
    this.onWrite(chunk, encoding);
    done();
  }
  _writev(chunks, done) {
    for (const { chunk, encoding } of chunks) this.onWrite(chunk, encoding);
    done();
  }
  setNoDelay() {
    return this;
  }
  setKeepAlive() {
    return this;
  }
  setTimeout() {
    return this;
  }
  ref() {
    return this;
  }
  unref() {
    return this;
  }
}

/** Every request of the proxies comes in one write, and gets its answer a turn later. */
function dialInMemory() {
  const socket = new MemorySocket(() => setImmediate(answer));
  const answer = () => socket.push(Buffer.from(ANSWER));
  socket.connecting = false;
  setImmediate(() => socket.emit("connect"));
  return socket;
}

/** As where nothing listens. */
function refuseInMemory() {
  const socket = new MemorySocket(() => {});
  const error = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
  setImmediate(() => socket.destroy(error));
  return socket;
}

function clientOf(server, load) {
  let missing = 0;
  const socket = new MemorySocket((chunk) => {
    const text = typeof chunk === "string" ? chunk : chunk.latin1Slice();
    if (text === "") return;
    if (missing === 0) {
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1]);
      if (!text.startsWith(load.expects)) throw new Error(`not this: ${text.slice(0, end)}`);
      missing = length - (text.length - end - 4);
    } else missing -= text.length;
    if (missing === 0) setImmediate(next);
  });
  const next = () => {
    if (load.left > 0) {
      load.left -= 1;
      load.open += 1;
      socket.push(Buffer.from(REQUEST));
    }
    load.open -= 1;
    if (load.left === 0 && load.open === 0) load.resolve();
  };
  server.emit("connection", socket);
  return () => {
    load.open += 1;
    next();
  };
}

function contender(name, listener, expects = GOOD, connections = CONNECTIONS) {
  const server = http.createServer(listener);
  const load = { left: 0, open: 0, resolve: () => {}, expects };
  const starts = Array.from({ length: connections }, () => clientOf(server, load));
  const run = (requests) =>
    new Promise((done) => {
      Object.assign(load, { left: requests, resolve: done });
      for (const start of starts) start();
    });
  return { name, run, slices: [] };
}

/** The bare proxy starts a server by itself; here its listener is all that is wanted. */
async function bare() {
  const { createServer: whole } = http;
  let taken = null;
  http.createServer = (listener) => {
    taken = listener;
    return { listen: () => {} };
  };
  syncBuiltinESMExports();
  process.argv[2] = ORIGIN;
  await import("./proxies/bare-undici.mjs");
  http.createServer = whole;
  syncBuiltinESMExports();
  return taken;
}

async function built(dist, options = {}, begin = () => {}) {
  const { upstream = {}, gateway = {}, proxy = {}, listening = [] } = options;
  const fromDist = (file) => import(pathToFileURL(resolve(dist, file)).href);
  const { createGateway } = await fromDist("index.js");
  const { nodeProxy } = await fromDist("node.js");
  const made = createGateway({
    onWarning() {},
    ...gateway,
    upstreams: { bench: { targets: [ORIGIN], ...upstream } },
  });
  for (const one of listening) await LISTENERS[one](made, fromDist);
  await begin(made);
  return nodeProxy(made.upstream("bench"), proxy);
}

/** What a call tells when somebody listens; a channel would hear all contenders. */
const EVENTS = ["attempt:end", "call:outcome", "call:end"];
const LISTENERS = {
  metrics: async (gateway, from) => (await from("index.js")).metricsHandler(gateway),
  // As standard output writes where it is a file.
  log: async (gateway, from) => {
    const file = openSync("/dev/null", "w");
    const stream = { write: (text) => writeSync(file, text) };
    (await from("index.js")).accessLog(gateway, { stream });
  },
  dashboard: async (gateway, from) => (await from("dashboard.js")).dashboard(gateway),
  noSdk: async (gateway, from) => (await from("opentelemetry.js")).openTelemetry(gateway),
  // As an application has it, but that its spans go nowhere.
  sdk: async (gateway, from) => {
    const { openTelemetry } = await from("opentelemetry.js");
    const { BasicTracerProvider, BatchSpanProcessor } = await import(
      "@opentelemetry/sdk-trace-base"
    );
    const { W3CTraceContextPropagator } = await import("@opentelemetry/core");
    const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} };
    // What the queue has no room for is dropped, and would cost less than what is exported.
    const limits = { maxQueueSize: 1e6, scheduledDelayMillis: 50 };
    const spanProcessors = [new BatchSpanProcessor(exporter, limits)];
    const tracerProvider = new BasicTracerProvider({ spanProcessors });
    const propagator = new W3CTraceContextPropagator();
    openTelemetry(gateway, { tracerProvider, propagator, meterProvider: false });
  },
  events: (gateway) => EVENTS.map((name) => gateway.on(name, () => {})),
};
const LISTENING = {
  nothing: [],
  again: [],
  events: ["events"],
  metrics: ["metrics"],
  log: ["log"],
  dashboard: ["dashboard"],
  ours: ["metrics", "log", "dashboard"],
  everything: ["metrics", "log", "dashboard", "events"],
};
/** Measured where they are named. */
const TRACING = { "no-sdk": ["noSdk"], sdk: ["sdk"] };

const ENDLESS = Number.POSITIVE_INFINITY;
const NO_TIMEOUTS = { connectMs: ENDLESS, responseMs: ENDLESS, idleMs: ENDLESS, totalMs: ENDLESS };
const OPEN = { openMs: 3_600_000, openMsMax: 3_600_000 };
const openBreaker = (upstream) => ({
  options: { upstream: { breaker: OPEN, ...upstream } },
  async begin(made) {
    for (let call = 0; call < FIRST; call += 1) {
      await made
        .upstream("bench")
        .send({ path: PATH })
        .catch(() => {});
    }
  },
});
/** How each refusal comes about. */
const REFUSALS = {
  open: openBreaker({ probe: false }),
  hoped: { ...openBreaker({}), connections: CONNECTIONS_HOPED },
  full: {
    options: { upstream: { bulkhead: { concurrencyMax: 1, queueMax: 0 }, timeouts: NO_TIMEOUTS } },
    begin(made) {
      // Takes the only place, for an answer that never comes.
      dial(() => new MemorySocket(() => {}));
      made.upstream("bench").send({ path: PATH });
    },
  },
  maintenance: { options: {}, begin: (made) => made.startMaintenance() },
};

async function refusing(name, dist, { options, begin, connections }) {
  return contender(name, await built(dist, options, begin), REFUSED, connections);
}

/** What answers 200 by itself. */
function answering() {
  const body = '{"status":"ok"}\n';
  const fields = { "content-type": "application/json", "content-length": body.length };
  return contender("answer", (_req, res) => {
    res.writeHead(200, fields);
    res.end(body);
  });
}

function dial(socketOf) {
  net.connect = socketOf;
  net.createConnection = socketOf;
  syncBuiltinESMExports();
}

const WITHOUT = {
  retry: { upstream: { retry: false } },
  breaker: { upstream: { breaker: false } },
  bulkhead: { upstream: { bulkhead: false } },
  shed: { gateway: { shed: false } },
  timeouts: { upstream: { timeouts: NO_TIMEOUTS } },
  layers: { upstream: { layers: false } },
  forwarded: { proxy: { forwarded: false } },
};

async function heap(contenders) {
  for (const { name, run } of contenders) {
    await run(WARMUP);
    const session = new Session();
    session.connect();
    const flags = {
      samplingInterval: HEAP_INTERVAL_BYTES,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    };
    await session.post("HeapProfiler.startSampling", flags);
    await run(HEAP_REQUESTS);
    const { profile } = await session.post("HeapProfiler.stopSampling");
    session.disconnect();
    const by = new Map();
    const walk = (node) => {
      const { functionName, url, lineNumber } = node.callFrame;
      const place = `${url.split("/").slice(-2).join("/")}:${lineNumber + 1}`;
      const key = `${functionName || "(anonymous)"} ${place}`;
      by.set(key, (by.get(key) ?? 0) + node.selfSize);
      for (const child of node.children) walk(child);
    };
    walk(profile.head);
    const total = [...by.values()].reduce((a, b) => a + b, 0);
    process.stdout.write(`${name}: ${Math.round(total / HEAP_REQUESTS)} bytes a request\n`);
    const rows = [...by].sort((a, b) => b[1] - a[1]).slice(0, Number(values.rows));
    for (const [key, size] of rows) {
      process.stdout.write(`${String(Math.round(size / HEAP_REQUESTS)).padStart(8)} ${key}
`);
    }
  }
}

async function time(contenders, slices) {
  for (const { run } of contenders) await run(WARMUP);
  for (let slice = 0; slice < slices; slice += 1) {
    for (let step = 0; step < contenders.length; step += 1) {
      const { run, slices: taken } = contenders[(slice + step) % contenders.length];
      const before = process.cpuUsage();
      await run(PER_SLICE);
      const { user, system } = process.cpuUsage(before);
      taken.push((user + system) / PER_SLICE);
    }
  }
  const base = quiet(contenders[0].slices);
  for (const { name, slices: taken } of contenders) {
    const us = quiet(taken);
    const columns = [us.toFixed(2).padStart(8), (us / base).toFixed(3), median(taken).toFixed(2)];
    process.stdout.write(`${name.padEnd(14)} ${columns.join("  ")}\n`);
  }
}

const sorted = (list) => [...list].sort((a, b) => a - b);
const quiet = (list) => sorted(list)[Math.floor(list.length * QUIET)];
const median = (list) => sorted(list)[Math.floor(list.length / 2)];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    heap: { type: "boolean", default: false },
    rows: { type: "string", default: "0" },
    slices: { type: "string", default: "200" },
    off: { type: "boolean", default: false },
    refuse: { type: "string" },
    listening: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
const OWN = fileURLToPath(new URL("../../dist", import.meta.url));
const contenders = [];
dial(values.refuse === undefined ? dialInMemory : refuseInMemory);
if (values.refuse !== undefined) {
  contenders.push(answering());
  for (const one of positionals.length > 0 ? positionals : [`built=${OWN}`]) {
    const [name, dist] = one.split("=");
    contenders.push(await refusing(name, dist, REFUSALS[values.refuse]));
  }
} else if (values.off) {
  contenders.push(contender("all policies", await built(OWN)));
  for (const [name, options] of Object.entries(WITHOUT)) {
    contenders.push(contender(`no ${name}`, await built(OWN, options)));
  }
} else if (values.listening) {
  const only = values.only?.split(",");
  for (const one of positionals.length > 0 ? positionals : [`=${OWN}`]) {
    const [name, dist] = one.split("=");
    for (const [what, listening] of Object.entries({ ...LISTENING, ...TRACING })) {
      if (only === undefined ? what in TRACING : !only.includes(what)) continue;
      contenders.push(contender(`${name} ${what}`.trim(), await built(dist, { listening })));
    }
  }
} else {
  for (const one of positionals.length > 0 ? positionals : ["bare", `built=${OWN}`]) {
    const [name, dist] = one.split("=");
    contenders.push(contender(name, dist === undefined ? await bare() : await built(dist)));
  }
}
if (values.heap) await heap(contenders);
else await time(contenders, Number(values.slices));
process.exit();
