/**
 * Instances of an application that is well, and fails what asks for `/boom`: by how it is told to,
 * at once. As many servers as the first argument says, in one process; their ports are sent. The
 * name of a fault, as a message, makes the first one ill: it fails all but its health and `/cart`.
 */
import { createServer } from "node:http";

const WORK_MS_MIN = 5;
const WORK_MS_MAX = 15;

/** What becomes of a poisoned request, by name. */
const FAILS = {
  reset: ({ socket }) => socket.destroy(),
  500: (_req, res) => res.writeHead(500).end(),
  502: (_req, res) => res.writeHead(502).end(),
  503: (_req, res) => res.writeHead(503).end(),
  hang: () => {},
  garbage: ({ socket }) => socket.end("NONSENSE\r\n\r\n"),
  head: ({ socket }) => socket.end(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}\r\n\r\n`),
};

/** What the first one does, once it is ill. */
let illness = null;
const SPARED = /^\/(?:cart|health)\b/;

function instance(_, at) {
  const server = createServer((req, res) => {
    req.resume();
    const isIll = at === 0 && illness !== null && !SPARED.test(req.url);
    const how = isIll ? illness : /^\/boom\/(\w+)/.exec(req.url)?.[1];
    if (how !== undefined) return FAILS[how](req, res);
    const ms = WORK_MS_MIN + (WORK_MS_MAX - WORK_MS_MIN) * Math.random();
    setTimeout(() => res.end("done"), ms);
  });
  server.keepAliveTimeout = 60_000;
  server.on("upgrade", (_req, socket) => socket.destroy());
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve(server.address().port));
  });
}

process.on("message", (fault) => {
  illness = fault;
});
process.once("disconnect", () => process.exit(0));
const count = Number(process.argv[2]);
process.send(await Promise.all(Array.from({ length: count }, instance)));
