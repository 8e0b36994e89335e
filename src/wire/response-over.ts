/**
 * An answer over a socket that Node's server has let go of, as at an upgrade: what the server does
 * for answers of its own is done here.
 *
 * Guarantee: the answer goes out whole, at the client's pace, and is the last one of its
 * connection; a client that goes on sending does not lose it to a reset (RFC 9112 §9.6).
 */
import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { LIMITS } from "../catalog/defaults.js";

export function responseOver(req: IncomingMessage, socket: Duplex): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket as Socket);
  const onDrain = (): void => {
    if (res.writableNeedDrain) res.emit("drain");
  };
  socket.on("drain", onDrain);
  res.once("finish", () => {
    socket.off("drain", onDrain);
    res.detachSocket(socket as Socket);
    // The server does so for answers of its own.
    process.nextTick(() => res.emit("close"));
    socket.end();
    linger(socket, req.socket);
  });
  return res;
}

/** What still comes is read and thrown away, until the client has closed or is too late. */
function linger(socket: Duplex, connection: Socket): void {
  if (socket.destroyed) return;
  let left = LIMITS.lingerBytesMax;
  socket.on("data", (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) socket.destroy();
  });
  socket.resume();
  connection.setTimeout(LIMITS.lingerMs, () => socket.destroy());
}
