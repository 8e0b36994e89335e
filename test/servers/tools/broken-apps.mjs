/**
 * Small applications, each broken in one way that is named on the command line. Each prints where
 * it listens, as `listening PORT`.
 */
import { createServer } from "node:http";
import { createServer as createRaw } from "node:net";

const [, , kind = "well", place = "0", host = "127.0.0.1"] = process.argv;

const raw = (bytes) =>
  createRaw((socket) => socket.on("error", () => {}).once("data", () => socket.end(bytes)));
const http = (handler, options = { keepAliveTimeout: 70_000 }) => createServer(options, handler);

const APPS = {
  well: () => http((_, res) => res.end("ok")),
  // Node's own keep-alive of 5 s.
  "short-keep-alive": () => http((_, res) => res.end("ok"), {}),
  silent: () => http(() => {}),
  "slow-route": () => http((req, res) => req.url === "/healthz" && res.end("ok")),
  hangs: () =>
    http(() => {
      for (;;);
    }),
  crashes: () => http(() => process.exit(1)),
  "out-of-heap": () =>
    http(() => {
      const all = [];
      for (;;) all.push(new Array(1_000_000).fill("x"));
    }),
  "big-head": () => http((_, res) => res.setHeader("x-session", "s".repeat(6_000)).end("ok")),
  "error-500": () => http((_, res) => res.writeHead(500).end("oops")),
  "not-healthy": () => http((req, res) => res.writeHead(req.url === "/healthz" ? 404 : 200).end()),
  redirects: () =>
    http((req, res) =>
      res.writeHead(req.url === "/healthz" ? 302 : 200, { location: "/login" }).end(),
    ),
  "cut-body": () => raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"),
  "stops-in-body": () =>
    createRaw((socket) =>
      socket
        .on("error", () => {})
        .once("data", () => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")),
    ),
  "bad-header": () => raw("HTTP/1.1 200 OK\r\nbad line\r\n\r\nok"),
  "cut-head": () => raw("HTTP/1.1 200 OK\r\ncontent-ty"),
  redis: () => raw("-ERR unknown command 'GET'\r\n"),
  ssh: () => createRaw((socket) => socket.on("error", () => {}).write("SSH-2.0-OpenSSH_9.2\r\n")),
  closes: () =>
    createRaw((socket) => socket.on("error", () => {}).once("data", () => socket.destroy())),
  websocket: () =>
    http((_, res) => res.end("ok")).on("upgrade", (_, socket) =>
      socket.end(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
      ),
    ),
};

const server = APPS[kind]();
server.listen(place.startsWith("/") ? { path: place } : { port: Number(place), host }, () => {
  const at = server.address();
  process.stdout.write(`listening ${typeof at === "string" ? at : at.port}\n`);
});
