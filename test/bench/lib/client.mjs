/**
 * A client that costs little: request after request over kept connections, without an HTTP library.
 *
 * It reads answers that Content-Length or chunks delimit, counts what is not 2xx, and prints one
 * line of JSON. A connection that the proxy closes between answers is opened again.
 */
import { connect } from "node:net";
import { cpuSeconds } from "./usage.mjs";
import { requestBytes } from "./workloads.mjs";

const { url, pids, requests, connections, workload } = JSON.parse(process.argv[2]);
const { hostname, port, host } = new URL(url);
const REQUEST = requestBytes(workload, host);
const CONNECT_FAILURES_MAX = 100;
/** Some ten milliseconds: short enough that many of them meet no other work of the machine. */
const WINDOW_REQUESTS = 500;

const tookMs = new Float64Array(requests);
const state = { sent: 0, answered: 0, errors: 0, unusual: 0, connectFailures: 0 };
const windows = [];
const open = new Set();
const startedAt = performance.now();
let spent = cpuSeconds(pids);

for (let index = 0; index < Math.min(connections, requests); index += 1) dial();

function dial() {
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  let sentAt = -1;
  let held = "";

  const next = () => {
    if (state.sent === requests) return void socket.end();
    state.sent += 1;
    sentAt = performance.now();
    socket.write(REQUEST);
  };

  const answered = (count) => {
    tookMs[state.answered] = performance.now() - sentAt;
    sentAt = -1;
    state.answered += 1;
    if (count !== null) state[count] += 1;
    if (state.answered % WINDOW_REQUESTS === 0) endWindow();
    if (state.answered === requests) finish();
    else next();
  };

  socket.on("connect", next);
  socket.on("data", (chunk) => {
    held += chunk.latin1Slice();
    const length = answerLength(held);
    if (length === null || held.length < length) return;
    const usual = held.startsWith("HTTP/1.1 2");
    const whole = held.length === length;
    held = "";
    if (!whole) answered("errors");
    else answered(usual ? null : "unusual");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    open.delete(socket);
    if (sentAt !== -1) answered("errors");
    else state.connectFailures += 1;
    if (state.connectFailures > CONNECT_FAILURES_MAX) process.exit(1);
    if (state.sent < requests) dial();
  });
  open.add(socket);
}

/** Notes what the proxy's process has used for each request of this window. */
function endWindow() {
  const now = cpuSeconds(pids);
  windows.push((now - spent) / WINDOW_REQUESTS);
  spent = now;
}

/** The length of head and body, null while it cannot be told. */
function answerLength(text) {
  const head = text.indexOf("\r\n\r\n");
  if (head === -1) return null;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head));
  if (length !== null) return head + 4 + Number(length[1]);
  const end = text.indexOf("\r\n0\r\n\r\n", head);
  return end === -1 ? null : end + 7;
}

function finish() {
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const socket of open) socket.removeAllListeners("close").destroy();
  tookMs.sort();
  const at = (share) => tookMs[Math.min(requests - 1, Math.floor(requests * share))];
  const result = {
    requests,
    errors: state.errors,
    unusual: state.unusual,
    perSecond: requests / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    windows,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
