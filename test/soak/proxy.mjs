/**
 * The process under test of the soak: a gateway behind `nodeProxy`, with upgrades and a route of
 * its own that calls `gatewayFetch`, and one message of figures for each that is asked for.
 *
 * Started with --expose-gc, so that the figures say what is alive and not what awaits collection.
 */
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createGateway, dns } from "good-gateway";
import { gatewayFetch } from "good-gateway/fetch";
import { nodeContext, nodeProxy } from "good-gateway/node";

const [ORIGIN, DEAD_ORIGIN, HTTP2_ORIGIN, THREE_URL, NAME_SERVER] = process.argv.slice(2);

const TIMEOUTS = { connectMs: 1_000, responseMs: 800, idleMs: 1_500, totalMs: 4_000 };

const gateway = createGateway({
  name: "soak",
  upstreams: {
    app: {
      targets: [ORIGIN],
      timeouts: TIMEOUTS,
      // Faults are to reach the connections, which an open breaker would spare.
      breaker: false,
      bulkhead: { concurrencyMax: 200 },
    },
    http2: {
      targets: [HTTP2_ORIGIN],
      allowH2: "h2c",
      timeouts: TIMEOUTS,
      breaker: false,
      bulkhead: { concurrencyMax: 200 },
    },
    dead: { targets: [DEAD_ORIGIN], breaker: { openMs: 500 } },
    three: {
      discover: dns({ url: THREE_URL, servers: [NAME_SERVER], intervalMsMin: 500 }),
      timeouts: { connectMs: 1_000, responseMs: 2_000, totalMs: 10_000 },
    },
  },
  onWarning: () => {},
});
const codes = new Map();
gateway.on("call:end", ({ code }) => {
  const name = code ?? "none";
  codes.set(name, (codes.get(name) ?? 0) + 1);
});

const proxy = nodeProxy(gateway.upstream("app"));
const dead = nodeProxy(gateway.upstream("dead"));
const toHttp2 = nodeProxy(gateway.upstream("http2"));
const toThree = nodeProxy(gateway.upstream("three"), {
  rewritePath: (path) => path.slice("/three".length),
});
const fetchApp = gatewayFetch(gateway.upstream("app"));

const fetching = nodeContext(gateway, async (req, res) => {
  try {
    const answer = await fetchApp(req.url.slice("/fetch".length));
    res.end(await answer.text());
  } catch {
    if (!res.headersSent) res.statusCode = 502;
    res.end();
  }
});

const listener = (req, res) => {
  if (req.url.startsWith("/h2/")) toHttp2(req, res);
  else if (req.url.startsWith("/fetch/")) fetching(req, res);
  else if (req.url.startsWith("/three/")) toThree(req, res);
  else if (req.url.startsWith("/dead/")) dead(req, res);
  else proxy(req, res);
};
const server = createServer(listener);
const http2Server = createHttp2Server(listener);
server.on("checkContinue", proxy.checkContinue);
server.on("upgrade", proxy.upgrade);
server.on("clientError", proxy.clientError);
let uncaught = 0;
process.on("uncaughtException", (error) => {
  uncaught += 1;
  console.error(error);
});

const sockets = new Set();
for (const one of [server, http2Server]) {
  one.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
}
http2Server.on("sessionError", () => {});

function listenersOf(emitter) {
  return emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0);
}

async function figures() {
  // Twice, with a turn between: what a finalizer lets go is collected by the second.
  for (let turn = 0; turn < 2; turn += 1) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const resources = {};
  for (const kind of process.getActiveResourcesInfo()) {
    resources[kind] = (resources[kind] ?? 0) + 1;
  }
  const targets = gateway.upstreams.flatMap((upstream) => upstream.targets);
  const open = gateway.upstreams.map(({ name, targets: of }) => [
    name,
    of.map(({ connections }) => `${connections.open} open, ${connections.idle} idle`),
  ]);
  const sum = (figure) => targets.reduce((total, target) => total + figure(target), 0);
  return {
    heapUsed,
    external,
    rss,
    resources,
    uncaught,
    pending: sum((target) => target.pending),
    upstreamSockets: sum((target) => target.connections.open),
    clientSockets: sockets.size,
    listenersPerSocketMax: Math.max(0, ...[...sockets].map(listenersOf)),
    listeners: listenersOf(server) + listenersOf(http2Server) + listenersOf(process),
    codes: Object.fromEntries(codes),
    open: Object.fromEntries(open),
  };
}

/** Memory that is short here: garbage by the hundred megabytes, and a loop that stands still. */
function hog() {
  const kept = [];
  for (let part = 0; part < 24; part += 1) {
    kept.push(
      Array.from({ length: 20_000 }, (_, index) => ({ index })),
      Buffer.alloc(4_194_304, 1),
    );
  }
}

process.on("message", async (message) => {
  if (message === "hog") return hog();
  if (message === "close") {
    server.closeAllConnections();
    server.close();
    http2Server.close();
    gateway.close();
  }
  process.send({ asked: message, ...(await figures()) });
  if (message === "close") process.disconnect();
});

server.listen(0, "127.0.0.1", () => {
  http2Server.listen(0, "127.0.0.1", () => {
    process.send({ port: server.address().port, http2Port: http2Server.address().port });
  });
});
