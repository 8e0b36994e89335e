/**
 * One of three instances of an application, in a process of its own, that fails when told to.
 *
 * It notes what became of every request that it was given, by the id that the client put on it: so
 * that afterwards nobody's word has to be taken for what was executed, and how often.
 * Told over its channel: "normal", "down", "silent", "refusing", or "report".
 */
import { createServer } from "node:http";

/** What a request costs when all is well: between these, by chance. */
const WORK_MS_MIN = 5;
const WORK_MS_MAX = 15;

let state = "normal";
/** By request id, in the order of arrival: "answered", "cut", "swallowed" or "refused". */
const fates = [];
const running = new Set();
const sockets = new Set();

const server = createServer((req, res) => {
  if (req.url === "/healthz") {
    // Asks for nothing to be executed; it fails as all else does.
    if (state !== "silent") res.writeHead(state === "refusing" ? 503 : 200).end();
    return;
  }
  const fate = {
    id: req.headers["x-call-id"] ?? "",
    what: state === "refusing" ? "refused" : "cut",
  };
  fates.push(fate);
  if (state === "refusing") {
    req.resume();
    res.writeHead(503, { "content-type": "text/plain" }).end("no");
    return;
  }
  req.resume().once("end", () => work(fate, res));
});
// Longer than the run: the races of keep-alive are the matter of other tests.
server.keepAliveTimeout = 60_000;
server.on("connection", (socket) => {
  sockets.add(socket);
  socket.once("close", () => sockets.delete(socket)).on("error", () => {});
});

/** The request has been executed from here on, whatever becomes of its answer. */
function work(fate, res) {
  if (state === "silent") {
    fate.what = "swallowed";
    return;
  }
  const delayMs = WORK_MS_MIN + (WORK_MS_MAX - WORK_MS_MIN) * Math.random();
  const job = { fate, timer: setTimeout(() => answer(job, res), delayMs) };
  running.add(job);
}

function answer(job, res) {
  running.delete(job);
  job.fate.what = "answered";
  res.writeHead(200, { "content-type": "application/json" });
  res.end(JSON.stringify({ id: job.fate.id }));
}

function dropWork(what) {
  for (const { fate, timer } of running) {
    clearTimeout(timer);
    fate.what = what;
  }
  running.clear();
}

const port = { number: 0 };

const states = {
  normal() {
    if (!server.listening) server.listen(port.number, "127.0.0.1");
  },
  down() {
    server.close();
    dropWork("cut");
    for (const socket of sockets) socket.resetAndDestroy();
  },
  silent() {
    dropWork("swallowed");
  },
  refusing() {},
};

process.on("message", (message) => {
  if (message === "report") {
    process.send({ fates });
    return;
  }
  state = message;
  states[message]();
});
process.once("disconnect", () => process.exit(0));

server.listen(0, "127.0.0.1", () => {
  port.number = server.address().port;
  process.send({ port: port.number });
});
