/**
 * `npm run soak`: ten minutes of mixed faults, aborts and WebSockets, over HTTP/1.1 and HTTP/2,
 * against one process, and beside them calls to three instances, whose processes and name server
 * fail in turn while memory is short here and there.
 * `npm run soak -- --minutes=5 --rate=40` for another length, or other acts per second; `--short`
 * for half a minute that does not compare heaps.
 *
 * It ends with 1 unless memory is flat, nothing hung or threw, and at the end no exchange, socket,
 * timer or listener is left: the process under test then ends by itself. Of the calls to the three
 * instances no answer is another's, no POST is executed twice, and nearly all are answered that a
 * second attempt can save.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkedActs, createTally, endCheckedClients } from "./checked-clients.mjs";
import { actsFor, endClients } from "./clients.mjs";
import { endHttp2Clients, http2Acts } from "./http2-clients.mjs";
import { startHttp2Upstream } from "./http2-upstream.mjs";
import { startInstances } from "./instances.mjs";
import { startUpstream } from "./upstream.mjs";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    rate: { type: "string", default: "40" },
    "checked-rate": { type: "string", default: "60" },
    short: { type: "boolean", default: false },
  },
});
const { short: SHORT } = values;
const LENGTH_MS = SHORT ? 30_000 : Number(values.minutes) * 60_000;
const EVERY_MS = 1_000 / Number(values.rate);
const CHECKED_EVERY_MS = 1_000 / Number(values["checked-rate"]);
/** How often the process under test runs short of memory. */
const HOG_EVERY_MS = 7_000;
/** Calls that failed, of those that a second attempt could have saved; few in a short run. */
const UNSAVED_SHARE_MAX = SHORT ? 0.005 : 0.0005;
/** So many samples, whatever the length; each collects all garbage, which takes its time. */
const SAMPLES = SHORT ? 5 : 40;
/** Code is compiled and caches are filled in the first part, which is not compared. */
const WARM_SHARE = 0.25;
/** What the second half may have on top of the quarter before it: noise of the collector. */
const GROWTH_MAX = 0.1;
/** After the load: longer than anything rests in the process, a minute for HTTP/2. */
const SETTLE_MS = 65_000;
/** A process that has closed everything ends at once. */
const END_MS_MAX = 5_000;

const upstream = await startUpstream();
const http2Upstream = await startHttp2Upstream();
const instances = await startInstances();
const child = fork(
  fileURLToPath(new URL("proxy.mjs", import.meta.url)),
  [
    ...[upstream.origin, `http://127.0.0.1:${await closedPort()}`, http2Upstream.origin],
    ...[instances.url, instances.nameServer],
  ],
  { execArgv: ["--expose-gc"] },
);
const [{ port, http2Port }] = await once(child, "message");
const acts = [...actsFor(port), ...http2Acts(http2Port)];
const tally = createTally();
const checked = checkedActs(port, tally);
const came = new Map();
const running = new Set();
let sent = 0;

function begin() {
  run(acts[sent % acts.length]);
}

function run(act) {
  sent += 1;
  const one = act().then((what) => {
    came.set(what, (came.get(what) ?? 0) + 1);
    running.delete(one);
  });
  running.add(one);
}

const samples = [];
const startedAt = Date.now();
instances.play();
const loads = [
  setInterval(begin, EVERY_MS),
  setInterval(() => run(checked[tally.calls % checked.length]), CHECKED_EVERY_MS),
  setInterval(() => child.send("hog"), HOG_EVERY_MS),
];
console.log("minute  heap MB  rss MB  pending  to upstream  clients  timers  listeners");
for (let turn = 1; turn <= SAMPLES; turn += 1) {
  await sleep(startedAt + (LENGTH_MS * turn) / SAMPLES - Date.now());
  const sample = await figuresOf("look");
  samples.push(sample);
  print(((Date.now() - startedAt) / 60_000).toFixed(1), sample);
}
for (const load of loads) clearInterval(load);
await Promise.all(running);
await instances.calm();
endClients();
endCheckedClients();
endHttp2Clients();
await sleep(SETTLE_MS);
const rested = await figuresOf("look");
print("rest", rested);
const exited = once(child, "exit");
const closed = await figuresOf("close");
print("closed", closed);
const ended = await Promise.race([exited, sleep(END_MS_MAX, null, { ref: false })]);
if (ended === null) child.kill("SIGKILL");
upstream.close();
http2Upstream.close();
instances.close();

const growth = heapGrowth();
const twice = tally.posts.filter((id) => instances.executions.get(id) > 1).length;
const verdicts = [
  [`no answer is another's (${tally.wrong} of ${tally.calls})`, tally.wrong === 0],
  [`no POST was executed twice (${twice} of ${tally.posts.length})`, twice === 0],
  [
    `what a second attempt can save was answered (all but ${tally.unsaved} of ${tally.calls})`,
    tally.unsaved <= UNSAVED_SHARE_MAX * tally.calls,
  ],
  ["nothing hung", !came.has("hung")],
  ["nothing was thrown", closed.uncaught === 0],
  [`the heap is flat (${(growth * 100).toFixed(1)} %)`, SHORT || growth <= GROWTH_MAX],
  ["nothing is pending", rested.pending === 0],
  ["no connection to the upstream is left", rested.upstreamSockets === 0],
  ["no connection of a client is left", rested.clientSockets === 0],
  ["no timer is left", (closed.resources.Timeout ?? 0) === 0],
  ["sockets have no more listeners than at first", SHORT || listenersAreFlat()],
  ["the process ended by itself", ended !== null && ended[0] === 0],
];
console.log(`\n${sent} acts: ${shown(came)}`);
console.log(`faults: ${shown(instances.faults)}`);
console.log(`calls to the instances that failed: ${shown(tally.failed)}`);
console.log(`calls by failure: ${shown(new Map(Object.entries(closed.codes)))}\n`);
if (rested.upstreamSockets > 0) console.log(`left: ${JSON.stringify(rested.open)}`);
for (const [what, holds] of verdicts) console.log(`${holds ? "ok    " : "FAILED"} ${what}`);
if (verdicts.some(([, holds]) => !holds)) process.exitCode = 1;

async function figuresOf(message) {
  child.send(message);
  const [figures] = await once(child, "message");
  return figures;
}

/** Median of the second half over that of the quarter before it; the first quarter warms up. */
function heapGrowth() {
  const heaps = samples.map(({ heapUsed, external }) => heapUsed + external);
  const from = Math.floor(heaps.length * WARM_SHARE);
  const middle = Math.floor(heaps.length / 2);
  return median(heaps.slice(middle)) / median(heaps.slice(from, middle)) - 1;
}

function listenersAreFlat() {
  const half = Math.floor(samples.length / 2);
  const most = (part) => Math.max(...part.map((one) => one.listenersPerSocketMax));
  const total = (part) => Math.max(...part.map((one) => one.listeners));
  const [first, second] = [samples.slice(0, half), samples.slice(half)];
  return most(second) <= most(first) && total(second) <= total(first);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

function print(minute, figures) {
  const mb = (bytes) => (bytes / 1_048_576).toFixed(1);
  const row = [
    [minute, 6],
    [mb(figures.heapUsed + figures.external), 9],
    [mb(figures.rss), 8],
    [figures.pending, 9],
    [figures.upstreamSockets, 13],
    [figures.clientSockets, 9],
    [figures.resources.Timeout ?? 0, 8],
    [`${figures.listeners}+${figures.listenersPerSocketMax}`, 11],
  ];
  console.log(row.map(([value, width]) => String(value).padStart(width)).join(""));
}

function shown(counts) {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

/** A port where nobody listens. */
async function closedPort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port: free } = server.address();
  server.close();
  await once(server, "close");
  return free;
}
