/**
 * The pipe of an upstream with many calls under way: what a call costs then, and what each that
 * waits holds. `node workers/calls-at-once.mjs COUNT`.
 *
 * The oldest call is answered, and another one takes its place; the wire is a list in memory.
 */
import "../lib/quick-ticks.mjs";
import { fromDist } from "../proxies/dist.mjs";

const count = Number(process.argv[2]);
const SLICES = 9;
const CALLS_MIN = 20_000;
const calls = Math.max(CALLS_MIN, count);

const { createGateway } = await fromDist("index.js");
const bulkhead = { concurrencyMax: count + 1, queueMax: 1 };
const options = {
  targets: ["http://127.0.0.1:1"],
  bulkhead,
  limits: { connectionsMax: count + 1 },
};
const upstream = createGateway({ upstreams: { bench: options }, onWarning() {} }).upstream("bench");
const { gateway, core } = upstream[Symbol.for("good-gateway.upstream")];
const asked = { path: "/", method: "GET", headers: [], body: null, contentLength: null };
const request = { ...asked, replayable: false, upgrade: null, onInformation: null };
const response = {
  ...{ status: 200, statusText: "OK", rawHeaders: [], headers: {}, body: null },
  onFinished: (listener) => (listener.over ? listener.over(null) : listener(null)),
  discard: async () => {},
};

/** A ring, so that taking the oldest costs the same however many wait. */
const waiting = new Array(count).fill(null);
let oldest = 0;
let free = 0;
const step = core.executeOver(
  () => (exchange) =>
    new Promise((resolve) => {
      for (const phase of ["connect", "send", "wait"]) exchange.enter(phase);
      exchange.timeline.written = true;
      waiting[free] = () => {
        exchange.enter("receive");
        exchange.end();
        resolve({ kind: "success", response });
      };
      free = free + 1 === count ? 0 : free + 1;
    }),
);

const begin = () => step(core.newCall(request, gateway.newRequestId(), null, null));

async function replace(times) {
  for (let turn = 0; turn < times; turn += 1) {
    const answer = waiting[oldest];
    oldest = oldest + 1 === count ? 0 : oldest + 1;
    answer();
    // What the answer brings about happens in microtasks.
    await null;
    await null;
    await null;
    begin();
  }
}

globalThis.gc();
const before = process.memoryUsage().heapUsed;
for (let index = 0; index < count; index += 1) begin();
globalThis.gc();
const heldBytes = (process.memoryUsage().heapUsed - before) / count;
await replace(calls);
const slices = [];
for (let slice = 0; slice < SLICES; slice += 1) {
  const started = process.cpuUsage();
  await replace(calls);
  const { user, system } = process.cpuUsage(started);
  slices.push((user + system) / calls);
}
const us = slices.sort((a, b) => a - b)[SLICES >> 1];
process.send({ result: { us, heldBytes } });
process.once("disconnect", () => process.exit());
