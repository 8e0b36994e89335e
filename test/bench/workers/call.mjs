/**
 * One way of making a call, measured in a process of its own: microseconds of CPU and bytes.
 *
 * `node workers/call.mjs NAME [ORIGIN]`, with GOOD_GATEWAY_UPSTREAM for options. Without an origin
 * every way goes around a function that does nothing, so that what is left is what the way costs.
 * Bytes are counted exactly: the young generation is made so large (by the flags that
 * `lib/calls.mjs` gives) that nothing is collected while it is looked at, and what the heap has
 * grown by is what was allocated.
 */
import "../lib/quick-ticks.mjs";
import { PerformanceObserver } from "node:perf_hooks";
import { fromDist, UPSTREAM_OPTIONS } from "../proxies/dist.mjs";
import { request, fetch as undiciFetch } from "../proxies/package-undici.mjs";

const [name, origin] = process.argv.slice(2);
const trivial = origin === undefined;
const path = "/v1/orders/7?expand=lines";
const url = `${origin}${path}`;

/** Timed calls, in slices of which the middle one counts. */
const SLICES = 7;
const CALLS = trivial ? 20_000 : 1_000;
/** Bytes alone are counted without the optimising compiler, so there is nothing to wait for. */
const bytesOnly = process.env.BENCH_BYTES_ONLY === "1";
const WARMUP = bytesOnly ? 2_000 : trivial ? 30_000 : 3_000;
/** Calls at once on the wire, so that the process has something to do while it waits. */
const AT_ONCE = trivial ? 1 : 10;
/** So many that what the collection before them has undone, compiled code above all, is little. */
const HEAP_CALLS = trivial ? 10_000 : 1_000;
const HEAP_TURNS = 5;

/** What the libraries go around. */
async function work() {
  if (trivial) return 1;
  const { body } = await request(url);
  return body.text();
}

const WAYS = {
  bare: async () => work,
  "undici-fetch": async () => async () => (await undiciFetch(url)).text(),
  "global-fetch": async () => async () => (await fetch(url)).text(),
  async "opossum-p-retry"() {
    const [{ default: Breaker }, { default: retry }] = await Promise.all([
      import("opossum"),
      import("p-retry"),
    ]);
    const breaker = new Breaker(work, { timeout: 10_000 });
    return () => retry(() => breaker.fire(), { retries: 2 });
  },
  async cockatiel() {
    const c = await import("cockatiel");
    const policy = c.wrap(
      c.retry(c.handleAll, { maxAttempts: 2, backoff: new c.ExponentialBackoff() }),
      c.circuitBreaker(c.handleAll, { halfOpenAfter: 1_000, breaker: new c.ConsecutiveBreaker(5) }),
      c.timeout(10_000, c.TimeoutStrategy.Cooperative),
    );
    return () => policy.execute(work);
  },
  pipe: () => pipe(() => {}),
  /** What a careless change adds to every call; the guard of the tests must find it. */
  "pipe-with-map": () => pipe((exchange) => kept.set("of", new Map([[exchange.target.id, 1]]))),
  "pipe-with-async": () => pipe(async (exchange) => exchange.target.id),
  async "gateway-fetch"() {
    const { gatewayFetch } = await fromDist("fetch.js");
    const upstream = await gatewayOf(origin ?? "http://127.0.0.1:1");
    if (!trivial) {
      const fetched = gatewayFetch(upstream);
      return async () => (await fetched(path)).text();
    }
    const fetched = gatewayFetch(upstream, { fetch: async () => new Response(null) });
    return async () => (await fetched(path)).status;
  },
  /** What a Response costs by itself. */
  "bare-response": async () => async () => new Response(null).status,
  async send() {
    const upstream = await gatewayOf(origin);
    return async () => {
      const outcome = await upstream.send({ path });
      return outcome.response.body.text();
    };
  },
};
const kept = new Map();

async function gatewayOf(target) {
  const { createGateway } = await fromDist("index.js");
  const options = { targets: [target], ...UPSTREAM_OPTIONS };
  return createGateway({ upstreams: { bench: options } }).upstream("bench");
}

/** The pipe of an upstream, with all its policies, around `work` in place of the wire. */
async function pipe(also) {
  const upstream = await gatewayOf("http://127.0.0.1:1");
  const { gateway, core } = upstream[Symbol.for("good-gateway.upstream")];
  // Made once: what it costs to make one is no part of the pipe.
  const request = {
    ...{ path, method: "GET", headers: [], body: null, contentLength: null },
    ...{ replayable: false, upgrade: null, onInformation: null },
  };
  const response = {
    ...{ status: 200, statusText: "OK", rawHeaders: [], headers: {}, body: null },
    onFinished: (listener) => (listener.over ? listener.over(null) : listener(null)),
    discard: async () => {},
  };
  const outcome = { kind: "success", response };
  const step = core.executeOver(() => async (exchange) => {
    for (const phase of ["connect", "send", "wait"]) exchange.enter(phase);
    exchange.timeline.written = true;
    also(exchange);
    await work();
    exchange.enter("receive");
    exchange.end();
    return outcome;
  });
  let failed = false;
  const check = ({ kind }) => {
    failed ||= kind !== "success";
  };
  return () => {
    if (failed) throw new Error("the pipe let a call fail");
    const call = core.newCall(request, gateway.newRequestId(), null, null);
    return step(call).subscribe(check).asPromise();
  };
}

async function run(way, calls) {
  let left = calls;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await way();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function microseconds(way) {
  const slices = [];
  for (let slice = 0; slice < SLICES; slice += 1) {
    const before = process.cpuUsage();
    await run(way, CALLS);
    const { user, system } = process.cpuUsage(before);
    slices.push((user + system) / CALLS);
  }
  return slices.sort((a, b) => a - b)[SLICES >> 1];
}

/** A turn in which something was collected after all does not count. */
async function bytes(way) {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  const turns = [];
  for (let turn = 0; turn < HEAP_TURNS; turn += 1) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
    collections = 0;
    const before = process.memoryUsage().heapUsed;
    await run(way, HEAP_CALLS);
    const grown = process.memoryUsage().heapUsed - before;
    await new Promise((resolve) => setTimeout(resolve, 10));
    if (collections === 0) turns.push(grown / HEAP_CALLS);
  }
  observer.disconnect();
  return turns.length === 0 ? null : turns.sort((a, b) => a - b)[turns.length >> 1];
}

const way = await WAYS[name]();
await run(way, WARMUP);
// In this order: counting bytes collects everything, which slows down what comes next.
const us = bytesOnly ? null : await microseconds(way);
process.send({ result: { us, bytes: await bytes(way) } });
process.once("disconnect", () => process.exit());
