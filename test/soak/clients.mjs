/**
 * The clients of the soak: every kind of request in turn, some of which leave in the middle, and
 * WebSockets that end in every way. Each act ends by itself; what came of it is counted.
 */
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { FAULT_PATHS } from "./upstream.mjs";

/** No act takes as long, on a busy machine either: one that does has hung. */
const HUNG_MS = 60_000;

const keepAlive = new Agent({ keepAlive: true, maxSockets: 32, maxFreeSockets: 8 });

/** Ends the connections that are kept. */
export function endClients() {
  keepAlive.destroy();
}

/** The acts, most of them ordinary requests, since those find what faults have left behind. */
export function actsFor(port) {
  // A stream has no end of its own.
  const ending = FAULT_PATHS.filter((path) => path !== "/stream");
  const faults = ending.map((path) => () => ask(port, { path }));
  const fine = Array.from({ length: 12 }, () => () => ask(port, { path: "/fine" }));
  const others = [
    () => ask(port, { path: "/fine", method: "POST", body: "x".repeat(1_000) }),
    () => ask(port, { path: "/reset", method: "POST", body: "x".repeat(1_000) }),
    () => ask(port, { path: "/fine", method: "POST", body: "x".repeat(200_000) }),
    () => ask(port, { path: "/fetch/fine" }),
    () => ask(port, { path: "/fetch/cut" }),
    () => ask(port, { path: "/fetch/silent", leaveMs: 50 }),
    () => ask(port, { path: "/dead/fine" }),
    () => ask(port, { path: "/h2/fine" }),
    () => ask(port, { path: "/h2/goaway", method: "POST", body: "x".repeat(1_000) }),
    () => ask(port, { path: "/h2/cut" }),
    () => ask(port, { path: "/h2/large", leaveMs: 1 }),
    () => ask(port, { path: "/silent", leaveMs: 30 }),
    () => ask(port, { path: "/stream", leaveMs: 200 }),
    () => ask(port, { path: "/large", leaveMs: 1 }),
    () => raw(port, "POST /fine HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nhel", 30),
    () => raw(port, "nonsense\r\n\r\n", 100),
    () => raw(port, "GET /fine HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", 1_000),
    () => webSocket(port, "/ws", "polite"),
    () => webSocket(port, "/ws", "polite"),
    () => webSocket(port, "/ws", "terminate"),
    () => webSocket(port, "/ws", "reset"),
    () => webSocket(port, "/ws", "close"),
    () => webSocket(port, "/no-upgrade", "polite"),
    () => webSocket(port, "/reset", "polite"),
    () => webSocket(port, "/dead/ws", "polite"),
  ];
  return [...faults, ...fine, ...others];
}

function ask(port, { path, method = "GET", body, leaveMs }) {
  return bounded((done) => {
    const asked = request({ agent: keepAlive, host: "127.0.0.1", port, path, method });
    asked.on("error", () => done("cut"));
    asked.on("response", (answer) => {
      answer.on("error", () => done("cut"));
      answer.on("end", () => done(answer.complete ? String(answer.statusCode) : "cut"));
      answer.resume();
    });
    asked.end(body);
    if (leaveMs !== undefined) setTimeout(() => asked.destroy(), leaveMs);
    return () => asked.destroy();
  });
}

function raw(port, bytes, leaveMs) {
  return bounded((done) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.once("close", () => done("raw"));
    socket.resume();
    socket.write(bytes);
    setTimeout(() => socket.destroy(), leaveMs);
    return () => socket.destroy();
  });
}

const BIG = Buffer.alloc(100_000, "b");

function webSocket(port, path, ending) {
  return bounded((done) => {
    const client = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    let echoed = 0;
    client.on("error", () => {});
    client.on("open", () => {
      for (const data of ["hello", BIG, "again"]) client.send(data);
    });
    client.on("message", () => {
      echoed += 1;
      if (echoed < 3) return;
      if (ending === "polite") client.close();
      else if (ending === "terminate") client.terminate();
      else client.send(ending);
    });
    client.once("close", (code) => done(`ws ${echoed === 3 ? "echoed" : "refused"} ${code}`));
    return () => client.terminate();
  });
}

/** Runs an act; one that does not end is given up, and counted as hung. */
export async function bounded(act) {
  let giveUp = () => {};
  const ended = new Promise((resolve) => {
    giveUp = act(resolve);
  });
  const limit = new AbortController();
  const hung = sleep(HUNG_MS, "hung", { signal: limit.signal }).catch(() => "ended");
  const came = await Promise.race([ended, hung]);
  limit.abort();
  if (came === "hung") giveUp();
  return came;
}
