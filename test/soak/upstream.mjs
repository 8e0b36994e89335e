/**
 * The upstream of the soak: raw TCP, so that it can be as wrong as it likes. The path of a request
 * says what happens to it; a request to upgrade gets a WebSocket that sends back what it is sent.
 */
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { WebSocketServer } from "ws";

const OK = "HTTP/1.1 200 OK\r\n";
const later = (ms, act) => setTimeout(act, ms);

/** What is done by path, once head and body of the request are there. */
const FAULTS = {
  "/fine": (socket) => socket.write(`${OK}content-length: 4\r\n\r\nfine`),
  "/large": (socket) => {
    const body = Buffer.alloc(262_144, "l");
    socket.write(`${OK}content-length: ${body.length}\r\n\r\n`);
    socket.write(body);
  },
  "/chunked": (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n5\r\nhello\r\n`);
    later(20, () => socket.write("5\r\nworld\r\n0\r\nx-sum: 10\r\n\r\n"));
  },
  "/busy": (socket) => {
    socket.write("HTTP/1.1 503 Busy\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n");
  },
  "/stream": (socket) => {
    socket.write(`${OK}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n`);
    const tick = setInterval(() => socket.write("8\r\ndata: 1\n\r\n"), 50);
    socket.once("close", () => clearInterval(tick));
  },
  "/reset": (socket) => socket.resetAndDestroy(),
  "/close": (socket) => socket.destroy(),
  "/silent": () => {},
  "/garbage": (socket) => socket.write("no HTTP at all\r\n\r\n"),
  "/lengths": (socket) => {
    socket.write(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`);
  },
  "/cut": (socket) => {
    socket.write(`${OK}content-length: 100\r\n\r\nhello`);
    later(10, () => socket.destroy());
  },
  "/cut-reset": (socket) => {
    socket.write(`${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    later(10, () => socket.resetAndDestroy());
  },
  "/stall": (socket) => socket.write(`${OK}content-length: 100\r\n\r\nhello`),
  "/no-upgrade": (socket) => {
    socket.write("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
  },
};

export const FAULT_PATHS = Object.keys(FAULTS);

/** Starts it; `origin` is where it listens. */
export async function startUpstream() {
  const webSockets = echoServer();
  const sockets = new Set();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    serve(socket, webSockets);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    openConnections: () => sockets.size,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function serve(socket, webSockets) {
  let received = Buffer.alloc(0);
  const onData = (chunk) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      const end = received.indexOf("\r\n\r\n");
      if (end === -1) return;
      const head = received.toString("latin1", 0, end);
      const path = head.split(" ", 2)[1].split("?", 1)[0];
      if (/^upgrade: websocket/im.test(head) && path === "/ws") {
        socket.off("data", onData);
        socket.pause();
        socket.unshift(received);
        webSockets.emit("connection", socket);
        socket.resume();
        return;
      }
      const bodyEnd = bodyEndIn(received, head, end + 4);
      if (bodyEnd === -1) return;
      received = received.subarray(bodyEnd);
      (FAULTS[path] ?? FAULTS["/fine"])(socket);
    }
  };
  socket.on("data", onData);
}

function bodyEndIn(received, head, from) {
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
  if (!/^transfer-encoding: chunked/im.test(head)) {
    return received.length < from + length ? -1 : from + length;
  }
  const last = received.indexOf("0\r\n\r\n", from);
  return last === -1 ? -1 : last + 5;
}

/** Node's server and ws do the handshake on sockets that are handed to them. */
function echoServer() {
  const server = createHttpServer();
  const webSockets = new WebSocketServer({ server });
  webSockets.on("connection", (client) => {
    client.on("error", () => {});
    client.on("message", (data, isBinary) => {
      const text = isBinary ? "" : data.toString();
      if (text === "reset") client._socket.resetAndDestroy();
      else if (text === "close") client.close(1000);
      else client.send(data, { binary: isBinary });
    });
  });
  return server;
}
