/**
 * Ways of making a call, each measured in a process of its own by `workers/call.mjs`.
 */
import { startProxy, startUpstream } from "./bench.mjs";
import { keptClient } from "./kept-client.mjs";
import { runScript } from "./processes.mjs";

/** On one connection, one after another. */
const PROXIED_WARMUP = 500;
const PROXIED_REQUESTS = 1_000;
const PROXIED_TURNS = 3;

/** So much young generation that a look at it meets no collection. */
const HEAP_FLAGS = ["--expose-gc", "--min-semi-space-size=256", "--max-semi-space-size=256"];

/**
 * Without the optimising compilers every allocation is made as it is written, in every run alike:
 * what they leave out depends on what they have seen, and on when they had time.
 */
const EXACT_FLAGS = [...HEAP_FLAGS, "--no-opt", "--no-maglev"];

/** Around a function that does nothing. */
export const AROUND_NOTHING = [
  { name: "bare", label: "the function itself" },
  { name: "pipe", label: "good-gateway, the whole pipe" },
  { name: "opossum-p-retry", label: "opossum + p-retry", packages: true },
  { name: "cockatiel", label: "cockatiel: retry, breaker, timeout", packages: true },
  { name: "bare-response", label: "`new Response()` alone" },
  { name: "gateway-fetch", label: "`gatewayFetch` around a fetch that does only that" },
];

/** Around a request over loopback, its body read. */
export const OVER_LOOPBACK = [
  { name: "bare", label: "`request` of undici" },
  { name: "send", label: "`upstream.send`" },
  { name: "opossum-p-retry", label: "opossum + p-retry around `request`", packages: true },
  { name: "cockatiel", label: "cockatiel around `request`", packages: true },
  { name: "undici-fetch", label: "`fetch` of undici" },
  { name: "global-fetch", label: "`fetch` of Node" },
  { name: "gateway-fetch", label: "`gatewayFetch`" },
];

/** Microseconds and bytes of one way; around nothing without an origin. */
export function measureWay(name, origin, setting, { env = {} } = {}) {
  return runScript({
    script: "workers/call.mjs",
    args: origin === null ? [name] : [name, origin],
    core: setting.cores?.proxy ?? null,
    env,
    execArgv: HEAP_FLAGS,
  });
}

/** The bytes that one way around nothing allocates as it is written, the same in every run. */
export async function exactBytes(name, env = {}) {
  const { bytes } = await runScript({
    script: "workers/call.mjs",
    args: [name],
    env: { ...env, BENCH_BYTES_ONLY: "1" },
    execArgv: EXACT_FLAGS,
  });
  return bytes;
}

/** The bytes that a request allocates in the process of a proxy, as its code is written. */
export async function exactProxiedBytes(contender) {
  const upstream = await startUpstream({ cores: null });
  const proxy = await startProxy(contender, upstream, { cores: null }, EXACT_FLAGS);
  const client = keptClient(proxy.url, 1);
  try {
    await client.run(PROXIED_WARMUP);
    const turns = [];
    for (let turn = 0; turn < PROXIED_TURNS; turn += 1) {
      const before = await proxy.ask("memory");
      await client.run(PROXIED_REQUESTS);
      const after = await proxy.ask("heap");
      turns.push((after.memory.heapUsed - before.memory.heapUsed) / PROXIED_REQUESTS);
    }
    // Timers that come between requests on a busy machine only add.
    return Math.min(...turns);
  } finally {
    client.close();
    await proxy.stop();
    await upstream.stop();
  }
}
